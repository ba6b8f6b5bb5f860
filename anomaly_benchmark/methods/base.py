"""What a method is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

#: the value on validation of a scoring function x -> scores; higher is better
Judge = Callable[[Callable[[np.ndarray], np.ndarray]], float]


class Method(Protocol):
    """Made as Method(network, seed, **settings); network is a name of ``networks.NETWORKS``, unused by shallow ones."""

    selected_on: str
    """What chose the state that scores: "validation" or "nothing (last epoch)"."""

    def fit(self, x: np.ndarray, y: np.ndarray, judge: Judge | None = None) -> None:
        """Learn from x float32 (N, ...) and y (N,), 1 = normal; the epoch kept may be the one ``judge`` prefers."""

    def score(self, x: np.ndarray) -> np.ndarray:
        """float (N,), higher = more normal."""
