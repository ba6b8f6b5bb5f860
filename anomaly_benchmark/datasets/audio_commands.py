"""Table 3, audio: one word of Speech Commands is normal, every other word is not; nothing but the word trains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from anomaly_benchmark.datasets import keyword
from anomaly_benchmark.datasets.base import Dataset, Part


def load(cls: str, options: Mapping[str, object], folder: Path, seed: int) -> Dataset:
    """``options``: positives (clips to train with at most), judged (of each group at most, in validation and test),
    per_clip (whether each clip's cepstra are normalised by their own mean and deviation over time), cepstra (how many
    of the first are kept; 32).

    x is (N, 98, cepstra): the MFCC of keyword.py, standardised by the training clips of the word ``cls`` or, per_clip,
    each cepstrum of each clip to mean 0 and deviation 1, which leaves the word and little of the microphone and room.
    """
    found = keyword.load(cls, {**options, "others": 0, "close": 0}, folder, seed)
    kept = int(str(options.get("cepstra", 32)))

    def changed(part: Part) -> Part:
        x = np.ascontiguousarray(part.x[:, :, :kept])
        return replace(part, x=of_clip(x) if options.get("per_clip", False) else x)

    return Dataset(changed(found.train), changed(found.validation), changed(found.test))


def of_clip(x: np.ndarray) -> np.ndarray:
    """Features (N, F, C) with mean 0 and deviation 1 over the frames of each clip; one that never changes is 0."""
    spread = np.maximum(x.std(axis=1, keepdims=True), 1e-3)
    return ((x - x.mean(axis=1, keepdims=True)) / spread).astype(np.float32)
