"""What a model looks at again: the ways to say it, checked by the bundled base on what an engine says."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from close_negatives.plan import PlanSettings, plan
from close_negatives.synthesize import speak
from training.base import Base, find_base
from training.pipeline import looks_again
from training.pronouncing import pronunciation_of, ways_to_say
from training.recipes import deploy, phrase
from wakeword import mfcc


def test_several_words_may_have_a_pause_between_them() -> None:
    assert ways_to_say("computer") == (("K", "AH", "M", "P", "Y", "UW", "T", "ER"),)
    assert ways_to_say("hey house") == (("HH", "EY", "HH", "AW", "S"), ("HH", "EY", "_", "HH", "AW", "S"))
    assert len(ways_to_say("either")) == 2  # the dictionary has two


def test_a_model_looks_again_where_it_is_told_to_by_the_larger_base_or_the_users() -> None:
    recipe = phrase("computer").changed(units=128).looking_again()
    look = looks_again("computer", recipe)
    assert look is not None
    assert (look.units, look.weight) == (256, recipe.look_again)
    bases = Path(str(resources.files("training") / "bases"))
    for kind, units in (("sounds", 128), ("english", 256)):  # the latter names no sounds
        own = looks_again("computer", recipe.changed(base=str(bases / f"{kind}-128.npz")))
        assert own is not None
        assert own.units == units
    assert looks_again("computer", phrase("computer")) is None
    assert looks_again("computer", deploy("computer").looking_again()) is not None


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
