"""The paper's own close negatives: Table 9 of Goyal et al., *DROCC* (ICML 2020), for its four keywords."""

from __future__ import annotations

import csv
from functools import lru_cache
from importlib.resources import files

from close_negatives.phonemes import PhraseError, pronounce, words_of
from close_negatives.words import CloseWord, phrase_distance


@lru_cache(maxsize=1)
def paper_lists() -> dict[str, tuple[str, ...]]:
    """keyword -> its five close negatives, in the paper's order."""
    lists: dict[str, tuple[str, ...]] = {}
    with (files("close_negatives") / "data" / "table9.csv").open(encoding="ascii") as table:
        for row in csv.DictReader(table):
            lists[row["keyword"]] = (*lists.get(row["keyword"], ()), row["close_negative"])
    return lists


def listed(phrase: str) -> tuple[str, ...]:
    """The paper's close negatives of a phrase, in its order; none for a phrase that it does not have."""
    return paper_lists().get(" ".join(words_of(phrase)), ())


def paper_words(phrase: str) -> list[CloseWord]:
    """The paper's close negatives of one of its keywords, nearest first, with "paper" as the reason. Raises
    PhraseError for any other phrase. Needs no frequencies, and so no optional package."""
    keyword = " ".join(words_of(phrase))
    found = paper_lists().get(keyword)
    if found is None:
        raise PhraseError(f"the paper lists no close negatives of '{keyword}', only of {', '.join(paper_lists())}")
    words = [CloseWord(text, pronounce(text), phrase_distance(keyword, pronounce(text)), "paper") for text in found]
    return sorted(words, key=lambda word: (word.distance, word.text))
