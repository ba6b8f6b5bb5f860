"""Which speaker is on which side: training, validation and test never share one.

A speaker goes where the hash of the name falls, so that a voice added later moves nobody. Engines with only one or two
speakers are dealt out by hand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Literal

import numpy as np

from close_negatives.engines import Engine, Voice
from close_negatives.engines.kokoro import Kokoro, blend_of, voice_of

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")

#: a function from a generator to a voice of one engine and split
DrawVoice = Callable[[np.random.Generator], Voice]

_TRAIN_SHARE, _VALIDATION_SHARE = 0.6, 0.2  # the rest tests
#: Of several thousand, a salt under which both sexes and both accents of the few English speakers of Kokoro, and the
#: four Japanese ones alone, have somebody on every side.
_SALT = 148
_DEALT: dict[str, Split] = {
    # hibari was taught by Kokoro's Heart, so she is one speaker in both. She is the only natural voice in many
    # installations, and learning needs her most.
    "kokoro:heart": "train",
    # Pico's two women differ in accent and voice. One more synthesizer to learn from buys more than one more to test
    # on; the British one measures whether what was learnt carries to another speaker.
    "pico:en-US": "train",
    "pico:en-GB": "validation",
    # eSpeak's voice without a variant, which is also pyttsx3's on Linux in every accent: one speaker.
    "espeak:": "train",
}
_BLENDED = (0.2, 0.4, 0.4)  # shares of one, two and three speakers: people are rarely exactly one of a few dozen
_LEAST_WEIGHT = 0.1  # of a part of a blend: less is not heard
_FOREIGN_SHARE = 0.2  # of the blends with a speaker of another language, who brings an accent
_HIBARI = "kokoro"  # whose speakers hibari's networks were taught by, under the same names


def speakers(voice: Voice) -> frozenset[str]:
    """Who is heard in a voice, as ``engine:name``; several in a blend."""
    if voice.engine == "kokoro":
        # What follows the underscore: Santa and Dora speak several languages, and are one person in each.
        return frozenset(f"kokoro:{name.partition('_')[2] or name}" for name in blend_of(voice.name))
    if voice.engine == "hibari":
        return frozenset({f"{_HIBARI}:{voice.name.rpartition('-')[0]}"})
    if voice.engine == "espeak":
        return frozenset({f"espeak:{voice.name.partition('+')[2]}"})  # the variant, whatever the accent
    if voice.engine == "pyttsx3" and not voice.natural:
        return frozenset({"espeak:"})
    return frozenset({f"{voice.engine}:{voice.name}"})


def speaker_split(speaker: str) -> Split:
    """The side of one speaker, about 60, 20 and 20 in a hundred."""
    if speaker in _DEALT:
        return _DEALT[speaker]
    place = int.from_bytes(hashlib.sha256(f"{_SALT}:{speaker}".encode()).digest()[:8], "big") / 2**64
    if place < _TRAIN_SHARE:
        return "train"
    return "validation" if place < _TRAIN_SHARE + _VALIDATION_SHARE else "test"


def split_of(voice: Voice) -> Split | None:
    """The side of a voice; None for a blend of speakers from several sides, which belongs to none."""
    sides = {speaker_split(speaker) for speaker in speakers(voice)}
    return sides.pop() if len(sides) == 1 else None


def voices_of(engine: Engine, split: Split) -> list[Voice]:
    """The engine's voices of one side, in a fixed order; of Kokoro the speakers, not their blends. May be empty.

    Raises EngineError where the engine is missing.
    """
    listed = engine.speakers() if isinstance(engine, Kokoro) else engine.voices()
    return [voice for voice in listed if split_of(voice) == split]


def voice_drawer(engine: Engine, split: Split) -> DrawVoice | None:
    """What draws a voice of the engine for that side; None where the engine has none. Raises EngineError.

    Kokoro's are random blends of one to three speakers: a continuum of people instead of a few dozen.
    """
    pool = voices_of(engine, split)
    if not pool:
        return None
    if not isinstance(engine, Kokoro):
        return lambda rng: pool[int(rng.integers(len(pool)))]
    english = [voice.name for voice in pool if voice.language in ("en-US", "en-GB")]
    foreign = [voice.name for voice in pool if voice.name not in english]
    return lambda rng: _draw_blend(rng, english, foreign)


def _draw_blend(rng: np.random.Generator, english: list[str], foreign: list[str]) -> Voice:
    native, others = (english, foreign) if english else (foreign, [])
    count = min(int(rng.choice(len(_BLENDED), p=_BLENDED)) + 1, len(native))
    names = [native[i] for i in rng.choice(len(native), count, replace=False)]
    if others and rng.random() < _FOREIGN_SHARE:
        names[-1] = others[int(rng.integers(len(others)))]
    rest = 1.0 - _LEAST_WEIGHT * count
    weights = _LEAST_WEIGHT + rest * rng.dirichlet(np.ones(count))
    return voice_of(dict(zip(names, weights.tolist(), strict=True)))
