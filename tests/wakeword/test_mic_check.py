"""``wakeword mic-check``: signals of known level, noise, offset and clipping are measured as what they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from wakeword.cli import main
from wakeword.mic_check import examine

RATE = 16_000
MIC = {"name": "USB mic", "hostapi": 0, "max_input_channels": 1, "default_samplerate": 16_000.0}


def noise(seconds: float, level_db: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(round(seconds * RATE)) * 10 ** (level_db / 20)


def spoken(level_db: float, floor_db: float) -> np.ndarray:
    """Noise for 6 s; in it, two words of 0.8 s of another noise, so that speech and floor are known."""
    sound = noise(6.0, floor_db)
    for start in (2.5, 4.0):
        sound[round(start * RATE) :][: round(0.8 * RATE)] += noise(0.8, level_db, seed=1)
    return np.clip(sound, -1.0, 1.0).astype(np.float32)


@pytest.mark.parametrize(
    ("level", "floor", "quality"),
    [(-20.0, -65.0, "excellent"), (-25.0, -50.0, "good"), (-35.0, -50.0, "fair"), (-32.0, -42.0, "poor")],
)
def test_speech_and_floor_are_measured(level: float, floor: float, quality: str) -> None:
    report = examine(spoken(level, floor))
    assert report.noise_floor_db == pytest.approx(floor, abs=1.0)
    assert report.speech_db == pytest.approx(level, abs=1.0)
    assert report.snr_db == pytest.approx(level - floor, abs=1.5)
    assert report.speech_s == pytest.approx(1.6, abs=0.15)
    assert (report.quality, report.clipped) == (quality, 0)
    assert any("room is loud" in sentence for sentence in report.advice) == (level - floor < 20.0)


def test_nobody_speaking_is_unknown() -> None:
    report = examine(noise(5.0, -60.0).astype(np.float32))
    assert (report.quality, report.snr_db, report.speech_db) == ("unknown", None, None)
    assert "nobody was heard speaking" in report.advice[-1]


def test_clipping_offset_quiet_and_dead_microphones_are_told() -> None:
    clipped = examine(np.clip(spoken(-2.0, -60.0), -0.99, 0.99))
    assert clipped.clipped > 1000
    assert clipped.quality == "fair"
    assert any("it clips" in sentence for sentence in clipped.advice)
    offset = examine(spoken(-25.0, -60.0) + np.float32(0.1))
    assert offset.dc_offset == pytest.approx(0.1, abs=1e-3)
    assert offset.snr_db == pytest.approx(35.0, abs=1.5)  # an offset is no noise
    assert any("constant offset" in sentence for sentence in offset.advice)
    quiet = examine(spoken(-55.0, -90.0))
    assert quiet.quality == "fair"
    assert any("very quiet" in sentence for sentence in quiet.advice)
    dead = examine(np.zeros(3 * RATE, np.float32))
    assert dead.quality == "poor"
    assert "nothing but zeros" in dead.advice[0]


def check(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["mic-check", *arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_the_command_reports_in_words_and_in_json(
    install: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    sound = spoken(-25.0, -50.0)[2 * RATE :]  # four seconds fit into the queue
    in_blocks = [sound[i : i + 1280] for i in range(0, len(sound), 1280)]
    install(MIC, sessions=[in_blocks])
    assert check("--seconds", "4") == 0
    out, err = capsys.readouterr()
    assert err.splitlines() == ["listening to USB mic for 4 s: be silent for two, then speak"]
    rows = {line[:12].strip(): line[13:] for line in out.splitlines()}
    assert rows["device"] == "USB mic, 16000 Hz"
    assert rows["noise floor"] == "-50 dB"
    assert rows["speech"] == "-25 dB, 25 dB above the noise (1.6 s of speech)"
    assert rows["quality"].startswith("good: ")
    install(MIC, sessions=[in_blocks])
    assert check("--seconds", "4", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["device"], told["rate"], told["quality"], told["narrow_band"]) == ("USB mic", 16_000, "good", False)
    assert told["snr_db"] == pytest.approx(25.0, abs=1.5)
    install({**MIC, "default_samplerate": 8000.0}, sessions=[[np.zeros(640, np.float32)] * 14], rates=[8000])
    assert check("--seconds", "1") == 1
    assert "as telephones do" in capsys.readouterr().out
