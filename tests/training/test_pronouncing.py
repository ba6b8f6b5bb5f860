"""What a phrase's model looks at again: the ways to say it, checked by the bundled base on what an engine says."""

from __future__ import annotations

import numpy as np
import pytest

from close_negatives.plan import PlanSettings, plan
from close_negatives.synthesize import speak
from close_negatives.voices import SPLITS
from training.base import Base, find_base
from training.corpus import SPOKEN, Corpus, Words
from training.gathering import as_it_can_be
from training.pipeline import looks_again
from training.pronouncing import pronunciation_of, ways_to_say
from training.recipes import deploy, phrase
from wakeword import mfcc


def test_several_words_may_have_a_pause_between_them() -> None:
    assert ways_to_say("computer") == (("K", "AH", "M", "P", "Y", "UW", "T", "ER"),)
    assert ways_to_say("hey house") == (("HH", "EY", "HH", "AW", "S"), ("HH", "EY", "_", "HH", "AW", "S"))
    assert len(ways_to_say("either")) == 2  # the dictionary has two


def test_a_phrases_recipe_looks_again_by_its_own_base() -> None:
    recipe = phrase("computer")
    look = looks_again("computer", recipe)
    assert look is not None
    assert (look.units, look.weight) == (recipe.units, recipe.look_again)
    assert looks_again("computer", deploy("computer")) is None
    none_bundled = as_it_can_be(recipe.changed(units=16), corpus_of_nobody(), own=False)
    assert looks_again("computer", none_bundled) is None


def corpus_of_nobody() -> Corpus:
    """One clip of another word, and no recording."""
    words = Words(np.zeros((1, 16_000), np.int16), np.array([False]), ("x",), ("v",), ("n",), (SPOKEN,))
    return Corpus("computer", dict.fromkeys(SPLITS, words), {}, {})


def test_a_base_that_names_no_sounds_cannot_check_any() -> None:
    base = find_base("english", 128)
    assert isinstance(base, Base)
    with pytest.raises(ValueError, match="names no sounds"):
        pronunciation_of("computer", base, 1.0)


@pytest.mark.parametrize("units", [128, 256])
def test_the_bundled_base_finds_the_keyword_and_misses_it_in_what_is_like_it(units: int) -> None:
    base = find_base("sounds", units)
    assert base is not None
    look = pronunciation_of("computer", base, 2.0)
    texts = ("computer", "could you know", "composer", "the user")
    lacking = {text: look.shortfall(_said(text)) for text in texts}
    assert np.median(lacking["computer"]) < 0.7
    for other in texts[1:]:
        assert np.median(lacking[other]) > np.median(lacking["computer"]) + 0.7, other


def _said(text: str) -> np.ndarray:
    """MFCC of several voices that say it, (B, F, D)."""
    clips = speak(plan([text], 12, "test", 0, PlanSettings({"espeak": 1.0}))).clips
    padded = np.zeros((len(clips), 24_000), np.float32)
    for row, clip in zip(padded, clips, strict=True):
        row[: len(clip)] = clip[:24_000] / 32768
    return mfcc(padded)
