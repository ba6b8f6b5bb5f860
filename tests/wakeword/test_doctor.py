"""``wakeword doctor``: says what is there and what is broken, and how to mend it."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement as Reference

from wakeword.cli import checks, main, requirements
from wakeword.cli.checks import Finding
from wakeword.cli.requirements import Requirement, parse

ROOT = Path(__file__).resolve().parents[2]
MIC = {"name": "USB mic", "hostapi": 0, "max_input_channels": 1, "default_samplerate": 48_000.0}


def doctor(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["doctor", *arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_the_real_thing_works_here() -> None:
    command = [sys.executable, "-m", "wakeword", "doctor", "--json"]
    out = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    told = json.loads(out.stdout)
    assert told["works"] is True
    found = {finding["name"]: finding for finding in told["findings"]}
    assert {"python", "portaudio", "model happy", "torch", "voice espeak", "cache"} <= set(found)
    assert found["model happy"]["status"] == found["python"]["status"] == found["torch"]["status"] == "ok"
    for finding in told["findings"]:
        assert (finding["status"] == "ok") == (finding["mend"] == ""), finding


def test_a_kernel_that_was_not_compiled_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wakeword.kernel.library", lambda: None)
    (finding,) = checks.kernel()
    assert finding.status == "warning"
    assert "C compiler" in finding.mend
    assert not finding.essential
    monkeypatch.setattr(checks, "targets", lambda: ("baseline",))
    (finding,) = checks.kernel()
    assert (finding.status, finding.mend) == ("ok", "")


def only(monkeypatch: pytest.MonkeyPatch, *which: Callable[[], Iterator[Finding]]) -> None:
    monkeypatch.setattr(checks, "CHECKS", which)


def test_a_line_says_how_to_mend_it_and_what_is_essential_ends_with_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "happy.wakeword"
    damaged.write_bytes(b"PK damaged")
    monkeypatch.setattr("wakeword.model.bundled_models", lambda: {"happy": damaged})
    only(monkeypatch, checks.python, checks.models)
    assert doctor() == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ok       python")
    assert lines[1].startswith("missing  model happy")
    assert lines[2].strip() == "pip install --force-reinstall wakeword"
    assert lines[3] == "1 ok, 0 to look at, 1 missing: broken: model happy"
    assert doctor("--json") == 1
    assert json.loads(capsys.readouterr().out)["works"] is False


def test_sound_is_looked_at(install: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake = install(MIC)
    fake.get_portaudio_version = lambda: (1, "PortAudio V19, revision x")
    assert [finding.status for finding in checks.sound()] == ["ok", "ok", "ok"]
    fake.devices = []
    assert [(f.name, f.status) for f in checks.sound()] == [
        ("portaudio", "ok"), ("microphone", "missing"), ("loudspeaker", "warning"),
    ]  # fmt: skip
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')\n")
    monkeypatch.delitem(sys.modules, "sounddevice")
    monkeypatch.syspath_prepend(tmp_path)
    (broken,) = checks.sound()
    assert (broken.status, broken.essential) == ("missing", False)
    assert "sudo apt install libportaudio2" in broken.mend


def test_a_broken_torch_does_not_break_the_doctor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("import os; os.abort()\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (crashed,) = checks.torch()
    assert (crashed.status, crashed.mend) == ("missing", "pip install --force-reinstall torch torchaudio")
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\")\n")
    (missing,) = checks.torch()
    assert missing.mend == "pip install 'wakeword[train]'"


def test_missing_engines_come_with_their_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from close_negatives.engines import ENGINES

    monkeypatch.setattr(ENGINES["pico"], "packages", ("no_such_package",))
    found = {finding.name: finding for finding in checks.engines()}
    assert (found["voice pico"].status, found["voice pico"].mend) == ("missing", "pip install py-nanotts")
    assert found["voice espeak"].status == "ok"


def test_an_unwritable_cache_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WAKEWORD_CACHE", str(tmp_path / "below" / "it"))
    (fine,) = checks.cache()
    assert fine.status == "ok"
    assert not (tmp_path / "below").exists()  # a doctor changes nothing
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("WAKEWORD_CACHE", str(tmp_path / "file" / "below"))
    (broken,) = checks.cache()
    assert broken.status == "missing"
    assert "set WAKEWORD_CACHE" in broken.mend


def test_a_check_that_fails_by_itself_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> Iterator[Finding]:
        raise RuntimeError("boom")
        yield

    only(monkeypatch, broken, checks.python)
    assert doctor() == 0
    assert "could not be checked (RuntimeError: boom)" in capsys.readouterr().out


def test_requirements_are_read_as_packaging_reads_them() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = list(project["dependencies"])
    for extra, needed in project["optional-dependencies"].items():
        for line in needed:
            requirement, _, marker = line.partition(";")
            both = f"({marker.strip()}) and extra == '{extra}'" if marker else f"extra == '{extra}'"
            lines.append(f"{requirement}; {both}")
    for platform in ("linux", "darwin"):
        environment = {"sys_platform": platform}
        expected = []
        for reference in map(Reference, lines):
            marker = reference.marker
            for extra in ("", *project["optional-dependencies"]):
                if extra == "" and "extra" in str(marker):
                    continue
                if marker is None or (extra and marker.evaluate({**environment, "extra": extra})):
                    expected.append((reference.name, sorted(map(str, reference.specifier)), extra))
                    break
        found = [(one.name, sorted(one.clauses), one.extra) for one in parse(lines, platform)]
        assert found == expected
    with pytest.raises(ValueError, match="no requirement"):
        parse(["-e ."])


@pytest.mark.parametrize("clause", [">=2.0", ">=1.9.9", "==1.10", ">=1.10.0", "==1.10.1", ">=1.2"])
@pytest.mark.parametrize("installed", ["1.10", "1.9.9", "2.0.0+cpu", "1.10.1rc1"])
def test_versions_are_compared_as_packaging_does(clause: str, installed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements.metadata, "version", lambda name: installed)
    met = Requirement("some", (clause,)).problem() == ""
    reference = Reference(f"some{clause}")
    final = installed.partition("rc")[0]  # a release candidate passes here for its release
    assert met == reference.specifier.contains(final)
