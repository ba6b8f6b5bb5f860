"""What is to be spoken, decided before anything is: words times voices times ways of saying them.

A plan is a list of requests. Each request follows from (engine, word, place, split, seed) alone, so that asking for
more clips of a word keeps the earlier ones, and another word changes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from close_negatives.engines import ENGINES, Engine, Request, Voice, available_engines, get_engine
from close_negatives.engines.espeak import voices_in
from close_negatives.voices import DrawVoice, Split, split_of, voice_drawer
from close_negatives.words import CloseWord
from wakeword.errors import SynthesisError

_GOLDEN = (5**0.5 - 1) / 2
_NATURAL_SHARES = MappingProxyType(
    {
        "kokoro": 0.6,  # nearest to people, and the only one with a continuum of speakers; but the slow one
        "hibari": 0.1,  # natural, but one speaker in two accents
        "pico": 0.08,  # natural enough, one speaker a side; another synthesizer's habits
        "espeak": 0.22,  # a robot, but of eight accents and dozens of speakers
        "pyttsx3": 0.0,  # on Linux it is eSpeak once more; elsewhere give it a share for the system's natural voices
    }
)
_BULK_SHARES = MappingProxyType(
    {
        "kokoro": 0.1,  # enough that a natural voice is no sign of the keyword
        "hibari": 0.25,  # the natural voice that is fast
        "pico": 0.15,
        "espeak": 0.5,  # a hundred times as fast as Kokoro
        "pyttsx3": 0.0,
    }
)


@dataclass(frozen=True)
class PlanSettings:
    """How clips are spread.

    shares   engine -> share of the clips; those of engines that are missing, or have no voice of the split, go to the
             others in proportion
    rates    slowest and fastest, of the voice's usual rate: people who call a machine are seldom outside
    pitches  lowest and highest, of the voice's usual pitch: beyond it voices sound like no person
    """

    shares: Mapping[str, float] = field(default_factory=lambda: _NATURAL_SHARES)
    rates: tuple[float, float] = (0.75, 1.35)
    pitches: tuple[float, float] = (0.8, 1.25)

    def __post_init__(self) -> None:
        if unknown := self.shares.keys() - ENGINES.keys():
            raise SynthesisError(f"there is no speech engine '{min(unknown)}': choose from {', '.join(ENGINES)}")
        if min(self.shares.values(), default=0.0) < 0 or sum(self.shares.values()) <= 0:
            raise SynthesisError("the shares of the speech engines must not be negative, nor all of them zero")


#: For the keyword and its close negatives alike: were their voices different, the voice would tell them apart.
NATURAL = PlanSettings()
#: For thousands of other words, which natural voices alone would take hours to speak.
BULK = PlanSettings(_BULK_SHARES)


def plan(
    words: Sequence[str | CloseWord],
    clips: int,
    split: Split,
    seed: int = 0,
    settings: PlanSettings = NATURAL,
) -> list[Request]:
    """``clips`` requests for each word or phrase, in the order of the words, spread over engines, accents, voices,
    rates and pitches. A CloseWord is spoken from its phonemes where the engine can, a string as the engine reads it.

    Raises SynthesisError where no engine of the settings is installed or has a voice of the split, and EngineError
    where a word cannot be spoken.
    """
    if clips < 0:
        raise SynthesisError(f"{clips} clips of each word cannot be spoken: give 0 or more")
    shares = _usable_shares(settings, split)
    drawers = {engine.name: drawer for engine, drawer, _ in shares}
    bounds = np.cumsum([share for *_, share in shares])
    requests = []
    for word in words:
        places = dict.fromkeys(drawers, 0)
        start = int.from_bytes(_digest(str(_text(word)), split, seed)[:8], "big") / 2**64
        for index in range(clips):
            # Multiples of the golden ratio fill the interval evenly from the first on, wherever they are cut off.
            point = (start + index * _GOLDEN) % 1.0 * bounds[-1]
            engine = shares[int(np.searchsorted(bounds, point, side="right"))][0]
            key = (engine.name, _text(word), list(_phonemes(word)), places[engine.name], split, seed)
            rng = np.random.default_rng(list(_digest(*key)))
            requests.append(_draw(word, engine, drawers[engine.name], rng, settings))
            places[engine.name] += 1
    return requests


def plan_in(
    language: str, texts: Sequence[str], split: Split, seed: int = 0, settings: PlanSettings = BULK
) -> list[Request]:
    """One request for each text of another language (eSpeak's LANGUAGES), over the voices of the split.

    Raises EngineError where eSpeak is missing or does not speak the language.
    """
    engine = get_engine("espeak")
    pool = [voice for voice in voices_in(language) if split_of(voice) == split]

    def draw_voice(rng: np.random.Generator) -> Voice:
        return pool[int(rng.integers(len(pool)))]

    generators = (np.random.default_rng(list(_digest(language, text, split, seed))) for text in texts)
    return [_draw(text, engine, draw_voice, rng, settings) for text, rng in zip(texts, generators, strict=True)]


def _draw(
    word: str | CloseWord, engine: Engine, draw_voice: DrawVoice, rng: np.random.Generator, settings: PlanSettings
) -> Request:
    """One way of saying a word. All of the chances are taken in any case, so that they stay independent."""
    voice = draw_voice(rng)
    ways = {
        "rate": _between(rng, settings.rates),
        "pitch": _between(rng, settings.pitches),
        "seed": int(rng.integers(2**32)),
    }
    heeded = {name: value for name, value in ways.items() if name in engine.heeds}
    if _phonemes(word) and engine.speaks_phonemes:
        return Request(voice, phonemes=_phonemes(word), label=_text(word), **heeded)  # type: ignore[arg-type]
    return Request(voice, _text(word), **heeded)  # type: ignore[arg-type]


def _between(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    """A factor between the bounds, most often near 1, as likely slower by a tenth as faster by it."""
    low, high = np.log(bounds)
    return round(float(np.exp(rng.triangular(low, min(max(0.0, low), high), high))) if low < high else bounds[0], 3)


def _usable_shares(settings: PlanSettings, split: Split) -> list[tuple[Engine, DrawVoice, float]]:
    usable = []
    for engine in available_engines():
        share = settings.shares.get(engine.name, 0.0)
        drawer = voice_drawer(engine, split) if share > 0 else None
        if drawer is not None:
            usable.append((engine, drawer, share))
    if not usable:
        names = " or ".join(name for name, share in settings.shares.items() if share > 0)
        raise SynthesisError(
            f"nobody can speak for the {split} split: {names} is not installed or has no voice of it "
            "(pip install 'wakeword[train]' brings several engines)"
        )
    return usable


def _text(word: str | CloseWord) -> str:
    return word if isinstance(word, str) else word.text


def _phonemes(word: str | CloseWord) -> tuple[str, ...]:
    return () if isinstance(word, str) else word.phonemes


def _digest(*parts: object) -> bytes:
    return hashlib.sha256(json.dumps(parts).encode()).digest()
