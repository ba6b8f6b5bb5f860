"""Sounds as numbers: the symbols a base learns to name, its labels, its loss, and how its errors are counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from close_negatives.phonemes import Phonemes

#: ARPAbet without stress; number 0 is silence, and the blank of CTC.
SYMBOLS = (
    "_", "AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G", "HH", "IH", "IY", "JH",
    "K", "L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH", "UH", "UW", "V", "W", "Y", "Z", "ZH",
)  # fmt: skip
_NUMBER = {symbol: number for number, symbol in enumerate(SYMBOLS)}
_LONG = frozenset(("AA", "AE", "AO", "AW", "AY", "EH", "ER", "EY", "IY", "OW", "OY", "UW"))
_SHORT = frozenset(("D", "T", "P", "B", "K", "G", "L", "R", "DH", "HH", "AH", "IH"))


def numbers_of(phonemes: Phonemes) -> list[int]:
    """The symbols' numbers, without stress."""
    return [_NUMBER[phoneme.rstrip("012")] for phoneme in phonemes]


def flat_labels(numbers: Sequence[int], start: float, end: float, frames: int, delay: int) -> np.ndarray:
    """int64 (frames,): a word's sounds spread over the frames from start to end, each as long as its kind usually is.

    Names come ``delay`` frames late; frames outside are silence, 0.
    """
    kinds = [SYMBOLS[number] for number in numbers]
    lengths = [1.5 if kind in _LONG else 0.8 if kind in _SHORT else 1.1 for kind in kinds]
    edges = start + (end - start) * np.concatenate([[0.0], np.cumsum(lengths) / np.sum(lengths)])
    edges = np.clip(np.round(edges).astype(int) + delay, 0, frames)
    labels = np.zeros(frames, dtype=np.int64)
    for number, first, last in zip(numbers, edges[:-1], edges[1:], strict=True):
        labels[first:last] = number
    return labels


def ctc_loss(scores: Tensor, words: Sequence[Sequence[int]]) -> Tensor:
    """Connectionist temporal classification (Graves et al., 2006) of scores (B, F, symbols)."""
    lengths = torch.tensor([len(word) for word in words])
    targets = torch.tensor([number for word in words for number in word])
    frames = torch.full((len(words),), scores.shape[1])
    return F.ctc_loss(F.log_softmax(scores, -1).transpose(0, 1), targets, frames, lengths, zero_infinity=True)


def best_path(path: Sequence[int]) -> list[int]:
    """What a path of frame labels says under CTC: repeats merged, blanks dropped."""
    return [n for i, n in enumerate(path) if n and (i == 0 or path[i - 1] != n)]


def edit_distance(heard: Sequence[int], said: Sequence[int]) -> int:
    """Levenshtein distance."""
    row = list(range(len(said) + 1))
    for i, a in enumerate(heard, 1):
        above, row[0] = row[:], i
        for j, b in enumerate(said, 1):
            row[j] = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
    return row[-1]
