"""Isolation forest (Liu et al., "Isolation Forest", ICDM 2008); scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.ensemble import IsolationForest as Forest

from anomaly_benchmark.methods.shallow import Shallow


class IsolationForest(Shallow):
    """``trees``, each of 256 normals as in the paper."""

    def __init__(self, network: str, seed: int, trees: Any = 100) -> None:
        super().__init__(network, seed, trees=trees)

    def _fitted(self, rows: np.ndarray, **settings: Any) -> Forest:
        forest = Forest(n_estimators=settings["trees"], max_samples=min(256, len(rows)), random_state=self.seed)
        return forest.fit(rows)
