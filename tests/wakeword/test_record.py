"""``wakeword record``: takes found, trimmed, judged and kept; keys from a pipe; --auto."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from wakeword.audio import read_mono
from wakeword.cli import main
from wakeword.takes import Take, TakeFinder, TakeSettings

Capture = pytest.CaptureFixture[str]
RATE = 16_000
MIC = {"name": "USB mic", "hostapi": 0, "max_input_channels": 1, "default_samplerate": 16_000.0}


def room(seconds: float, level_db: float = -65.0, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return (noise * 10 ** (level_db / 20)).astype(np.float32)


def said(seconds: float = 0.6, level_db: float = -20.0, pause: tuple[float, float] | None = None) -> np.ndarray:
    """A buzz as loud as speech, silent between the times of ``pause``."""
    t = np.arange(round(seconds * RATE)) / RATE
    buzz = np.sign(np.sin(2 * np.pi * 150 * t)) * 10 ** (level_db / 20)
    if pause is not None:
        buzz[(t >= pause[0]) & (t < pause[1])] = 0.0
    return buzz.astype(np.float32)


def place(speech: np.ndarray, before: float = 1.0, after: float = 1.5, level_db: float = -65.0) -> np.ndarray:
    sound = room(before + after + len(speech) / RATE, level_db)
    sound[round(before * RATE) :][: len(speech)] += speech
    return np.clip(sound, -1.0, 1.0)


def first_take(sound: np.ndarray, block: int = 1280) -> Take | None:
    finder = TakeFinder()
    takes = (finder.push(sound[i : i + block]) for i in range(0, len(sound), block))
    return next((take for take in takes if take is not None), None)


@pytest.mark.parametrize("block", [333, 1280, 5000])
@pytest.mark.parametrize("speech", [said(0.3), said(1.2), said(1.5, pause=(0.5, 0.9))], ids=["short", "long", "pause"])
def test_a_take_is_the_speech_and_a_margin(speech: np.ndarray, block: int) -> None:
    sound = place(speech)
    take = first_take(sound, block)
    assert take is not None
    assert take.problems == ()
    assert take.speech_s == pytest.approx(len(speech) / RATE, abs=0.04)
    assert len(take.samples) / RATE == pytest.approx(len(speech) / RATE + 0.3, abs=0.06)
    at = np.flatnonzero(np.isin(sound, take.samples[:1]))  # it is a stretch of what was heard, unchanged
    assert any(np.array_equal(sound[i : i + len(take.samples)], take.samples) for i in at)
    assert take.level_db == pytest.approx(-20.0, abs=0.7)
    assert take.room_db == pytest.approx(-65.0, abs=2.0)


def test_a_room_without_speech_is_no_take() -> None:
    assert first_take(room(20.0)) is None
    assert first_take(np.zeros(20 * RATE, np.float32)) is None
    louder = np.concatenate((room(5.0, -60.0), room(10.0, -55.0)))
    assert first_take(louder) is None


@pytest.mark.parametrize(
    ("sound", "wrong"),
    [
        (place(said(0.6, 3.0)), "clipped"),
        (place(said(0.6, -48.0), level_db=-75.0), "too quiet"),
        (place(said(0.6, -30.0), level_db=-43.0), "above the room"),
        (place(said(6.0)), "too long"),
        (place(said(0.07)), "too short"),
    ],
)
def test_what_is_wrong_with_a_take_is_said(sound: np.ndarray, wrong: str) -> None:
    take = first_take(sound)
    assert take is not None
    assert any(wrong in problem for problem in take.problems), take.problems
    assert len(take.samples) / RATE <= TakeSettings().longest_s + TakeSettings().hang_s + 0.4


def blocks(*sounds: np.ndarray) -> list[np.ndarray]:
    sound = np.concatenate(sounds)
    return [sound[i : i + 1280] for i in range(0, len(sound), 1280)]


@pytest.fixture
def speaker(install: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """speaker(*takes) makes a microphone that delivers one of these sounds after every prompt."""

    def ready(*takes: np.ndarray) -> None:
        install(MIC, sessions=[blocks(room(0.08))])
        waiting = list(takes)

        def prompted(microphone: Any) -> None:
            """In place of throwing away what was heard before the prompt: what is heard after it."""
            deliver = microphone._capture._heard
            sound = waiting.pop(0) if waiting else room(60.0)
            flags = type("Flags", (), {"input_overflow": False})()
            monkeypatch.setattr(microphone._capture, "_queue", __import__("queue").Queue())
            for block in blocks(sound):
                deliver(block[:, None], len(block), None, flags)

        monkeypatch.setattr("wakeword.microphone.Microphone.discard", prompted)

    return ready


def record(monkeypatch: pytest.MonkeyPatch, keys: str, *arguments: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(keys))
    with pytest.raises(SystemExit) as ended:
        main(["record", *arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_keys_keep_retake_and_quit(
    speaker: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    speaker(place(said(0.5)), place(said(0.7)), place(said(0.9)), place(said(1.1)))
    assert record(monkeypatch, "krk\nq", "Hey, You", "--takes", "3", "--out", str(tmp_path)) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hey_you_001.flac", "hey_you_002.flac"]
    lengths = [len(read_mono(path)) / RATE - 0.3 for path in sorted(tmp_path.iterdir())]
    assert lengths == pytest.approx([0.5, 0.9], abs=0.06)
    info = soundfile.info(tmp_path / "hey_you_001.flac")
    assert (info.samplerate, info.channels, info.format, info.subtype) == (RATE, 1, "FLAC", "PCM_16")
    out = capsys.readouterr().out
    assert 'take 2 of 3: say "Hey, You"' in out
    assert "good: 0.50 s, level -20 dB, peak -20 dB, room -65 dB" in out
    assert out.endswith(f"2 of 3 takes are in {tmp_path}\n")


def test_recordings_that_are_there_stay(
    speaker: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "word_001.wav").write_bytes(b"mine")
    speaker(place(said()), place(said()))
    assert record(monkeypatch, "kk", "word", "--takes", "2", "--out", str(tmp_path), "--format", "wav") == 0
    assert (tmp_path / "word_001.wav").read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"word_00{n}.wav" for n in (1, 2, 3)]


def test_auto_keeps_the_good_and_retakes_the_bad(
    speaker: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    speaker(place(said()), place(said(0.6, 3.0)), place(said()))
    assert record(monkeypatch, "", "word", "--takes", "2", "--out", str(tmp_path), "--auto") == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["word_001.flac", "word_002.flac"]
    assert "it is clipped" in capsys.readouterr().out


def test_auto_gives_up_on_silence_and_on_bad_takes(
    speaker: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    speaker(room(31.0))
    assert record(monkeypatch, "", "word", "--out", str(tmp_path), "--auto") == 2
    assert "nothing was said for 30 s" in capsys.readouterr().err
    speaker(*[place(said(0.6, 3.0))] * 5)
    assert record(monkeypatch, "", "word", "--out", str(tmp_path), "--auto") == 2
    assert "5 bad takes in a row" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_folder_is_one_sentence(
    speaker: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    (tmp_path / "file").write_text("")
    speaker(place(said()))
    assert record(monkeypatch, "k", "word", "--out", str(tmp_path / "file" / "below")) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert record(monkeypatch, "k", "  ", "--out", str(tmp_path)) == 2
