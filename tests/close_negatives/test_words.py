"""Mining: the paper's words are found, what is the keyword is not, and every run gives the same."""

from __future__ import annotations

import dataclasses

import pytest

from close_negatives.articulation import encode
from close_negatives.distance import distances, pack
from close_negatives.exclusion import is_form_of
from close_negatives.paper import paper_lists, paper_words
from close_negatives.phonemes import PhraseError, dictionary, pronunciations
from close_negatives.words import CloseWord, MiningSettings, mine

KEYWORDS = ("marvin", "forward", "seven", "follow")


def by_text(phrase: str, settings: MiningSettings | None = None) -> dict[str, CloseWord]:
    return {word.text: word for word in (mine(phrase, settings) if settings else mine(phrase))}


def test_most_of_the_papers_words_are_found() -> None:
    wanted = {(k, w) for k, words in paper_lists().items() for w in words if w in dictionary()}
    assert len(wanted) == 18
    found = set()
    for keyword, word in sorted(wanted):
        close = by_text(keyword).get(word)
        if close is not None and close.phonemes in dictionary()[word]:
            found.add((keyword, word))
    print("found:", sorted(found), "missed:", sorted(wanted - found))
    assert len(found) >= 13
    assert all(len(mine(keyword)) < 160 for keyword in KEYWORDS)  # a list of everything would find them too


@pytest.mark.parametrize(
    ("phrase", "absent"),
    [
        ("marvin", ["marvin", "marvin's", "marvins"]),
        ("follow", ["followed", "following", "follows", "follower", "followers"]),
        ("forward", ["forwards", "forwarded", "straightforward", "foreword"]),
        ("seven", ["sevens", "seventh", "seventeen", "seventy"]),
        ("right", ["write", "wright", "rite", "rights", "bright", "writes", "upright"]),
        ("happy", ["unhappy", "happier", "happiest"]),
        ("follows", ["follow"]),
        ("hey computer", ["hay computer", "hey computers", "hey computer"]),
    ],
)
def test_the_keyword_itself_is_left_out(phrase: str, absent: list[str]) -> None:
    assert not set(absent) & set(by_text(phrase))


def test_forms_by_spelling() -> None:
    for form in ("stops", "stopped", "stopping", "stop's"):
        assert is_form_of(form, "stop")
        assert is_form_of("stop", form)
    assert is_form_of("wolves", "wolf")
    assert is_form_of("baked", "bake")
    assert is_form_of("making", "make")
    assert is_form_of("carried", "carry")
    assert not is_form_of("stoop", "stop")
    assert not is_form_of("compute", "computer")


def test_parts_are_present_with_their_reasons() -> None:
    found = by_text("marvin")
    assert "truncation" in found["mar"].reason
    assert "truncation" in found["vin"].reason
    assert found["vinmar"].reason == "swap"
    assert found["mar mar"].reason == "repeat"
    assert by_text("hello marvin")["hello hello"].reason == "repeat"
    exchanged = by_text("hey computer")["hey commuter"]
    assert exchanged.reason == "exchange"
    assert 0 < exchanged.distance < by_text("hey computer")["computer"].distance


def test_a_rhyme_and_a_piece() -> None:
    assert "rhyme" in by_text("seven")["eleven"].reason
    assert "inside" in by_text("forward")["ward"].reason
    assert "near" in by_text("marvin")["marlin"].reason


@pytest.mark.parametrize("phrase", ["marvin", "hey computer", "zorblax", "go"])
def test_sorted_distinct_and_the_same_again(phrase: str) -> None:
    words = mine(phrase)
    assert words == mine(phrase)
    assert words == sorted(words, key=lambda word: (word.distance, word.text, word.phonemes))
    sounds = [tuple(p.rstrip("012") for p in word.phonemes) for word in words]
    assert len(set(sounds)) == len(sounds)
    assert all(word.distance > 0 for word in words)


def test_distances_are_edits_per_phoneme() -> None:
    ways = [encode(way) for way in pronunciations("seven")]
    for word in mine("seven")[::10]:
        edits = min(float(distances(way, pack([encode(word.phonemes)]))[0]) for way in ways)
        assert word.distance == pytest.approx(edits / len(ways[0]), abs=1e-4)


def test_settings_bound_the_lists() -> None:
    few = mine("seven", MiningSettings(near=3, inside=2, rhyme=0))
    assert sum("near" in word.reason for word in few) <= 3
    assert not any("rhyme" in word.reason for word in few)
    assert len(mine("seven", MiningSettings(near=200))) > len(mine("seven"))
    frequent = by_text("marvin", dataclasses.replace(MiningSettings(), least_zipf=4.0))
    assert "marlin" not in frequent  # said less than ten times in a million words
    assert "martin" in frequent


def test_the_papers_lists() -> None:
    assert set(paper_lists()) == set(KEYWORDS)
    assert all(len(words) == 5 for words in paper_lists().values())
    marvin = paper_words(" Marvin ")
    assert {word.text for word in marvin} == {"mar", "marlin", "arvin", "marvik", "arvi"}
    assert all(word.distance > 0 and word.phonemes and word.reason == "paper" for word in marvin)
    with pytest.raises(PhraseError, match="only of marvin, forward, seven, follow"):
        paper_words("alexa")
