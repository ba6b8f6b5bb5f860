"""The two ends of every table: scores that know nothing, and scores that know the label."""

from __future__ import annotations

import numpy as np

from anomaly_benchmark.methods.base import Judge


class RandomScore:
    """Uniform scores: what a metric gives for nothing."""

    selected_on = "nothing"

    def __init__(self, network: str, seed: int) -> None:
        self._rng = np.random.default_rng([seed, 3])

    def fit(self, x: np.ndarray, y: np.ndarray, judge: Judge | None = None) -> None:
        """There is nothing to learn."""

    def score(self, x: np.ndarray) -> np.ndarray:
        """Uniform in [0, 1)."""
        return self._rng.random(len(x))


class Oracle:
    """The labels as scores: the ceiling of a metric and its threshold rule."""

    selected_on = "the labels themselves"

    def __init__(self, network: str, seed: int) -> None:
        self._rng = np.random.default_rng([seed, 4])

    def fit(self, x: np.ndarray, y: np.ndarray, judge: Judge | None = None) -> None:
        """There is nothing to learn."""

    def score(self, x: np.ndarray) -> np.ndarray:
        """Not possible from x alone: the run calls ``told``."""
        raise TypeError("the oracle scores labels, not examples")

    def told(self, y: np.ndarray) -> np.ndarray:
        """The labels with a little noise, so that the scores are all different."""
        return y + 0.1 * self._rng.random(len(y))
