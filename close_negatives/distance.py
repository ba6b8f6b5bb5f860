"""Weighted edit distance between a phrase and every word of a dictionary at once.

One dynamic program runs over all words of a length together: its cells are vectors over words, so the loops of
Python count phonemes, not words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from close_negatives.articulation import cost_tables

Codes = NDArray[np.uint8]


@dataclass(frozen=True)
class Free:
    """What an alignment may leave over without paying.

    target_ends   both ends of the target: the word is looked for inside the target
    word_start    the beginning of the word: its ending is compared with the whole target
    """

    target_ends: bool = False
    word_start: bool = False


EXACT = Free()


@dataclass(frozen=True)
class Packed:
    """Pronunciations packed by length: groups of (their indices (n,), their codes (length, n))."""

    count: int
    groups: tuple[tuple[NDArray[np.intp], Codes], ...]


def pack(pronunciations: Sequence[Codes]) -> Packed:
    """Pack codes (L,) of any lengths, at least one phoneme each; the order is remembered."""
    by_length: dict[int, list[int]] = {}
    for index, codes in enumerate(pronunciations):
        by_length.setdefault(len(codes), []).append(index)
    if 0 in by_length:
        raise ValueError("a pronunciation without phonemes")
    groups = tuple(
        (np.array(indices), np.ascontiguousarray(np.stack([pronunciations[i] for i in indices], 1)))
        for _, indices in sorted(by_length.items())
    )
    return Packed(len(pronunciations), groups)


def distances(target: Codes, words: Packed, free: Free = EXACT) -> NDArray[np.float32]:
    """The least cost, in edits, of turning the target (m,) into each word: (words.count,), in packing order."""
    result = np.empty(words.count, np.float32)
    for indices, codes in words.groups:
        result[indices] = _group_distances(target, codes, free)
    return result


def _group_distances(target: Codes, words: Codes, free: Free) -> NDArray[np.float32]:
    """distances() for words (L, n) of one length. row[j]: the target so far against the word's first j phonemes."""
    substitution, gap = cost_tables()
    length, count = words.shape
    gained = gap[words]
    row = np.zeros((length + 1, count), np.float32)
    if not free.word_start:
        np.cumsum(gained, axis=0, out=row[1:])
    best = row[-1].copy()  # of all target prefixes; used only where the target's end is free
    for phoneme in target:
        swapped = row[:-1] + substitution[phoneme][words]
        lost = row + gap[phoneme]
        row = np.empty_like(row)
        row[0] = 0.0 if free.target_ends else lost[0]
        kept = np.minimum(swapped, lost[1:])
        for j in range(length):
            np.minimum(kept[j], row[j] + gained[j], out=row[j + 1])
        np.minimum(best, row[-1], out=best)
    return best if free.target_ends else row[-1]
