"""Plans: spread as asked, the same every time, and growing without changing what was there."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from close_negatives.engines import ENGINES, EngineError, available_engines
from close_negatives.plan import BULK, NATURAL, PlanSettings, plan
from close_negatives.voices import SPLITS, split_of
from close_negatives.words import CloseWord
from wakeword.errors import SynthesisError

FAST = PlanSettings({"hibari": 0.5, "pico": 0.25, "espeak": 0.25})


def test_asking_for_more_keeps_what_was_planned() -> None:
    few, many = plan(["marvin"], 7, "train", 1), plan(["marvin"], 23, "train", 1)
    assert many[:7] == few
    assert plan(["seven", "marvin"], 7, "train", 1)[7:] == few
    assert len({repr(request) for request in many}) == 23


def test_seed_and_split_change_everything() -> None:
    plans = [plan(["marvin"], 20, split, seed) for split in SPLITS for seed in (0, 1)]
    assert len({repr(request) for one in plans for request in one}) == 120
    for requests, split in zip(plans, (s for s in SPLITS for _ in range(2)), strict=True):
        assert {split_of(request.voice) for request in requests} == {split}


@pytest.mark.parametrize("clips", [1, 4, 100])
def test_engines_get_their_shares_at_every_number_of_clips(clips: int) -> None:
    words = [f"{a}{b}at" for a in "bcfhmprs" for b in ("", "l", "r", "n")][: 32 if clips < 100 else 4]
    if not {"hibari", "pico", "espeak"} <= {engine.name for engine in available_engines()}:
        pytest.skip("an engine of the plan is not installed")
    requests = plan(words, clips, "train", 0, FAST)
    counts = Counter(request.voice.engine for request in requests)
    for engine, share in FAST.shares.items():
        # For single clips of many words only chance spreads them: three standard deviations.
        slack = 3 * np.sqrt(share * (1 - share) / len(requests)) if clips == 1 else 0.06
        assert counts[engine] / len(requests) == pytest.approx(share, abs=slack)
    assert [request.name for request in requests[::clips]] == words


def test_ways_of_speaking_fill_their_bounds_and_leave_what_is_not_heeded() -> None:
    requests = plan(["marvin"], 600, "train", 0, FAST)
    rates, pitches = (np.array([getattr(request, name) for request in requests]) for name in ("rate", "pitch"))
    assert 0.75 <= rates.min() < 0.8 < 1.25 < rates.max() <= 1.35
    assert 0.8 <= pitches.min() < 0.85 < 1.15 < pitches.max() <= 1.25
    assert abs(np.corrcoef(rates, pitches)[0, 1]) < 0.15
    assert {request.seed == 0 for request in requests if "seed" not in ENGINES[request.voice.engine].heeds} <= {True}


def test_a_close_word_is_spoken_from_its_phonemes_and_called_by_its_spelling() -> None:
    mar = CloseWord("mar", ("M", "AA1", "R"), 0.4, "truncation")
    requests = plan([mar], 12, "train", 0, FAST)
    assert {request.phonemes for request in requests} == {mar.phonemes}
    assert {request.name for request in requests} == {"mar"}


def test_a_missing_engines_share_goes_to_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ENGINES["pico"], "packages", ("no_such_package",))
    counts = Counter(request.voice.engine for request in plan(["marvin"], 90, "train", 0, FAST))
    assert counts["hibari"] == pytest.approx(60, abs=3)
    assert counts["espeak"] == pytest.approx(30, abs=3)
    with pytest.raises(SynthesisError, match="train split: pico is not installed"):
        plan(["marvin"], 1, "train", 0, PlanSettings({"pico": 1.0, "espeak": 0.0}))
    with pytest.raises(SynthesisError, match="test split: hibari is not installed or has no voice of it"):
        plan(["marvin"], 1, "test", 0, PlanSettings({"hibari": 1.0}))


def test_what_cannot_be_planned_is_said() -> None:
    with pytest.raises(SynthesisError, match="no speech engine 'parrot'"):
        PlanSettings({"parrot": 1.0})
    with pytest.raises(SynthesisError, match="all of them zero"):
        PlanSettings({"espeak": 0.0})
    with pytest.raises(SynthesisError, match="-1 clips"):
        plan(["marvin"], -1, "train")
    with pytest.raises(EngineError, match="only English letters"):
        plan(["日本"], 1, "train")


def test_the_shares_of_the_settings_are_shares() -> None:
    for settings in (NATURAL, BULK):
        assert sum(settings.shares.values()) == pytest.approx(1.0)
        assert settings.shares.keys() == ENGINES.keys()
