"""What the shallow methods share: rows of the normals into scikit-learn, the best of a few settings by validation."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from anomaly_benchmark.methods.base import Judge


class Shallow(ABC):
    """Settings are single values, or lists of candidates: then every combination is fitted and ``judge`` chooses."""

    def __init__(self, network: str, seed: int, **settings: Any) -> None:
        self.seed = seed
        names = {name: value if isinstance(value, list | tuple) else [value] for name, value in settings.items()}
        self.candidates = [dict(zip(names, v, strict=True)) for v in itertools.product(*names.values())]
        self.selected_on = "validation" if len(self.candidates) > 1 else "nothing"

    def fit(self, x: np.ndarray, y: np.ndarray, judge: Judge | None = None) -> None:
        """Learn; see Method. Without a judge the first candidate is taken."""
        rows = flat(x[y > 0.5])
        best, kept = -np.inf, None
        for candidate in self.candidates if judge else self.candidates[:1]:
            self.model = self._fitted(rows, **candidate)
            value = judge(self.score) if judge and len(self.candidates) > 1 else 0.0
            if value > best:
                best, kept, self.chosen = value, self.model, candidate
        self.model = kept

    def score(self, x: np.ndarray) -> np.ndarray:
        """float64 (N,), higher = more normal."""
        return np.asarray(self._scored(flat(x)), dtype=np.float64)

    def _scored(self, rows: np.ndarray) -> np.ndarray:
        return self.model.score_samples(rows)

    @abstractmethod
    def _fitted(self, rows: np.ndarray, **settings: Any) -> Any:
        """The estimator, fitted to the normals float64 (N, d)."""


def flat(x: np.ndarray) -> np.ndarray:
    """Examples as rows, float64 (N, d)."""
    return x.reshape(len(x), -1).astype(np.float64)
