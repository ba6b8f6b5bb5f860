"""Mining: the words and phrases that sound closest to a keyword without being it.

Three searches of the dictionary, each for another way of being mistaken: *near* (the whole word, "marlin" for
"marvin"), *inside* (a piece of the keyword, "ward" in "forward") and *rhyme* (the same ending, "eleven" for
"seven"). To these come the keyword's own parts, and for a phrase of several words the phrase with one word
exchanged. The distance of a finding is its weighted edit distance from the whole phrase, in edits per phoneme.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from close_negatives.articulation import encode, is_vowel
from close_negatives.distance import EXACT, Codes, Free, Packed, distances, pack
from close_negatives.exclusion import contains_sound, is_form_of, unstressed
from close_negatives.parts import own_parts
from close_negatives.phonemes import Phonemes, dictionary, pronounce, pronunciations, words_of

Floats = NDArray[np.float64]

_EARNED = 0.2  # edits


@dataclass(frozen=True)
class MiningSettings:
    """How much is searched for.

    near, inside, rhyme   most words of each list
    exchanged             most words tried in the place of each word of a longer phrase
    least_zipf            least word frequency, log10 per billion words: rarer words are seldom said
    same                  a word within this many edits of the phrase is a homophone: no fair negative
    """

    near: int = 60
    inside: int = 40
    rhyme: int = 40
    exchanged: int = 8
    least_zipf: float = 2.3
    same: float = 0.3


DEFAULT = MiningSettings()


@dataclass(frozen=True)
class CloseWord:
    """A close negative: its spelling; ARPAbet phonemes with stress; edits per phoneme of the phrase (0 = the same);
    and the lists it is on, of near, inside, rhyme, exchange, truncation, swap, repeat."""

    text: str
    phonemes: Phonemes
    distance: float
    reason: str


@dataclass(frozen=True)
class _Lexicon:
    """Every pronunciation of every frequent word, the most frequent word first; lengths (N,) in coded phonemes."""

    texts: tuple[str, ...]
    phonemes: tuple[Phonemes, ...]
    lengths: NDArray[np.int64]
    packed: Packed


@lru_cache(maxsize=2)
def _lexicon(least_zipf: float) -> _Lexicon:
    from wordfreq import get_frequency_dict  # loaded here: a table of 20 MB that only mining needs

    frequencies = get_frequency_dict("en", wordlist="best")
    entries: list[tuple[float, str, Phonemes]] = []
    for word, ways in dictionary().items():
        zipf = math.log10(frequencies.get(word, 1e-9)) + 9
        if zipf >= least_zipf and len(word) > 1:
            entries += [(-zipf, word, way) for way in ways if any(is_vowel(p) for p in way)]
    entries.sort()
    codes = [encode(way) for _, _, way in entries]
    texts, phonemes = tuple(word for _, word, _ in entries), tuple(way for _, _, way in entries)
    return _Lexicon(texts, phonemes, np.array([len(way) for way in codes]), pack(codes))


def mine(phrase: str, settings: MiningSettings = DEFAULT) -> list[CloseWord]:
    """The phrase's close negatives, nearest first, equal distances by spelling; the same on every run.

    Homophones, inflections and whatever contains the phrase are left out, and of words that sound alike all but
    the most frequent. Raises PhraseError for a phrase that cannot be spoken, ModuleNotFoundError without wordfreq.
    """
    words = words_of(phrase)
    lexicon = _lexicon(settings.least_zipf)
    found: dict[Phonemes, CloseWord] = {}
    for part in own_parts(phrase):
        _add(found, part.text, part.phonemes, part.reason)
    sound_of: dict[str, Phonemes] = {}  # a word of two pronunciations is one find
    spelled: set[Phonemes] = set()
    for text, way, reason in (*_dictionary_finds(phrase, lexicon, settings), *_exchanges(words, settings)):
        phonemes = sound_of.setdefault(text, way)
        sound = unstressed(phonemes)
        _add(found, text, phonemes, reason)
        if sound not in spelled:  # a part of the phrase that is a word is shown as that word
            spelled.add(sound)
            found[sound] = replace(found[sound], text=text, phonemes=phonemes)
    kept = _without_the_phrase(words, list(found.values()), settings)
    return sorted(kept, key=lambda word: (word.distance, word.text, word.phonemes))


def phrase_distance(phrase: str, phonemes: Phonemes) -> float:
    """Edits per phoneme between the phrase, said the way that comes nearest, and some phonemes."""
    ways = [encode(way) for way in pronunciations(phrase)]
    return round(float(_least(ways, pack([encode(phonemes)]), EXACT)[0]) / len(ways[0]), 4)


def _add(found: dict[Phonemes, CloseWord], text: str, phonemes: Phonemes, reason: str) -> None:
    """Note a find under its sound, or one more reason where that sound was found before."""
    known = found.setdefault(unstressed(phonemes), CloseWord(text, phonemes, 0.0, reason))
    if reason not in known.reason.split(", "):
        found[unstressed(phonemes)] = replace(known, reason=f"{known.reason}, {reason}")


def _dictionary_finds(phrase: str, lexicon: _Lexicon, settings: MiningSettings) -> Iterator[tuple[str, Phonemes, str]]:
    """(spelling, phonemes, list) of the three lists, each in its own order."""
    ways = [encode(way) for way in pronunciations(phrase)]
    whole = _least(ways, lexicon.packed, EXACT)
    inside = _least(ways, lexicon.packed, Free(target_ends=True))
    # A long piece with one wrong sound is as good a find as a short one that fits: each sound heard earns back
    # part of an error.
    piece = np.where(lexicon.lengths < min(map(len, ways)), inside - _EARNED * lexicon.lengths, np.inf)
    rhyme = _least([encode(_ending(way)) for way in pronunciations(phrase)], lexicon.packed, Free(word_start=True))
    for scores, most, reason in (
        (whole, settings.near, "near"),
        (piece, settings.inside, "inside"),
        (rhyme + _EARNED * whole, settings.rhyme, "rhyme"),
    ):
        for index in _best(scores, whole, lexicon, most, settings.same):
            yield lexicon.texts[index], lexicon.phonemes[index], reason


def _least(targets: list[Codes], words: Packed, free: Free) -> Floats:
    """The distance from the nearest of several pronunciations."""
    return np.min([distances(target, words, free) for target in targets], axis=0).astype(np.float64)


def _ending(phonemes: Phonemes) -> Phonemes:
    """What a rhyme repeats: from the last vowel with stress, or from the last of all, to the end."""
    vowels = [i for i, p in enumerate(phonemes) if is_vowel(p)]
    stressed = [i for i in vowels if not phonemes[i].endswith("0")]
    return phonemes[(stressed or vowels)[-1] :]


def _best(scores: Floats, whole: Floats, lexicon: _Lexicon, most: int, same: float) -> list[int]:
    """Indices of the lowest scores, one for each sound, homophones of the phrase not counted; between equals the
    nearer, then the more frequent word."""
    order = np.lexsort((whole.round(4), scores.round(4)))  # stable: the lexicon is in order of frequency
    chosen: dict[Phonemes, int] = {}
    texts: set[str] = set()
    for index in order.tolist():
        if len(chosen) == most or not np.isfinite(scores[index]):
            break
        if whole[index] >= same and lexicon.texts[index] not in texts:
            texts.add(lexicon.texts[index])
            chosen.setdefault(unstressed(lexicon.phonemes[index]), index)
    return list(chosen.values())


def _exchanges(words: list[str], settings: MiningSettings) -> Iterator[tuple[str, Phonemes, str]]:
    """A phrase of several words with one of them exchanged for a word that is near it."""
    if len(words) == 1:
        return
    only_near = replace(settings, near=settings.exchanged, inside=0, rhyme=0)
    for place, word in enumerate(words):
        for close in mine(word, only_near):
            if close.reason.startswith("near"):
                text = " ".join((*words[:place], close.text, *words[place + 1 :]))
                before, after = words[:place], words[place + 1 :]
                around = [sum((pronounce(w) for w in side), ()) for side in (before, after)]
                yield text, (*around[0], *close.phonemes, *around[1]), "exchange"


def _without_the_phrase(words: list[str], found: list[CloseWord], settings: MiningSettings) -> list[CloseWord]:
    """Leave out what is, contains or inflects the phrase; give the rest their distances."""
    ways = [encode(way) for way in pronunciations(" ".join(words))]
    whole = _least(ways, pack([encode(word.phonemes) for word in found]), EXACT)
    sounds = [unstressed(way) for way in pronunciations(" ".join(words))]
    kept = []
    for word, edits in zip(found, whole.tolist(), strict=True):
        contains = any(contains_sound(unstressed(word.phonemes), sound) for sound in sounds)
        if edits >= settings.same and not contains and not is_form_of(word.text, " ".join(words)):
            kept.append(replace(word, distance=round(edits / len(ways[0]), 4)))
    return kept
