"""Isolation forest (Liu et al., "Isolation Forest", ICDM 2008); scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.ensemble import IsolationForest as Forest

from anomaly_benchmark.methods.shallow import Shallow


class IsolationForest(Shallow):
    """``trees``, each of ``sample`` normals, 256 as in the paper, and of a share ``columns`` of their columns."""

    def __init__(self, network: str, seed: int, trees: Any = 100, sample: Any = 256, columns: Any = 1.0) -> None:
        super().__init__(network, seed, trees=trees, sample=sample, columns=columns)

    def _fitted(self, rows: np.ndarray, **settings: Any) -> Forest:
        return Forest(
            n_estimators=settings["trees"],
            max_samples=min(settings["sample"], len(rows)),
            max_features=settings["columns"],
            random_state=self.seed,
        ).fit(rows)
