"""What the shallow methods share: rows of the normals into scikit-learn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from anomaly_benchmark.methods.base import Judge


class Shallow(ABC):
    """fit(x, y) fits an estimator to the normals as rows."""

    selected_on = "nothing"

    def __init__(self, network: str, seed: int) -> None:
        self.seed = seed

    def fit(self, x: np.ndarray, y: np.ndarray, judge: Judge | None = None) -> None:
        """Learn; see Method."""
        self.model = self._fitted(flat(x[y > 0.5]))

    def score(self, x: np.ndarray) -> np.ndarray:
        """float64 (N,), higher = more normal."""
        return np.asarray(self._scored(flat(x)), dtype=np.float64)

    def _scored(self, rows: np.ndarray) -> np.ndarray:
        return self.model.score_samples(rows)

    @abstractmethod
    def _fitted(self, rows: np.ndarray) -> Any:
        """The estimator, fitted to the normals float64 (N, d)."""


def flat(x: np.ndarray) -> np.ndarray:
    """Examples as rows, float64 (N, d)."""
    return x.reshape(len(x), -1).astype(np.float64)
