"""Phrases as ARPAbet phonemes: the dictionary first, spelling rules for what it does not hold.

The dictionary is CMUdict (data/cmudict.dict, as Carnegie Mellon publishes it, with its two-clause licence in
data/CMUDICT-LICENSE). It is carried as data because the package of its name is GPL-3 code, and because the copy
in speech recognizers has lost its stress marks. Costs between phonemes are in ``articulation``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from itertools import islice, pairwise, product

from close_negatives.articulation import is_vowel
from close_negatives.letters import sound_out
from wakeword.errors import PhraseError

Phonemes = tuple[str, ...]

_MOST_WORDS = 8  # a wake phrase has two or three; beyond this a sentence was passed by mistake
_MOST_LETTERS = 40
_MOST_VARIANTS = 8
_LEAST_PART = 3  # letters of each half of a compound that is not in the dictionary itself
#: Clusters that can begin an English syllable (any single consonant but NG can, and any of these before Y).
_ONSETS = {
    *(f"{a} R" for a in ("P", "B", "T", "D", "K", "G", "F", "TH", "SH")),
    *(f"{a} L" for a in ("P", "B", "K", "G", "F", "S")),
    *(f"{a} W" for a in ("T", "D", "K", "G", "S", "TH")),
    *(f"S {a}" for a in ("P", "T", "K", "M", "N", "P R", "P L", "T R", "K R", "K W", "K L")),
    *(f"{a} Y" for a in ("P", "B", "K", "G", "F", "V", "M", "N", "HH", "S P", "S K")),
}


@lru_cache(maxsize=1)
def dictionary() -> dict[str, tuple[Phonemes, ...]]:
    """word -> its pronunciations, the usual one first; words are lower case, apostrophes and hyphens kept."""
    text = (files("close_negatives") / "data" / "cmudict.dict").read_text("ascii")
    entries: dict[str, tuple[Phonemes, ...]] = {}
    for line in text.splitlines():
        word, _, phonemes = line.partition("#")[0].partition(" ")
        word = word.partition("(")[0]  # "read(2)": a further pronunciation
        entries[word] = (*entries.get(word, ()), tuple(phonemes.split()))
    return entries


def words_of(phrase: str) -> list[str]:
    """The phrase's words in lower case, at least one; hyphens part words. Raises PhraseError."""
    words = phrase.lower().replace("’", "'").replace("-", " ").split()
    shown = f"'{' '.join(phrase.split())}'"
    if not words:
        raise PhraseError("the phrase is empty: give the words that are to be spoken, as in 'hey computer'")
    if re.search(r"\d", phrase):
        raise PhraseError(f"{shown} holds digits: write numbers as words, as in 'seven'")
    if foreign := re.search(r"[^a-z']", "".join(words)):
        raise PhraseError(f"{shown} holds '{foreign[0]}': only the English letters a to z and the apostrophe are known")
    if len(words) > _MOST_WORDS:
        raise PhraseError(f"{shown} has {len(words)} words: a wake phrase has at most {_MOST_WORDS}")
    if len(max(words, key=len)) > _MOST_LETTERS:
        raise PhraseError(f"a word of the phrase has more than {_MOST_LETTERS} letters")
    return words


def pronounce_word(word: str) -> tuple[Phonemes, ...]:
    """The pronunciations of one lower-case word, the usual one first; one by rule where the dictionary lacks it.
    Raises PhraseError where no vowel sounds."""
    known = dictionary().get(word)
    if known:
        return known
    letters = word.replace("'", "")
    if word.endswith("'s") and len(word) > 2:
        return tuple((*base, *_plural(base)) for base in pronounce_word(word[:-2]))
    phonemes = _compound(letters) or sound_out(letters)
    if not any(is_vowel(p) for p in phonemes):
        raise PhraseError(f"'{word}' has no vowel: write it as it is spoken")
    return (phonemes,)


def pronunciations(phrase: str) -> tuple[Phonemes, ...]:
    """The ways to say a phrase, at least one and at most 8, the usual one first. Raises PhraseError."""
    ways = product(*(pronounce_word(word) for word in words_of(phrase)))
    return tuple(dict.fromkeys(sum(way, ()) for way in islice(ways, _MOST_VARIANTS)))


def pronounce(phrase: str) -> Phonemes:
    """The usual way to say a phrase. Raises PhraseError."""
    return pronunciations(phrase)[0]


def _plural(base: Phonemes) -> Phonemes:
    if base[-1] in {"S", "Z", "SH", "ZH", "CH", "JH"}:
        return ("IH0", "Z")
    return ("S",) if base[-1] in {"P", "T", "K", "F", "TH"} else ("Z",)


def _compound(word: str) -> Phonemes:
    """Two dictionary words written as one ("smartlamp"), the most even split; empty where there is none."""
    middle = len(word) / 2
    cuts = sorted(range(_LEAST_PART, len(word) - _LEAST_PART + 1), key=lambda cut: (abs(cut - middle), cut))
    for cut in cuts:
        first, second = dictionary().get(word[:cut]), dictionary().get(word[cut:])
        if first and second:
            return (*first[0], *(p.replace("1", "2") for p in second[0]))  # English stresses a compound's first half
    return ()


def syllable_starts(phonemes: Phonemes) -> list[int]:
    """Where each syllable of one word begins, the first at 0: a vowel takes as many consonants before it as can
    begin an English word. Empty where there is no vowel."""
    vowels = [i for i, p in enumerate(phonemes) if is_vowel(p)]
    starts = [0] if vowels else []
    for previous, vowel in pairwise(vowels):
        start = vowel
        while start - 1 > previous and _can_begin(phonemes[start - 1 : vowel]):
            start -= 1
        starts.append(start)
    return starts


def _can_begin(onset: Phonemes) -> bool:
    return onset != ("NG",) if len(onset) == 1 else " ".join(onset) in _ONSETS
