"""One-class SVM (Schölkopf et al., "Estimating the Support of a High-Dimensional Distribution", 2001), scikit-learn."""

from __future__ import annotations

import numpy as np
from sklearn.svm import OneClassSVM

from anomaly_benchmark.methods.shallow import Shallow


class OCSVM(Shallow):
    """RBF kernel; ``width`` times 1 / (d var x) is its gamma, or 1 / d alone without ``by_variance``.

    The latter was scikit-learn's default until its release 0.22 (2019).
    """

    def __init__(self, network: str, seed: int, width: float = 1.0, nu: float = 0.1, by_variance: bool = True) -> None:
        super().__init__(network, seed)
        self.width, self.nu, self.by_variance = width, nu, by_variance

    def _fitted(self, rows: np.ndarray) -> OneClassSVM:
        gamma = self.width / (rows.shape[1] * (max(rows.var(), 1e-12) if self.by_variance else 1.0))
        return OneClassSVM(kernel="rbf", gamma=gamma, nu=self.nu).fit(rows)


class PolynomialOCSVM(Shallow):
    """k(x, x') = (<v, v'> / |v| |v'|)^degree with v = [x / R, 1]; R is the length of the longest normal.

    The plain polynomial kernel grows with |x|, so that what is far away would count as most normal.
    """

    def __init__(self, network: str, seed: int, degree: int = 20, nu: float = 0.1) -> None:
        super().__init__(network, seed)
        self.degree, self.nu = degree, nu

    def _fitted(self, rows: np.ndarray) -> OneClassSVM:
        self.scale = max(float(np.linalg.norm(rows, axis=1).max()), 1e-12)
        return OneClassSVM(kernel="poly", degree=self.degree, gamma=1.0, nu=self.nu).fit(self._lifted(rows))

    def _scored(self, rows: np.ndarray) -> np.ndarray:
        return self.model.score_samples(self._lifted(rows))

    def _lifted(self, rows: np.ndarray) -> np.ndarray:
        lifted = np.column_stack([rows / self.scale, np.ones(len(rows))])
        return lifted / np.linalg.norm(lifted, axis=1, keepdims=True)
