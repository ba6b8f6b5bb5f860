"""Local outlier factor (Breunig et al., "LOF: Identifying Density-Based Local Outliers", SIGMOD 2000), scikit-learn."""

from __future__ import annotations

import numpy as np
from sklearn.neighbors import LocalOutlierFactor

from anomaly_benchmark.methods.shallow import Shallow


class LOF(Shallow):
    """``neighbours`` is the paper's MinPts; scores are of new points against the normals alone."""

    def __init__(self, network: str, seed: int, neighbours: int = 20) -> None:
        super().__init__(network, seed)
        self.neighbours = neighbours

    def _fitted(self, rows: np.ndarray) -> LocalOutlierFactor:
        return LocalOutlierFactor(min(self.neighbours, len(rows) - 1), novelty=True).fit(rows)
