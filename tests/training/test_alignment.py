"""Finding sounds in clips of people, whose words are known, and words in what an engine says."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from close_negatives.engines import Request, get_engine
from close_negatives.phonemes import pronounce
from close_negatives.synthesize import speak
from training.alignment import align, rows_of_words
from training.clips import active_range
from training.corpus import read_clip
from training.sounds import SYMBOLS

DEMO = Path(__file__).parents[2] / "demo" / "recordings"
RATE = 16_000


def people() -> list[tuple[str, np.ndarray]]:
    """The words of the demo's recording, each said by another person, and their clips."""
    recording = read_clip(DEMO / "happy.flac")
    spoken = json.loads((DEMO / "happy.json").read_text())
    return [(one["word"], recording[int(one["start_s"] * RATE) : int(one["end_s"] * RATE)]) for one in spoken]


def bare(word: str) -> list[str]:
    return [phoneme.rstrip("012") for phoneme in pronounce(word)]


def test_people_say_the_sounds_of_their_words_in_turn_and_where_it_is_loud() -> None:
    found = [(word, clip, align(clip, pronounce(word))) for word, clip in people()]
    assert sum(bool(sounds) for *_, sounds in found) >= 0.9 * len(found)
    inside = []
    for word, clip, sounds in found:
        if sounds:
            assert [sound.symbol for sound in sounds] == bare(word)
            assert all(a.end == pytest.approx(b.start) for a, b in itertools.pairwise(sounds))
            assert all(sound.symbol in SYMBOLS and sound.start < sound.end for sound in sounds)
            start, end = (edge / RATE for edge in active_range(clip.astype(float)))
            overlap = min(end, sounds[-1].end) - max(start, sounds[0].start)
            inside.append(overlap / (max(end, sounds[-1].end) - min(start, sounds[0].start)))
    assert np.median(inside) > 0.6  # both are rough: breath is loud, and the ends of words are not


def test_of_two_words_each_is_found_in_its_own_half() -> None:
    (first, a), (second, b) = [(word, clip) for word, clip in people() if word in ("zero", "right")][:2]
    sounds = align(np.concatenate([a, b]), (*pronounce(first), *pronounce(second)))
    border = len(a) / RATE
    own = len(pronounce(first))
    assert all(sound.start < border for sound in sounds[:own])
    assert all(sound.end > border for sound in sounds[own:])


def test_what_is_not_there_is_not_found() -> None:
    # A sound lasts three frames at least, and here are too few for twelve.
    assert align(np.zeros(800, np.int16), pronounce("straightforward")) == ()


def test_rows_of_words_are_what_an_engine_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WAKEWORD_CACHE", str(tmp_path))
    text = "would you please open the door of the kitchen"
    recording = speak([Request(get_engine("hibari").voices()[0], text, seed=1)]).clips[0]
    longest = 18_000
    rows = rows_of_words(recording, longest)
    said = " ".join(p for word in text.split() for p in bare(word))
    assert rows
    assert all(0 < len(row.clip) <= longest for row in rows)
    right = [" ".join(row.phonemes) in said for row in rows]
    assert np.mean(right) >= 0.5
    assert any(row.phonemes == tuple(bare("please") + bare("open")) or len(row.phonemes) > 6 for row in rows)


def test_what_was_heard_before_changes_nothing() -> None:
    spoken = people()[:12]
    onward = [align(clip, pronounce(word)) for word, clip in spoken]
    assert [align(clip, pronounce(word)) for word, clip in reversed(spoken)] == onward[::-1]
    first, second = (np.concatenate([clip for _, clip in half]) for half in (spoken[:6], spoken[6:]))
    alone = rows_of_words(first, RATE)
    rows_of_words(second, RATE)
    again = rows_of_words(first, RATE)
    assert [row.phonemes for row in again] == [row.phonemes for row in alone]
