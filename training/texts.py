"""What is to be said for training beside the keyword: close negatives, other words, sentences in several languages."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from close_negatives.exclusion import contains_sound, is_form_of, unstressed
from close_negatives.paper import listed
from close_negatives.phonemes import Phonemes, dictionary, pronunciations, words_of
from close_negatives.words import CloseWord, mine
from training.corpus import SPLITS
from training.speech_commands import Split
from wakeword.errors import SynthesisError

_FREQUENT = 8000  # words of English, from which the other words are drawn
_SENTENCE_WORDS = 8
_ZIPF_OFFSET = 20  # evens out the dozen words that would be half of every sentence
_LONG_WORD = 4  # letters: shorter ones are inside many words by chance
_SHARE_OF_TWO = 0.4  # of the other clips: two words in a row, because speech comes in rows


def close_words(phrase: str, split: Split) -> list[CloseWord]:
    """The phrase's mined close negatives of one split.

    The paper's (Table 9) always test: engines say none of them to train. Nor do they say the phrase without its first
    or last sound, unless that is a word: who swallows one has said the phrase, and a K is soon lost in noise.
    """
    papers = set(listed(phrase))
    wrong = _less_a_sound(phrase) if split == "train" else frozenset()
    return [
        word
        for word in mine(phrase)
        if _word_split(word.text, papers) == split
        and (word.text in dictionary() or unstressed(word.phonemes) not in wrong)
    ]


def _less_a_sound(phrase: str) -> frozenset[Phonemes]:
    """The ways to say the phrase without its first or its last sound, without stress."""
    ways = [unstressed(way) for way in pronunciations(phrase)]
    return frozenset(part for way in ways for part in (way[1:], way[:-1]))


def _word_split(text: str, papers: set[str]) -> Split:
    if text in papers:
        return "test"
    place = hashlib.sha256(f"close:{text}".encode()).digest()[0] / 256
    return "train" if place < 0.6 else "validation" if place < 0.8 else "test"


def other_texts(phrase: str, count: int, split: Split, seed: int) -> list[str]:
    """``count`` different texts of one or two frequent words, without the phrase or a close negative of another split
    in them (an empty phrase excludes none).

    The first of more are the same, and nearly all of another phrase's: they need not be spoken again.
    """
    words, allowed = _frequent_words(), _allowed(phrase, split)
    rng = np.random.default_rng([seed, SPLITS.index(split), 9])
    texts: dict[str, None] = {}
    while len(texts) < count:
        pair = [words[i] for i in rng.integers(0, len(words), 2)]
        text = pair if rng.random() < _SHARE_OF_TWO else pair[:1]
        if allowed.issuperset(text):
            texts[" ".join(text)] = None
        if len(texts) >= len(allowed) ** 1.5:
            raise SynthesisError(f"there are not {count} other words to speak")
    return list(texts)


def sentences(phrase: str, count: int, split: Split, seed: int) -> list[str]:
    """``count`` rows of frequent words, without what other_texts leaves out; senseless, but said as a sentence is."""
    rng = np.random.default_rng([seed, SPLITS.index(split), 10])
    return _rows(_frequent_words(), _allowed(phrase, split), count, rng)


def foreign_sentences(language: str, phrase: str, count: int, split: Split, seed: int) -> list[str]:
    """``count`` rows of frequent words of another language, without words that are spelled like one of the phrase or
    a close negative of another split, or have a longer one of its words inside."""
    own = words_of(phrase)
    longer = [part for part in own if len(part) >= _LONG_WORD]
    close = _close_elsewhere(phrase, split)  # as they are spelled: nobody knows how they sound there
    words = [w for w in _frequent_words_in(language) if not (w in own or w in close or any(p in w for p in longer))]
    rng = np.random.default_rng([seed, SPLITS.index(split), 11, *language.encode()])
    return _rows(words, frozenset(words), count, rng)


def _rows(words: Sequence[str], allowed: frozenset[str], count: int, rng: np.random.Generator) -> list[str]:
    # Zipf's law: the second most frequent word is half as frequent as the first.
    chances = 1.0 / (np.arange(len(words)) + _ZIPF_OFFSET)
    chances /= chances.sum()
    rows: list[str] = []
    while len(rows) < count:
        row = [words[i] for i in rng.choice(len(words), _SENTENCE_WORDS, p=chances)]
        if allowed.issuperset(row):
            rows.append(" ".join(row))
    return rows


def frequent_words_with(phrase: str) -> dict[str, float]:
    """The frequent words that are the phrase, a form of it or have it inside, with their share of all words."""
    from wordfreq import word_frequency

    without = _words_without(phrase)
    return {word: word_frequency(word, "en") for word in _frequent_words() if word not in without}


@lru_cache(maxsize=4)
def _words_without(phrase: str) -> frozenset[str]:
    sounds = [unstressed(way) for way in pronunciations(phrase)] if phrase else []
    return frozenset(word for word in _frequent_words() if not _is_or_holds(word, phrase, sounds))


def _allowed(phrase: str, split: Split) -> frozenset[str]:
    """The frequent words that the texts of a split may hold."""
    return _words_without(phrase) - _close_elsewhere(phrase, split)


@lru_cache(maxsize=16)
def _close_elsewhere(phrase: str, split: Split) -> frozenset[str]:
    """The close negatives of the other splits, and the paper's, which only test: engines say them in no text."""
    found = {word.text for other in SPLITS if phrase and other != split for word in close_words(phrase, other)}
    return frozenset(found if split == "test" or not phrase else found.union(listed(phrase)))


def _is_or_holds(word: str, phrase: str, sounds: Sequence[Phonemes]) -> bool:
    """Whether a word would be a wrong negative: the phrase, a form of it, or one that has it inside."""
    ways = [unstressed(way) for way in pronunciations(word)]
    holds = any(contains_sound(way, sound) for way in ways for sound in sounds)
    return holds or bool(sounds and is_form_of(word, phrase))


@lru_cache(maxsize=1)
def _frequent_words() -> tuple[str, ...]:
    from wordfreq import top_n_list  # loaded here: a table of 20 MB that only synthesis needs

    known = dictionary()
    return tuple(w for w in top_n_list("en", 3 * _FREQUENT) if w in known and w.isalpha() and len(w) > 1)[:_FREQUENT]


@lru_cache(maxsize=16)
def _frequent_words_in(language: str) -> tuple[str, ...]:
    from wordfreq import top_n_list

    return tuple(word for word in top_n_list(language, _FREQUENT) if word.isalpha() and len(word) > 1)
