"""What at again in the windows that it takes for its keyword: the sounds, as the base names them."""

from __future__ import annotations

from itertools import product

from close_negatives.exclusion import unstressed
from close_negatives.phonemes import pronunciations, words_of
from training.base import Base
from training.sounds import SYMBOLS
from wakeword.pronunciation import Pronunciation

_FLOOR = -2.0  # logit: no threshold worth having is lower, and few windows of other sounds are above it
_SILENCE = SYMBOLS[0]


def pronunciation_of(keyword: str, base: Base, weight: float) -> Pronunciation:
    """The ways to say a keyword, by the dictionary or by rules, checked by a base that names sounds.

    weight: logits that a shortfall of one nat costs. Raises ValueError where the base does not name sounds.
    """
    if not base.names_sounds:
        raise ValueError("a base that names no sounds cannot check any")
    arrays, (mean, std) = base.arrays, base.standard
    return Pronunciation(
        mean=mean,
        std=std,
        w_ih=arrays["weight_ih_l0"],
        w_hh=arrays["weight_hh_l0"],
        bias=arrays["bias_ih_l0"] + arrays["bias_hh_l0"],
        w_names=arrays["names_weight"],
        b_names=arrays["names_bias"],
        symbols=SYMBOLS,
        ways=ways_to_say(keyword),
        weight=weight,
        floor=_FLOOR,
    )


def ways_to_say(keyword: str) -> tuple[tuple[str, ...], ...]:
    """Rows of sounds: each word in each of its ways and, of several words, with pauses between them and without."""
    words = [[tuple(unstressed(way)) for way in pronunciations(word)] for word in words_of(keyword)]
    found: dict[tuple[str, ...], None] = {}
    for ways in product(*words):
        for pause in ((), (_SILENCE,)):
            said = ways[0]
            for way in ways[1:]:
                said = (*said, *pause, *way)
            found[said] = None
    return tuple(found)
