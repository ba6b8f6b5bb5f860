"""Nearest neighbours: the distance to the k-th nearest normal; scikit-learn's search."""

from __future__ import annotations

import numpy as np
from sklearn.neighbors import NearestNeighbors

from anomaly_benchmark.methods.shallow import Shallow


class KNN(Shallow):
    """score = -(Euclidean distance to the ``k``-th nearest normal)."""

    def __init__(self, network: str, seed: int, k: int = 5) -> None:
        super().__init__(network, seed)
        self.k = k

    def _fitted(self, rows: np.ndarray) -> NearestNeighbors:
        return NearestNeighbors(n_neighbors=min(self.k, len(rows))).fit(rows)

    def _scored(self, rows: np.ndarray) -> np.ndarray:
        distances, _ = self.model.kneighbors(rows)
        return -distances[:, -1]


class NearestNeighbour(KNN):
    """k = 1, which the paper calls nearest neighbor."""

    def __init__(self, network: str, seed: int) -> None:
        super().__init__(network, seed, k=1)
