"""What every speech engine is to the rest of the project: voices, requests, and one method that speaks."""

from __future__ import annotations

import re
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from close_negatives.articulation import SYMBOLS
from wakeword.errors import WakewordError

Speech = tuple[NDArray[np.float32], int]

_MOST_CHARACTERS = 500  # a sentence or two: longer texts are cut differently by each engine
_MOST_PHONEMES = 100
_SLOWEST, _FASTEST = 0.5, 2.0
_SILENCE = 1e-3  # of full scale: the softest engine peaks two orders of magnitude above it
_ARPABET = frozenset((*SYMBOLS, "ER0", "ER1", "ER2"))


class EngineError(WakewordError):
    """A speech engine that is missing, or that cannot speak what was asked of it."""


@dataclass(frozen=True)
class Voice:
    """One speaker of one engine.

    name: unique within the engine; language: of the speaker (BCP 47), who may read English with an accent;
    licence: SPDX expression of the voice's data and of the code that speaks it; natural: whether it was learnt
    from recordings of people. Blends are named ``a+b`` after the two voices that they lie between, or with weights, as
    in ``a*0.3+b*0.7``. reads: the language whose spelling it is given, which decides the letters a text may have.
    """

    engine: str
    name: str
    language: str
    licence: str
    natural: bool
    reads: str = "en"


@dataclass(frozen=True)
class Request:
    """One utterance: either ``text`` (letters, apostrophe, hyphen, space and ``, . ? !``) or ``phonemes``
    (ARPAbet as ``close_negatives.phonemes`` writes it), never both.

    rate and pitch are factors of the voice's usual ones, 0.5 to 2. seed (32 bits, from 0) picks among the ways
    in which the engine can say the same. label is what phonemes are called, such as a spelling; it changes no sound.
    Raises EngineError where a field is out of these bounds.
    """

    voice: Voice
    text: str = ""
    phonemes: tuple[str, ...] = ()
    rate: float = 1.0
    pitch: float = 1.0
    seed: int = 0
    label: str = ""

    def __post_init__(self) -> None:
        if bool(self.text.strip()) == bool(self.phonemes):
            raise EngineError("there is nothing to speak, or too much: give either a text or phonemes")
        if self.phonemes:
            _check_phonemes(self.phonemes)
        else:
            _check_text(self.text, self.voice.reads)
        for name in ("rate", "pitch"):
            if not _SLOWEST <= getattr(self, name) <= _FASTEST:
                raise EngineError(f"{name} {getattr(self, name):g} is out of range: give {_SLOWEST} to {_FASTEST}")
        if not 0 <= self.seed < 2**32:
            raise EngineError(f"seed {self.seed} is out of range: give 0 to 4294967295")

    @property
    def name(self) -> str:
        """What the utterance is called: its label, its text or, failing both, its phonemes."""
        return self.label or self.text.strip() or " ".join(self.phonemes)

    @property
    def shown(self) -> str:
        """What is to be spoken, for messages."""
        return f"'{self.text.strip() or ' '.join(self.phonemes)}'"


class Engine(ABC):
    """A source of speech. Making one costs nothing; its package is imported when it first speaks.

    name: its key in ``ENGINES``; install_hint: the command that installs it; packages: the modules it needs;
    distributions: the installed packages whose version changes what is spoken; revision: counts the changes of the
    adapter that change what is spoken; speaks_phonemes: whether it takes ``Request.phonemes``; heeds: those of
    rate, pitch and seed that change its clips, so that nobody asks twice for the same clip.
    """

    name: str
    install_hint: str
    packages: tuple[str, ...]
    distributions: tuple[str, ...]
    revision = 1
    speaks_phonemes = True
    heeds: frozenset[str]

    def available(self) -> bool:
        """Whether the engine is installed; imports nothing."""
        return all(find_spec(package) for package in self.packages)

    def require(self) -> None:
        """Raises EngineError, with the install line, where the engine is missing."""
        if not self.available():
            raise EngineError(f"the speech engine '{self.name}' is not installed: {self.install_hint}")

    @abstractmethod
    def voices(self) -> list[Voice]:
        """Every voice worth using, always in the same order. Raises EngineError where the engine is missing."""

    def has_voice(self, voice: Voice) -> bool:
        """Whether the engine can speak in this voice, which may be one that ``voices()`` does not list."""
        return voice in self.voices()

    def fingerprint(self, voice: Voice) -> str:
        """What decides, beside a request, how it sounds: versions of packages, adapter, platform and voice.

        Raises EngineError where the voice is unknown, if it can tell.
        """
        versions = (f"{name} {_version(name)}" for name in self.distributions)
        return "; ".join((*versions, f"adapter {self.revision}", sys.platform))

    def prepare(self) -> None:  # noqa: B027, because most engines have nothing to do
        """Load what takes long to load or much memory, so that a process has its full size before it speaks."""

    def speak(self, request: Request) -> Speech:
        """(T,) float32 samples within -1 .. 1, untrimmed, and their rate in Hz.

        The same request gives the same bits, whatever was spoken before and by however many processes. Raises
        EngineError where the engine is missing, the voice is unknown, or nothing can be heard.
        """
        self.require()
        if not self.has_voice(request.voice):
            raise EngineError(f"the speech engine '{self.name}' has no voice '{request.voice.name}'")
        if request.phonemes and not self.speaks_phonemes:
            raise EngineError(f"the speech engine '{self.name}' speaks text only, not the phonemes {request.shown}")
        samples, rate = self._speak(request)
        samples = np.asarray(samples, np.float32)
        if not (np.isfinite(samples).all() and np.abs(samples).max(initial=0.0) > _SILENCE):
            raise EngineError(f"voice '{request.voice.name}' of '{self.name}' is silent on {request.shown}")
        return np.clip(samples, -1.0, 1.0), rate

    @abstractmethod
    def _speak(self, request: Request) -> Speech:
        """Speak a checked request with a known voice."""


@lru_cache(maxsize=64)
def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def _check_text(text: str, reads: str) -> None:
    # Engines read "[[", "<" and "&" as commands, and spell or skip foreign letters, each in its own way.
    others, called = (r"[^A-Za-z',.?! -]", "English letters") if reads == "en" else (r"[^\w',.?! -]|[\d_]", "letters")
    if foreign := re.search(others, text):
        raise EngineError(f"'{text}' holds {foreign[0]!r}: only {called}, ' - , . ? ! and spaces can be spoken")
    if not any(map(str.isalpha, text)):
        raise EngineError(f"'{text}' holds no letter: there is nothing to speak")
    if len(text) > _MOST_CHARACTERS:
        raise EngineError(f"a text of {len(text)} characters is too long: {_MOST_CHARACTERS} can be spoken at once")


def _check_phonemes(phonemes: tuple[str, ...]) -> None:
    if unknown := next((p for p in phonemes if p not in _ARPABET), None):
        raise EngineError(f"'{unknown}' is not a phoneme of ARPAbet as CMUdict writes it, such as 'M' or 'AA1'")
    if len(phonemes) > _MOST_PHONEMES:
        raise EngineError(f"{len(phonemes)} phonemes are too many: {_MOST_PHONEMES} can be spoken at once")
