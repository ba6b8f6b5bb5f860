"""``wakeword close-negatives --speak`` and ``--play`` as a user runs them."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from close_negatives import words as mining
from close_negatives.engines import ENGINES
from close_negatives.manifest import read_manifest
from close_negatives.voices import split_of
from wakeword.cli import main

Run = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*args: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main(["close-negatives", *map(str, args)])
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    if not ENGINES["espeak"].available():
        pytest.skip("the speech engine 'espeak' is not installed")
    return call


def test_words_are_spoken_into_a_folder(run: Run, tmp_path: Path) -> None:
    options = ("--most", 3, "--clips", 2, "--engines", "espeak", "--split", "validation", "--jobs", 1)
    code, out, err = run("marvin", "--speak", tmp_path, *options)
    assert (code, err) == (0, "")
    assert out == f"6 clips of 3 words (espeak 6) are listed in {tmp_path / 'manifest.csv'}\n"
    rows = read_manifest(tmp_path / "manifest.csv")
    expected = mining.mine("marvin")[:3]
    assert {(row["text"], row["phonemes"]) for row in rows} == {(w.text, " ".join(w.phonemes)) for w in expected}
    voices = {voice.name: voice for voice in ENGINES["espeak"].voices()}
    assert {split_of(voices[row["voice"]]) for row in rows} == {"validation"} == {row["split"] for row in rows}
    assert all(soundfile.info(tmp_path / row["path"]).samplerate == 16_000 for row in rows)


def test_checked_clips_are_counted(run: Run, tmp_path: Path) -> None:
    if importlib.util.find_spec("pocketsphinx") is None:
        pytest.skip("the package pocketsphinx is not installed")
    options = ("--most", 2, "--clips", 1, "--engines", "espeak", "--check", "--jobs", 1)
    code, out, _ = run("marvin", "--speak", tmp_path, *options)
    assert code == 0
    assert out.startswith("dropped as 'marvin': espeak 0 of 2\n2 clips of 2 words")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--engines", "parrot"), "there is no speech engine 'parrot': choose from kokoro"),
        (("--engines", "hibari", "--split", "test"), "nobody can speak for the test split: hibari is not installed or"),
        (("--json",), "--json lists the words, and --speak and --play speak them"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(run: Run, tmp_path: Path, options: tuple[str, ...], sentence: str) -> None:
    code, out, err = run("marvin", "--most", 1, "--speak", tmp_path, *options)
    assert (code, out) == (2, "")
    assert sentence in err
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())


def test_a_missing_engine_is_named_and_the_rest_go_on(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("kokoro", "hibari"):
        monkeypatch.setattr(ENGINES[name], "packages", ("no_such_package",))
    code, out, err = run("marvin", "--most", 1, "--clips", 1, "--jobs", 1, "--speak", tmp_path)
    assert code == 0
    assert out.startswith("1 clips of 1 words")
    assert "note: the speech engine 'hibari' is not installed: pip install hibari-tts" in err.splitlines()
    assert "note: the speech engine 'kokoro' is not installed: pip install 'wakeword[natural]'" in err.splitlines()


def test_without_portaudio_one_sentence(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')\n")
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    code, out, err = run("marvin", "--play", "--engines", "espeak")
    assert (code, out) == (2, "")
    assert "the PortAudio library is missing: install it with" in err
    assert err.count("\n") == 1


@pytest.fixture
def loudspeaker(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a PulseAudio of its own, whose null sink is ALSA's default output."""
    for program in ("pulseaudio", "pactl", "parec"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: the real way of a sound is not tested here")
    home = Path(tempfile.mkdtemp(prefix="pulse"))  # a short path, as sockets need
    (home / ".asoundrc").write_text("pcm.!default { type pulse }\nctl.!default { type pulse }\n")
    env = {**os.environ, "HOME": str(home), "XDG_RUNTIME_DIR": str(home), "XDG_CONFIG_HOME": str(home / "config")}
    options = ["--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "-n"]
    sink = "--load=module-null-sink sink_name=ear rate=16000 channels=1"
    command = ["pulseaudio", *options, "--load=module-native-protocol-unix", sink]
    server = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    env["PULSE_SERVER"] = f"unix:{home}/pulse/native"
    try:
        for _ in range(100):
            if subprocess.run(["pactl", "info"], env=env, capture_output=True, check=False).returncode == 0:
                break
            time.sleep(0.1)
        else:
            pytest.skip("pulseaudio is installed but does not start here")
        yield env
    finally:
        server.terminate()
        server.wait(timeout=10)
        shutil.rmtree(home)


def test_what_is_spoken_is_played_in_order_with_its_words(loudspeaker: dict[str, str], tmp_path: Path) -> None:
    record = ["parec", "--device=ear.monitor", "--rate=16000", "--channels=1", "--format=s16le", "--raw"]
    with (tmp_path / "heard").open("wb") as heard, subprocess.Popen(record, env=loudspeaker, stdout=heard) as recorder:
        while not (tmp_path / "heard").stat().st_size:
            assert recorder.poll() is None
            time.sleep(0.05)
        options = ["--most", "2", "--clips", "1", "--engines", "espeak", "--jobs", "1"]
        command = ["close-negatives", "marvin", "--play", "--speak", str(tmp_path / "clips"), *options]
        played = subprocess.run(
            [sys.executable, "-m", "wakeword", *command], env=loudspeaker, cwd=ROOT, capture_output=True, text=True
        )
        time.sleep(0.5)
        recorder.terminate()
    assert played.returncode == 0, played.stderr
    lines = played.stdout.splitlines()
    words = [word.text for word in mining.mine("marvin")[:2]]
    assert [line.split()[:2] for line in lines[1:]] == [[word, "espeak"] for word in words]
    sound = np.fromfile(tmp_path / "heard", "<i2").astype(float)
    rows = {row["text"]: row["path"] for row in read_manifest(tmp_path / "clips" / "manifest.csv")}
    places = []
    for word in words:
        clip = soundfile.read(tmp_path / "clips" / rows[word], dtype="int16")[0].astype(float)
        products = np.correlate(sound, clip, "valid")
        at = int(np.abs(products).argmax())
        places.append(at)
        # Where the machine is busy the player has gaps; a wrong word does not come near this.
        assert abs(products[at]) / (np.linalg.norm(sound[at : at + len(clip)]) * np.linalg.norm(clip)) > 0.5
    assert places == sorted(places)
