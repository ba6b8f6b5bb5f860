"""``wakeword listen`` and ``wakeword devices`` against the scripted PortAudio."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wakeword import Detector
from wakeword.cli import main

Install = Callable[..., Any]
MIC = {"name": "USB mic", "hostapi": 0, "max_input_channels": 1, "default_samplerate": 16_000.0}
SPEAKER = {"name": "speaker", "hostapi": 0, "max_input_channels": 0, "default_samplerate": 48_000.0}


def run(*arguments: str) -> int:
    """The exit code of ``wakeword`` with these arguments."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    code = ended.value.code
    assert isinstance(code, int)
    return code


@pytest.fixture
def model(tmp_path: Path, make_model: Callable[..., Any]) -> str:
    path = tmp_path / "word.wakeword"
    make_model("word").save(path)
    return str(path)


@pytest.fixture
def speaking(install: Install, voice: np.ndarray) -> Any:
    """A microphone that hears ``voice`` in blocks of 80 ms; four seconds of it fit into its queue."""
    return install(SPEAKER, MIC, default=1, sessions=[[voice[i : i + 1280] for i in range(0, 64_000, 1280)]])


def test_detections_are_those_of_the_detector(
    speaking: Any, model: str, voice: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = Detector(model, threshold=-1.0).process(voice[:64_000])
    assert len(expected) >= 2  # otherwise this shows nothing
    assert run("listen", "--model", model, "--threshold", "-1", "--seconds", "4") == 0
    out, err = capsys.readouterr()
    assert out.splitlines() == [f"{d.end_s:7.2f} s  word   score {d.score:.2f}" for d in expected]
    assert err.splitlines() == [
        "listening for word on USB mic (Ctrl-C stops)",
        f"heard 4.0 s, {len(expected)} detections",
    ]


def test_json_is_one_object_a_line(
    speaking: Any, model: str, voice: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = Detector(model, threshold=-1.0).process(voice[:64_000])
    assert run("listen", "--model", model, "--threshold", "-1", "--seconds", "4", "--json") == 0
    first, *objects, last = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    keywords = [{"keyword": "word", "threshold": -1.0}]
    assert first == {"event": "listening", "device": "USB mic", "rate": 16_000, "keywords": keywords}
    assert (last["event"], last["heard_s"], last["detections"]) == ("stopped", 4.0, len(expected))
    assert {found.pop("event") for found in objects} == {"detection"}
    assert [list(o) for o in objects] == [["keyword", "start_s", "end_s", "score", "threshold"]] * len(expected)
    for found, wanted in zip(objects, expected, strict=True):
        assert (found["keyword"], found["threshold"]) == ("word", -1.0)
        times = [found["start_s"], found["end_s"], found["score"]]
        np.testing.assert_allclose(times, [wanted.start_s, wanted.end_s, wanted.score], atol=1e-3)


def test_seconds_stop_at_that_much_sound(speaking: Any, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("listen", "--model", model, "--seconds", "0.4") == 0
    assert capsys.readouterr().err.splitlines()[-1] == "heard 0.4 s, 0 detections"


def test_ctrl_c_ends_with_the_summary_and_zero(
    speaking: Any, model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = Detector.step
    calls: Iterator[int] = iter(range(6))

    def interrupted(self: Detector, samples: np.ndarray) -> Any:
        if next(calls) == 5:
            raise KeyboardInterrupt
        return steps(self, samples)

    monkeypatch.setattr(Detector, "step", interrupted)
    assert run("listen", "--model", model) == 0
    assert capsys.readouterr().err.splitlines()[-1].startswith("heard 0.4 s, 0 detections")


def test_lost_sound_is_in_the_summary(
    install: Install, model: str, voice: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    install(MIC, sessions=[[voice[:1280]] * 10], overflow_at=[1, 4])
    assert run("listen", "--model", model, "--seconds", "0.8") == 0
    assert capsys.readouterr().err.splitlines()[-1] == "heard 0.8 s, 0 detections, 2 overflows (sound was lost)"


def test_an_overrun_is_told_and_counted(
    install: Install, model: str, voice: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    install(MIC, sessions=[[voice[:1280]] * 60])  # all at once, into a queue for 50
    assert run("listen", "--model", model, "--seconds", "0.8", "--json") == 0
    out, err = capsys.readouterr()
    told = [record for record in map(json.loads, out.splitlines()) if record["event"] != "detection"]
    assert [record["event"] for record in told] == ["listening", "overflow", "stopped"]
    assert [(record["overflows"], record["dropped_blocks"]) for record in told[1:]] == [(10, 10)] * 2
    assert "sound was lost: 10 overflows, 10 in all" in err


def test_a_lost_microphone_is_told_and_counted(
    install: Install, model: str, voice: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    install(MIC, sessions=[[voice[:1280]] * 3] * 2, stays=False)
    assert run("listen", "--model", model, "--seconds", "0.4") == 0
    err = capsys.readouterr().err.splitlines()
    assert "microphone 'USB mic' is back" in err
    assert err[-1] == "heard 0.4 s, 0 detections, 1 reconnect"


@pytest.mark.parametrize(
    ("devices", "arguments", "said"),
    [([SPEAKER], [], "no microphone was found"), ([MIC], ["--device", "webcam"], "there are: 0 USB mic")],
)
def test_microphone_errors_are_one_sentence_and_two(
    install: Install,
    model: str,
    devices: list[dict[str, Any]],
    arguments: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    install(*devices, default=-1)
    assert run("listen", "--model", model, *arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("wakeword: ")
    assert said in err
    assert err.count("\n") == 1


def test_devices_are_listed(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install(SPEAKER, MIC, {**MIC, "name": "line", "default_samplerate": 0.0}, default=1)
    assert run("devices") == 0
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["index", "rate", "channels", "host", "API", "name"],
        ["1", "default", "16000", "Hz", "1", "ALSA", "USB", "mic"],
        ["2", "unknown", "1", "ALSA", "line"],
    ]
    assert run("devices", "--json") == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == {
        "index": 1,
        "name": "USB mic",
        "host_api": "ALSA",
        "channels": 1,
        "native_rate": 16_000,
        "is_default": True,
    }
    assert second["native_rate"] == 0


def test_no_devices_is_an_error(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install(SPEAKER, default=-1)
    assert run("devices") == 2
    assert "no microphone was found" in capsys.readouterr().err


def seen_on_a_terminal(monkeypatch: pytest.MonkeyPatch, columns: int, rows: int, *arguments: str) -> str:
    """Everything that ``wakeword`` writes to a terminal of that size."""
    main_end, end = os.openpty()
    for name, value in {"TERM": "xterm", "COLUMNS": str(columns), "LINES": str(rows)}.items():
        monkeypatch.setenv(name, value)
    parts: list[bytes] = []

    def read() -> None:
        with contextlib.suppress(OSError):  # the end of a pseudo-terminal is an error
            while part := os.read(main_end, 1 << 16):
                parts.append(part)

    reader = threading.Thread(target=read)
    reader.start()
    with os.fdopen(end, "w", encoding="utf-8") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert run(*arguments) == 0
    reader.join(timeout=10)
    os.close(main_end)
    return b"".join(parts).decode()


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are a Unix thing")
def test_a_terminal_sees_every_word_and_how_the_machine_is_doing(
    speaking: Any, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ("listen", "--model", model, "--model", "happy", "--threshold", "-1", "--seconds", "4")
    seen = seen_on_a_terminal(monkeypatch, 90, 24, *arguments)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", seen)
    assert "s  word   score" in plain  # detections stay
    assert re.search(r"0:00:0\d  USB mic, 16000 Hz", plain)
    assert re.search(r" level +━+─* +-\d+ dB", plain)
    for keyword in ("word", "happy"):
        assert re.search(rf" {keyword} +━*─*[╋┃][━─]* +(-?\d+\.\d)?  fires at -1\.0", plain)
    assert re.search(r" delay \d+ ms   dropped 0   reconnects 0", plain)
    assert seen.endswith("\x1b[K\x1b[J\x1b[?25h")


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are a Unix thing")
@pytest.mark.parametrize(("columns", "rows"), [(40, 24), (90, 4)])
def test_a_small_terminal_sees_one_line(
    speaking: Any, model: str, monkeypatch: pytest.MonkeyPatch, columns: int, rows: int
) -> None:
    arguments = ("listen", "--model", model, "--threshold", "-1", "--seconds", "4")
    seen = seen_on_a_terminal(monkeypatch, columns, rows, *arguments)
    assert re.search("s  (mic )?━+─*.*  word ─+┃─+", re.sub(r"\x1b\[[0-9;]*m", "", seen))
    assert "dropped" not in seen
    assert seen.endswith("\r\x1b[K\x1b[?25h")


def test_the_c_libraries_are_silenced_and_python_is_not() -> None:
    code = (
        "import os, sys\n"
        "from wakeword.cli.devices import quiet_drivers\n"
        "with quiet_drivers():\n"
        "    os.write(2, b'Expression failed'); print('said', file=sys.stderr)\n"
        "    os.system('echo child >&2')\n"
        "os.write(2, b'after')\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stderr == "said\nafter"
