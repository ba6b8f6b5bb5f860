"""Isolation forest (Liu et al., "Isolation Forest", ICDM 2008); scikit-learn's."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import IsolationForest as Forest

from anomaly_benchmark.methods.shallow import Shallow


class IsolationForest(Shallow):
    """``trees``, each of ``sample`` normals, 256 as in the paper, and of a share ``columns`` of their columns."""

    def __init__(self, network: str, seed: int, trees: int = 100, sample: int = 256, columns: float = 1.0) -> None:
        super().__init__(network, seed)
        self.trees, self.sample, self.columns = trees, sample, columns

    def _fitted(self, rows: np.ndarray) -> Forest:
        return Forest(
            n_estimators=self.trees,
            max_samples=min(self.sample, len(rows)),
            max_features=self.columns,
            random_state=self.seed,
        ).fit(rows)
