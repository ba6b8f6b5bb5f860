"""``wakeword calibrate`` as a user runs it, and the small file that it leaves beside the model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from wakeword import Detector, ModelFileError, bundled_models, load_model

ROOT = Path(__file__).resolve().parents[2]
MIC = {"name": "USB mic", "hostapi": 0, "max_input_channels": 1, "default_samplerate": 16_000.0}


@pytest.fixture
def model(make_model: Callable[..., Any], voice: np.ndarray, tmp_path: Path) -> Path:
    """A model that fires in ``voice`` at its own threshold."""
    made = make_model()
    low = float(np.quantile(Detector(made).step(voice).scores, 0.5))
    made.card["operating_points"]["alarms"]["threshold"] = low
    made.save(tmp_path / "word.wakeword")
    assert Detector(tmp_path / "word.wakeword").process(voice)
    return tmp_path / "word.wakeword"


@pytest.fixture
def room(voice: np.ndarray, tmp_path: Path) -> Path:
    """A folder with two recordings, one in a folder of its own at another rate, and files that are none."""
    (tmp_path / "room" / "kitchen").mkdir(parents=True)
    soundfile.write(tmp_path / "room" / "voice.wav", voice, 16_000, subtype="FLOAT")
    soundfile.write(tmp_path / "room" / "kitchen" / "Radio.FLAC", np.repeat(voice, 2), 32_000)
    (tmp_path / "room" / "broken.wav").write_bytes(b"RIFF")
    (tmp_path / "room" / "notes.txt").write_text("radio on")
    return tmp_path / "room"


def test_recordings_set_the_threshold_that_is_loaded_with_the_model(
    run: Callable[..., Any], model: Path, room: Path, voice: np.ndarray
) -> None:
    own = load_model(model).rule().threshold
    code, out, err = run("calibrate", model, "--audio", room)
    sidecar = model.with_name("word.calibration.json")
    assert code == 0
    assert f"heard 0.2 min of 2 files of {room}" in out
    assert f"written to {sidecar}" in out
    assert "passed over" in err
    assert "broken.wav" in err
    loaded = load_model(model)
    record = json.loads(sidecar.read_text())
    assert loaded.rule().threshold == record["threshold"] > own
    assert record["false_alarms"]["count"] == 0
    assert Detector(model).process(voice) == []
    assert Detector(model, point="alarms").process(voice) != []  # the model's own points are still there
    assert load_model(model, calibrated=False).rule().threshold == own
    _, out, _ = run("info", model)
    assert f"file: {sidecar}" in out
    assert "default_point: room" in out
    assert "raised" in out


def test_removing_goes_back(run: Callable[..., Any], model: Path, room: Path) -> None:
    before = load_model(model)
    run("calibrate", model, "--audio", room)
    assert "removed" in run("calibrate", model, "--remove")[1]
    assert load_model(model).card == before.card
    assert "there is no calibration" in run("calibrate", model, "--remove")[1]


def test_a_bundled_models_calibration_is_the_users(
    run: Callable[..., Any], room: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAKEWORD_CONFIG", str(tmp_path / "config"))
    before = sorted(path.name for path in bundled_models()["happy"].parent.iterdir())
    code, out, _ = run("calibrate", "happy", "--audio", room / "voice.wav", "--json")
    assert code == 0
    told = json.loads(out)
    assert told["file"] == str(tmp_path / "config" / "happy.calibration.json")
    assert load_model("happy").rule().threshold == told["threshold"]
    assert load_model(bundled_models()["happy"]).card["default_point"] == "room"
    assert sorted(path.name for path in bundled_models()["happy"].parent.iterdir()) == before


def test_the_microphone_is_heard_for_so_long(
    run: Callable[..., Any], install: Callable[..., Any], model: Path, voice: np.ndarray
) -> None:
    install(MIC, sessions=[[voice[i : i + 1280] for i in range(0, 57_600, 1280)]])
    code, out, err = run("calibrate", model, "--minutes", 0.05, "--json")
    assert code == 0
    assert "listening to USB mic for 0.05 min: do not say 'word'" in err
    told = json.loads(out)
    assert told["source"] == "microphone 'USB mic'"
    assert told["false_alarms"]["hours"] == pytest.approx(3.04 / 3600, abs=1e-4)
    from wakeword.alarms import count_alarms, hear

    heard = [hear(load_model(model), voice[: 38 * 1280])]
    for threshold, count in told["alarms_by_threshold"]:
        assert count == count_alarms(heard, load_model(model).rule(threshold=threshold))


def test_a_calibration_of_another_model_is_named_and_not_used(
    run: Callable[..., Any], make_model: Callable[..., Any], model: Path, room: Path
) -> None:
    run("calibrate", model, "--audio", room)
    make_model(seed=5).save(model)
    assert load_model(model).rule().threshold == 1.5
    assert "measured with another model file" in run("info", model)[1]
    run("calibrate", model, "--audio", room)
    assert load_model(model).card["default_point"] == "room"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "damaged"),
        ("[]", "damaged"),
        ('{"format": "else"}', "another kind of file"),
        ('{"format": "wakeword-calibration", "format_version": 1, "threshold": NaN, "model_sha256": ""}', "no number"),
        ('{"format": "wakeword-calibration", "format_version": 1, "threshold": "3"}', "damaged"),
        ('{"format": "wakeword-calibration", "format_version": 2}', "newer wakeword"),
        ("[" * 100_000, "damaged"),
    ],
)
def test_a_damaged_calibration_is_said_with_its_place(
    run: Callable[..., Any], model: Path, room: Path, text: str, sentence: str
) -> None:
    sidecar = model.with_name("word.calibration.json")
    sidecar.write_text(text)
    with pytest.raises(ModelFileError, match=sentence) as error:
        load_model(model)
    assert str(sidecar) in str(error.value)
    assert "wakeword calibrate  again" in str(error.value)
    assert run("calibrate", model, "--audio", room)[0] == 0
    assert load_model(model).card["default_point"] == "room"


def test_what_cannot_be_heard_is_one_sentence(run: Callable[..., Any], model: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    soundfile.write(tmp_path / "blink.wav", np.zeros(800), 16_000)
    for audio, sentence in (
        (tmp_path / "none", "there is no such file"),
        (tmp_path / "empty", "holds no sound file"),
        (tmp_path / "blink.wav", "no window of sound to calibrate with"),
    ):
        code, _, err = run("calibrate", model, "--audio", audio)
        assert code == 2
        assert sentence in err
    assert not model.with_name("word.calibration.json").exists()


def test_a_raised_threshold_and_too_little_sound_are_said(run: Callable[..., Any], model: Path, room: Path) -> None:
    _, _, err = run("calibrate", model, "--audio", room, "--false-alarms-per-hour", "0.2")
    assert "the threshold is too high and it will be missed" in err
    assert "to show 0.2 takes 15 h without an alarm" in err


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (("calibrate", "happy", "--minutes", "nan"), "nan is not a finite number"),
        (("calibrate", "happy", "--audio", "x", "--false-alarms-per-hour", "inf"), "inf is not a finite number"),
        (("listen", "--seconds", "nan"), "nan is not a finite number"),
        (("mic-check", "--seconds", "nan"), "nan is not a finite number"),
        (("serve", "--idle-seconds", "inf"), "inf is not a finite number"),
        (("calibrate", "happy", "--audio", "x", "--minutes", "2"), "--audio and --minutes exclude each other"),
        (("calibrate", "happy", "--remove", "--json"), "--remove and --json exclude each other"),
        (("listen", "--margin", "5"), "--margin needs --save-clips"),
        (("demo", "--fast", "--port", "99"), "--port needs --web"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(run: Callable[..., Any], command: tuple[str, ...], sentence: str) -> None:
    code, _, err = run(*command)
    assert code == 2
    assert sentence in err


def test_where_nothing_can_be_written_is_said_before_anything_is_heard(
    run: Callable[..., Any], room: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("WAKEWORD_CONFIG", str(tmp_path / "file" / "config"))
    code, _, err = run("calibrate", "happy", "--audio", room)
    assert code == 2
    assert str(tmp_path / "file") in err
    assert "passed over" not in err  # no recording was opened


def test_it_needs_no_framework(model: Path, room: Path) -> None:
    code = (
        "import sys\nfrom wakeword.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit as stop:\n    print(stop.code)\n"
        "print(sorted(set(sys.modules) & {'torch', 'torchaudio', 'scipy', 'sklearn', 'sounddevice', 'training'}))"
    )
    command = [sys.executable, "-c", code, "calibrate", str(model), "--audio", str(room), "--json"]
    out = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert out.stdout.splitlines()[-2:] == ["0", "[]"]
