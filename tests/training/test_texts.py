"""Texts that are spoken to train with: what may be in them."""

from __future__ import annotations

import pytest

from close_negatives.paper import paper_lists
from close_negatives.words import mine
from training.texts import close_words, foreign_sentences, other_texts, sentences


def test_the_papers_close_negatives_only_test() -> None:
    listed = set(paper_lists()["marvin"])
    train = {word.text for split in ("train", "validation") for word in close_words("marvin", split)}  # type: ignore[arg-type]
    assert not train & listed


def test_the_papers_keyword_is_known_in_any_case() -> None:
    assert [w.text for w in close_words("Seven", "train")] == [w.text for w in close_words("seven", "train")]


def test_the_phrase_without_an_outer_sound_does_not_train_unless_it_is_a_word() -> None:
    mined = {word.text: word for word in mine("computer")} | {word.text: word for word in mine("alexa")}
    train = {w.text for phrase in ("computer", "alexa") for w in close_words(phrase, "train")}
    assert {"omputer", "lexa"} <= mined.keys()
    assert not train & {"omputer", "lexa"}
    assert {"alex", "compu", "omput", "pewter"} <= train  # a word; and what lacks more than one sound


@pytest.mark.parametrize("phrase", ["seven", "follow"])
def test_a_close_word_of_one_split_is_in_no_text_of_another(phrase: str) -> None:
    """As a whole clip, in a pair and in a sentence: the paper's close words among them, which test alone."""
    for split in ("train", "validation"):
        said = other_texts(phrase, 2000, split, 0) + sentences(phrase, 500, split, 0)  # type: ignore[arg-type]
        heard = {word for text in said for word in text.split()}
        elsewhere = {w.text for s in ("train", "validation", "test") if s != split for w in close_words(phrase, s)}  # type: ignore[arg-type]
        assert not heard & (elsewhere | set(paper_lists()[phrase]))
        assert heard & {"time", "people", "would"}


def test_other_words_never_hold_the_phrase_and_more_keep_the_first() -> None:
    few, many = other_texts("two", 50, "train", 0), other_texts("two", 400, "train", 0)
    assert many[:50] == few
    assert len(set(many)) == 400
    assert len({*many} & {*other_texts("seven", 400, "train", 0)}) > 390  # the cache has them for every phrase
    heard = {word for text in many + sentences("two", 300, "train", 0) for word in text.split()}
    assert not heard & {"two", "to", "too", "today"}  # spelt otherwise, or with it inside
    assert "time" in heard


def test_short_words_of_a_phrase_leave_the_other_language_its_words() -> None:
    words = {word for row in foreign_sentences("es", "turn on a casa-light", 400, "train", 0) for word in row.split()}
    assert not words & {"a", "on", "casa", "casado"}
    assert {"con", "para"} <= words
