"""Phrase to phonemes: dictionary, compounds, rules, syllables, and what cannot be spoken."""

from __future__ import annotations

import string
from itertools import pairwise

import pytest

from close_negatives.articulation import SYMBOLS, encode, is_vowel
from close_negatives.letters import sound_out
from close_negatives.parts import letter_starts, own_parts
from close_negatives.phonemes import PhraseError, dictionary, pronounce, pronunciations, syllable_starts


def said(phrase: str) -> str:
    return " ".join(pronounce(phrase))


def test_the_dictionary_is_read_whole() -> None:
    entries = dictionary()
    assert len(entries) > 126_000
    assert sum(map(len, entries.values())) > 135_000
    assert entries["read"] == (("R", "EH1", "D"), ("R", "IY1", "D"))
    assert {p for ways in entries.values() for way in ways for p in way} == {*SYMBOLS, "ER0", "ER1", "ER2"}


@pytest.mark.parametrize(
    ("phrase", "phonemes"),
    [
        ("Marvin", "M AA1 R V IH0 N"),
        ("  hey   computer ", "HH EY1 K AH0 M P Y UW1 T ER0"),
        ("hey-computer", "HH EY1 K AH0 M P Y UW1 T ER0"),
        ("marvin’s", "M AA1 R V IH0 N Z"),
        ("zorbit's", "Z AO1 R B IH0 T S"),
        ("smartlamp", "S M AA1 R T L AE2 M P"),
        ("marvik", "M AA1 R V IH2 K"),
    ],
)
def test_phrases(phrase: str, phonemes: str) -> None:
    assert said(phrase) == phonemes


def test_a_phrase_has_all_the_ways_of_its_words() -> None:
    ways = pronunciations("read seven")
    assert ways == (("R", "EH1", "D", *pronounce("seven")), ("R", "IY1", "D", *pronounce("seven")))
    assert len(pronunciations("the of and a to the of and")) == 8


@pytest.mark.parametrize(
    ("word", "phonemes"),
    [
        ("zorblax", "Z AO1 R B L AE0 K S"),
        ("alexa", "AH0 L EH1 K S AH0"),
        ("knightly", "N AY1 T L IY0"),
        ("tamp", "T AE1 M P"),
        ("blaze", "B L EY1 Z"),
        ("shoop", "SH UW1 P"),
        ("phate", "F EY1 T"),
        ("quib", "K W IH1 B"),
        ("gation", "G EY1 SH AH0 N"),
    ],
)
def test_spelling_rules(word: str, phonemes: str) -> None:
    assert " ".join(sound_out(word)) == phonemes


def test_every_letter_has_a_rule_and_the_stress_is_one() -> None:
    for word in (*string.ascii_lowercase, *(a + b for a in string.ascii_lowercase for b in string.ascii_lowercase)):
        phonemes = sound_out(word)
        assert sum(p.endswith("1") for p in phonemes) <= 1
        assert all(p[-1] in "012" for p in phonemes if is_vowel(p))
        assert len(encode(phonemes)) >= len(phonemes)
    assert " ".join(sound_out("tekorama")).count("1") == 1


@pytest.mark.parametrize(
    ("phrase", "sentence"),
    [
        ("", "the phrase is empty"),
        (" \t", "the phrase is empty"),
        ("route 66", "'route 66' holds digits"),
        ("café", "holds 'é'"),
        ("привет", "holds 'п'"),
        ("hey, you", "holds ','"),
        ("xkcd", "'xkcd' has no vowel"),
        ("'", "has no vowel"),
        ("a " * 9, "has 9 words"),
        ("m" * 41, "more than 40 letters"),
    ],
)
def test_what_cannot_be_spoken(phrase: str, sentence: str) -> None:
    with pytest.raises(PhraseError, match=sentence) as error:
        pronounce(phrase)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("word", "starts"),
    [("marvin", [0, 3]), ("computer", [0, 3, 6]), ("extra", [0, 2]), ("seven", [0, 2]), ("strength", [0]), ("hm", [])],
)
def test_syllables(word: str, starts: list[int]) -> None:
    assert syllable_starts(dictionary()[word][0] if word != "hm" else ("HH", "M")) == starts


@pytest.mark.parametrize(
    ("word", "pieces"),
    [
        ("follow", "f|ol|l|ow"),
        ("marvin", "m|a|r|v|i|n"),
        ("knight", "kn|igh|t"),
        ("hello", "h|el|l|o"),
        ("box", "b|o||x"),
    ],
)
def test_letters_go_to_their_phonemes(word: str, pieces: str) -> None:
    starts = letter_starts(word, pronounce(word))
    assert [word[a:b] for a, b in pairwise(starts)] == pieces.split("|")


def test_a_phrases_own_parts() -> None:
    def texts(phrase: str, reason: str) -> set[str]:
        return {part.text for part in own_parts(phrase) if part.reason == reason}

    assert texts("marvin", "truncation") == {"mar", "vin", "arvin", "marvi", "arvi"}
    assert texts("marvin", "swap") == {"vinmar"}
    assert texts("marvin", "repeat") == {"mar mar", "vin vin"}
    assert texts("hello marvin", "repeat") == {"hello hello", "marvin marvin"}
    assert texts("hello marvin", "swap") == {"marvin hello"}
    assert texts("hello marvin", "truncation") == {"hel", "hello", "hello mar", "lo marvin", "marvin", "vin"}
    assert {part.text: part.phonemes for part in own_parts("marvin")}["vin"] == ("V", "IH1", "N")  # said alone
    assert texts("stop", "swap") == texts("stop", "repeat") == set()
    assert texts("bye bye", "swap") == texts("bye bye", "repeat") == set()
    assert all(part.phonemes != pronounce("bye bye") for part in own_parts("bye bye"))
