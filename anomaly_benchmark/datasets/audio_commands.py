"""Table 3, audio: one word of Speech Commands is normal, every other word is not; nothing but the word trains."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from anomaly_benchmark.datasets import keyword
from anomaly_benchmark.datasets.base import Dataset


def load(cls: str, options: Mapping[str, object], folder: Path, seed: int) -> Dataset:
    """``options``: positives (clips to train with at most), judged (of each group at most, in validation and test).

    x is (N, 98, 32): the MFCC of keyword.py, standardised by the training clips of the word ``cls``.
    """
    return keyword.load(cls, {**options, "others": 0, "close": 0}, folder, seed)
