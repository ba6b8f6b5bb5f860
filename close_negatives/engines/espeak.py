"""eSpeak NG 1.52 from the package espeakng-loader: eight accents of English times a hundred robotic voices.

The library is GPL-3.0-or-later. It is neither part of this project nor linked into it: a separate program
(_child.py) opens it through ctypes, and the sound that it makes is not covered by its licence.
"""

from __future__ import annotations

import math
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from close_negatives.engines.base import Engine, EngineError, Request, Speech, Voice
from close_negatives.engines.helper import Helper
from close_negatives.engines.symbols import ESPEAK_GB, ESPEAK_US, write

#: accent -> file of its data; eSpeak's names of the accents do not all find them
ACCENTS = {
    "en-GB": "gmw/en",
    "en-029": "gmw/en-029",
    "en-GB-scotland": "gmw/en-GB-scotland",
    "en-GB-x-gbclan": "gmw/en-GB-x-gbclan",
    "en-GB-x-gbcwmd": "gmw/en-GB-x-gbcwmd",
    "en-GB-x-rp": "gmw/en-GB-x-rp",
    "en-US": "gmw/en-US",
    "en-US-nyc": "gmw/en-US-nyc",
}
#: Other languages in Latin letters, for what is said around a keyword -> file of its data
LANGUAGES = {
    "de": "gmw/de",
    "es": "roa/es",
    "fr": "roa/fr",
    "it": "roa/it",
    "nl": "gmw/nl",
    "pl": "zlw/pl",
    "pt": "roa/pt-BR",
    "sv": "gmq/sv",
    "tr": "trk/tr",
}
_FILES = ACCENTS | LANGUAGES
LICENCE = "GPL-3.0-or-later"
WORDS_PER_MINUTE = 175  # eSpeak's usual rate

#: variants that a listener, or a recognizer, takes for another word
_DROPPED = {
    "zac",
    "kaukovalta",
    "Alicia",
    "shelby",
    "marcelo",
    "ian",
    "Demonic",
    "Lee",
    "whisperf",
    "boris",
}
_NARROWEST_RANGE, _RANGES = 30, 41  # of 0 .. 100, around the usual 50: from flat to lively


def pitch_parameter(pitch: float) -> int:
    """eSpeak's pitch, 0 to 99, of a factor: 50 is the usual pitch, and 50 steps are an octave."""
    return min(round(50 + 50 * math.log2(pitch)), 99)


@lru_cache(maxsize=1)
def _variants() -> tuple[str, ...]:
    """The data's voice variants but the dropped ones. A misspelt one would be accepted and speak as no variant."""
    spec = find_spec("espeakng_loader")
    root = Path(spec.origin).parent if spec and spec.origin else Path()
    files = (root / "espeak-ng-data" / "voices" / "!v").iterdir()
    return tuple(sorted(file.name for file in files if file.name not in _DROPPED))


class Espeak(Engine):
    """Voices are named ``accent`` and ``accent+variant``. A seed picks the noise of breath and hiss, and how
    lively the intonation is."""

    name = "espeak"
    install_hint = "pip install espeakng-loader"
    packages = ("espeakng_loader",)
    distributions = ("espeakng-loader",)
    heeds = frozenset({"rate", "pitch", "seed"})

    def __init__(self) -> None:
        self._helper = Helper(self.name)

    def voices(self) -> list[Voice]:
        self.require()
        return list(_voices())

    def has_voice(self, voice: Voice) -> bool:
        """Also one of another language."""
        return super().has_voice(voice) or (voice.reads in LANGUAGES and voice in voices_in(voice.reads))

    def _speak(self, request: Request) -> Speech:
        accent, plus, variant = request.voice.name.partition("+")
        alphabet = ESPEAK_US if accent.startswith("en-US") else ESPEAK_GB
        question = {
            "text": f"[[{write(request.phonemes, alphabet)}]]" if request.phonemes else request.text,
            "voice": _FILES[accent] + plus + variant,
            "wpm": round(WORDS_PER_MINUTE * request.rate),
            "pitch": pitch_parameter(request.pitch),
            "range": _NARROWEST_RANGE + request.seed % _RANGES,
            "seed": request.seed,
        }
        header, payload = self._helper.ask(question)
        return np.frombuffer(payload, np.int16).astype(np.float32) / np.float32(32768), header["rate"]


@lru_cache(maxsize=1)
def _voices() -> tuple[Voice, ...]:
    return tuple(
        Voice("espeak", accent + variant, accent, LICENCE, natural=False)
        for accent in ACCENTS
        for variant in ("", *(f"+{name}" for name in _variants()))
    )


@lru_cache(maxsize=16)
def voices_in(language: str) -> tuple[Voice, ...]:
    """Every voice that reads one of LANGUAGES. Raises EngineError on another."""
    if language not in LANGUAGES:
        raise EngineError(f"there is no language '{language}' to speak: choose from {', '.join(LANGUAGES)}")
    variants = ("", *(f"+{name}" for name in _variants()))
    return tuple(Voice("espeak", language + v, language, LICENCE, natural=False, reads=language) for v in variants)
