"""What speech engines say for a keyword's data set: close negatives, and positives where people said too few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from close_negatives.paper import paper_words
from close_negatives.plan import BULK, NATURAL, plan
from close_negatives.synthesize import speak
from close_negatives.words import CloseWord, mine
from training.clips import centred
from training.corpus import CLIP_SAMPLES, SPLITS
from training.speech_commands import Split
from wakeword.errors import PhraseError

CLOSE_WORDS = 20  # of the mined list, nearest first; the paper has 5 a keyword
OTHER_WORDS = (
    "backward", "bed", "bird", "cat", "dog", "down", "eight", "five", "four", "go", "happy", "house", "learn", "left",
    "nine", "no", "off", "on", "one", "right", "sheila", "six", "stop", "three", "tree", "two", "up", "visual", "wow",
    "yes", "zero",
)  # fmt: skip


class Spoken(NamedTuple):
    """samples int16 (N, 16000); words, a close negative's in brackets."""

    samples: np.ndarray
    words: tuple[str, ...]


def speak_for(
    keyword: str, most: Mapping[str, int], real: bool, natural: bool, jobs: int | None = 1
) -> dict[str, Spoken]:
    """What is spoken for each split, by the voices of that split, so that no voice is on two sides.

    Close negatives are in validation and test only. Without ``real`` recordings the keyword is spoken too (in
    validation and test as often as the close negatives), and other words as many as half of what the split may hold.
    What is not in the cache is spoken by ``jobs`` processes (None: one a core). Raises SynthesisError
    where no engine is installed.
    """
    found: dict[str, Spoken] = {}
    for split in SPLITS:
        judged = split != "train"
        wanted: list[tuple[Sequence[str | CloseWord], int, str]] = []
        if judged:
            wanted.append((close_words(keyword), most["close"], "({})"))
        if not real:
            wanted.append(([keyword], most["close" if judged else "positives"], "{}"))
            others = [word for word in OTHER_WORDS if word != keyword]
            wanted.append((others, most["judged" if judged else "others"] // 2, "{}"))
        if wanted:
            found[split] = _spoken(wanted, split, natural, jobs)
    return found


def close_words(keyword: str) -> list[CloseWord]:
    """The paper's close negatives where it has some (Table 9), else the nearest of the mined ones."""
    try:
        return list(paper_words(keyword))
    except PhraseError:
        return list(mine(keyword)[:CLOSE_WORDS])


def _spoken(
    wanted: list[tuple[Sequence[str | CloseWord], int, str]], split: Split, natural: bool, jobs: int | None
) -> Spoken:
    samples, names = [np.zeros((0, CLIP_SAMPLES), np.int16)], []
    for words, count, written in wanted:
        each = -(-count // len(words))
        spoken = speak(plan(words, each, split, settings=NATURAL if natural else BULK), jobs=jobs)
        texts = list(spoken.texts)[:count]
        samples.append(np.stack([centred(clip, CLIP_SAMPLES) for clip in spoken.clips[: len(texts)]]))
        names += [written.format(text) for text in texts]
    return Spoken(np.concatenate(samples), tuple(names))
