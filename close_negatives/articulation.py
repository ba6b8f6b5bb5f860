"""What the mouth does for each phoneme, and from that what it costs to hear one phoneme as another.

The phonemes are ARPAbet's 39 in the form of the CMU Pronouncing Dictionary: ``"M"``, and vowels with a stress
digit, ``"AA1"`` (1 primary, 2 secondary, 0 none). Costs are in edits: 1.0 is a full consonant or vowel added or
lost. ``ER`` is written as ``AH R`` before costs are looked up, so that "fervor" and "forward" share their r's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Consonant:
    """place: 0 lips .. 1 glottis; manner: 0 stop .. 1 glide, by openness; voiced, nasal, sibilant, lateral: 0 or 1;
    lips: 0 apart, 0.5 lip to teeth, 1 closed or rounded."""

    place: float
    manner: float
    voiced: float
    nasal: float = 0.0
    sibilant: float = 0.0
    lateral: float = 0.0
    lips: float = 0.0


@dataclass(frozen=True)
class Vowel:
    """height: 0 open .. 1 close; back: 0 front .. 1 back; rounded and tense: 0 or 1. end_height and end_back are
    where a diphthong goes; a plain vowel stays where it is."""

    height: float
    back: float
    rounded: float
    tense: float
    end_height: float
    end_back: float


def _plain(height: float, back: float, rounded: float, tense: float) -> Vowel:
    return Vowel(height, back, rounded, tense, height, back)


#: The charts of the IPA for General American, read onto 0 .. 1.
CONSONANTS = {
    "P": Consonant(0.0, 0.0, 0, lips=1.0),
    "B": Consonant(0.0, 0.0, 1, lips=1.0),
    "M": Consonant(0.0, 0.3, 1, nasal=1, lips=1.0),
    "W": Consonant(0.1, 1.0, 1, lips=1.0),
    "F": Consonant(0.1, 0.4, 0, lips=0.5),
    "V": Consonant(0.1, 0.5, 1, lips=0.5),
    "TH": Consonant(0.25, 0.4, 0),
    "DH": Consonant(0.25, 0.5, 1),
    "T": Consonant(0.4, 0.0, 0),
    "D": Consonant(0.4, 0.0, 1),
    "N": Consonant(0.4, 0.3, 1, nasal=1),
    "S": Consonant(0.4, 0.4, 0, sibilant=1),
    "Z": Consonant(0.4, 0.5, 1, sibilant=1),
    "L": Consonant(0.4, 0.8, 1, lateral=1),
    "SH": Consonant(0.65, 0.4, 0, sibilant=1),
    "ZH": Consonant(0.65, 0.5, 1, sibilant=1),
    "CH": Consonant(0.65, 0.2, 0, sibilant=1),
    "JH": Consonant(0.65, 0.2, 1, sibilant=1),
    "R": Consonant(0.5, 0.9, 1, lips=0.3),
    "Y": Consonant(0.7, 1.0, 1),
    "K": Consonant(0.8, 0.0, 0),
    "G": Consonant(0.8, 0.0, 1),
    "NG": Consonant(0.8, 0.3, 1, nasal=1),
    "HH": Consonant(1.0, 0.5, 0),
}
VOWELS = {
    "IY": _plain(1.0, 0.0, 0, 1),
    "IH": _plain(0.8, 0.15, 0, 0),
    "EH": _plain(0.5, 0.1, 0, 0),
    "AE": _plain(0.2, 0.1, 0, 0),
    "AH": _plain(0.45, 0.55, 0, 0),
    "AA": _plain(0.0, 0.8, 0, 1),
    "AO": _plain(0.25, 0.95, 1, 1),
    "UH": _plain(0.8, 0.85, 1, 0),
    "UW": _plain(1.0, 1.0, 1, 1),
    "ER": _plain(0.5, 0.5, 0, 1),
    "EY": Vowel(0.6, 0.05, 0, 1, 0.9, 0.05),
    "AY": Vowel(0.05, 0.5, 0, 1, 0.8, 0.15),
    "OY": Vowel(0.4, 0.95, 1, 1, 0.8, 0.15),
    "AW": Vowel(0.05, 0.5, 0, 1, 0.8, 0.85),
    "OW": Vowel(0.5, 0.9, 1, 1, 0.8, 0.9),
}
#: A vowel and the consonant made with the same mouth: told apart by little more than length.
GLIDES = {("IY", "Y"), ("IH", "Y"), ("UW", "W"), ("UH", "W"), ("OW", "W"), ("ER", "R")}

#: Every phoneme with its stress; a phoneme's code is its place here.
SYMBOLS = (*CONSONANTS, *(vowel + stress for vowel in VOWELS if vowel != "ER" for stress in "012"))
CODES = {symbol: code for code, symbol in enumerate(SYMBOLS)}

_CONSONANT_WEIGHTS = Consonant(0.75, 0.5, 0.2, 0.3, 0.25, 0.15, 0.15)
_VOWEL_WEIGHTS = Vowel(0.45, 0.35, 0.08, 0.12, 0.3, 0.2)
_STRESS_COST = 0.06  # per step of stress: a cue, but a weaker one than any vowel quality
_MERGED, _HALF_REDUCED, _REDUCED = 0.4, 0.7, 0.5
_WEAK_COST = 0.5  # what is added or lost for little: h, a glide, a reduced vowel
_WEAK = {"HH", "Y", "AH0", "IH0"}


def _between(a: Consonant | Vowel, b: Consonant | Vowel, weights: Consonant | Vowel) -> float:
    return sum(weight * abs(getattr(a, name) - getattr(b, name)) for name, weight in vars(weights).items())


def is_vowel(phoneme: str) -> bool:
    """Whether an ARPAbet phoneme, with or without its stress digit, is a vowel."""
    return phoneme.rstrip("012") in VOWELS


def substitution_cost(a: str, b: str) -> float:
    """What hearing phoneme b for phoneme a costs, in edits: 0 for the same, at most 1 within consonants and within
    vowels, symmetric. A vowel for a consonant costs 1.5, a glide for its vowel 0.5. Either phoneme may lack its
    stress digit, which then counts as 0. Raises KeyError for what is not ARPAbet."""
    quality_a, quality_b = a.rstrip("012"), b.rstrip("012")
    if quality_a in CONSONANTS and quality_b in CONSONANTS:
        return min(1.0, _between(CONSONANTS[quality_a], CONSONANTS[quality_b], _CONSONANT_WEIGHTS))
    if quality_a in VOWELS and quality_b in VOWELS:
        quality = _between(VOWELS[quality_a], VOWELS[quality_b], _VOWEL_WEIGHTS)
        if {quality_a, quality_b} == {"AA", "AO"}:
            quality *= _MERGED  # "cot" and "caught": one vowel for many speakers
        weak = (not _prominence(a)) + (not _prominence(b))  # "seven" ends in IH or in AH, and nobody hears which
        quality *= (1.0, _HALF_REDUCED, _REDUCED)[weak]
        return min(1.0, quality + _STRESS_COST * abs(_prominence(a) - _prominence(b)))
    vowel, consonant = (quality_a, quality_b) if quality_a in VOWELS else (quality_b, quality_a)
    VOWELS[vowel], CONSONANTS[consonant]  # a KeyError names what is not a phoneme
    return 0.5 if (vowel, consonant) in GLIDES else 1.5


def _prominence(vowel: str) -> int:
    return {"1": 2, "2": 1}.get(vowel[-1], 0)


def gap_cost(phoneme: str) -> float:
    """What adding or losing the phoneme costs, in edits."""
    return _WEAK_COST if phoneme in _WEAK else 1.0


@lru_cache(maxsize=1)
def cost_tables() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(substitution (S, S), gap (S,)) over the codes of SYMBOLS, in edits."""
    substitution = [[substitution_cost(a, b) for b in SYMBOLS] for a in SYMBOLS]
    return np.array(substitution, np.float32), np.array([gap_cost(s) for s in SYMBOLS], np.float32)


def encode(phonemes: tuple[str, ...]) -> NDArray[np.uint8]:
    """Codes (L,) of phonemes as dictionaries write them, ER as AH R. Raises KeyError for what is not ARPAbet."""
    return np.array([CODES[symbol] for phoneme in phonemes for symbol in split_r(phoneme)], np.uint8)


def split_r(phoneme: str) -> tuple[str, ...]:
    """The phoneme itself, or a vowel and R for an r-coloured vowel."""
    return ("AH" + phoneme[2:], "R") if phoneme.startswith("ER") else (phoneme,)
