"""DAGMM (Zong et al., "Deep Autoencoding Gaussian Mixture Model for Unsupervised Anomaly Detection", ICLR 2018).

An autoencoder, and a second network that assigns z = [code, relative error, cosine similarity] to the components of a
Gaussian mixture; both learn together. A low density of z is abnormal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from anomaly_benchmark.methods.deep import OnStatistics, whole
from anomaly_benchmark.methods.gradient import evaluating
from training.one_class import LossParts

RIDGE = 1e-4  # on the diagonals of the covariances, which may be singular


class Mixture(NamedTuple):
    """share (K,), mean (K, D), covariance (K, D, D), double."""

    share: Tensor
    mean: Tensor
    covariance: Tensor


class DAGMM(OnStatistics[Mixture]):
    """``energy`` and ``diagonal`` are lambda_1 and lambda_2 of equation 7; K = ``components``."""

    def __init__(
        self,
        network: str,
        seed: int,
        schedule: Mapping[str, Any],
        code: int = 1,
        components: int = 2,
        energy: float = 0.1,
        diagonal: float = 0.005,
    ) -> None:
        super().__init__(network, seed, schedule)
        self.code, self.components, self.energy, self.diagonal = code, components, energy, diagonal

    def score(self, x: np.ndarray) -> np.ndarray:
        """Minus the energy under the mixture of all normals, float64 (N,)."""
        with evaluating(self.network), torch.no_grad():
            z, _ = self._latent(torch.from_numpy(x))
            return -energy_of(z.double(), self._statistics()).numpy()

    def _build(self, shape: tuple[int, ...]) -> nn.Module:
        self.encoder, self.decoder = self.architecture.autoencoder(shape, self.code, True)
        self.assign = nn.Sequential(
            nn.Linear(self.code + 2, 10), nn.Tanh(), nn.Dropout(0.5), nn.Linear(10, self.components), nn.Softmax(1)
        )
        return nn.ModuleList([self.encoder, self.decoder, self.assign])

    def _latent(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """z (N, code + 2) and the reconstruction of x."""
        code = self.encoder(x)
        back = self.decoder(code)
        flat, flat_back = x.flatten(1), back.flatten(1)
        relative = (flat - flat_back).norm(dim=1) / flat.norm(dim=1).clamp_min(1e-6)
        cosine = F.cosine_similarity(flat, flat_back, dim=1)
        return torch.cat([code, relative[:, None], cosine[:, None]], dim=1), back

    def _of_normals(self) -> Mixture:
        z, _ = self._latent(self._x)
        return mixture_of(z.double(), self.assign(z).double())

    def _loss(self, rows: Tensor, after_first: bool) -> LossParts:
        x = self._x[rows]
        z, back = self._latent(x)
        error = (x - back).square().flatten(1).sum(1).mean()
        mixture = mixture_of(z.double(), self.assign(z).double())
        spread = (1 / mixture.covariance.diagonal(dim1=1, dim2=2)).sum()  # keeps covariances from vanishing
        total = error + self.energy * energy_of(z.double(), mixture).mean() + self.diagonal * spread
        return whole(total.to(error.dtype))


def mixture_of(z: Tensor, belongs: Tensor) -> Mixture:
    """The mixture that soft assignments (N, K) of z (N, D) mean (equation 5), with a ridge."""
    mass = belongs.sum(0).clamp_min(1e-9)
    mean = (belongs.T @ z) / mass[:, None]
    off = z[:, None] - mean[None]
    covariance = torch.einsum("nk,nki,nkj->kij", belongs, off, off) / mass[:, None, None]
    return Mixture(mass / len(z), mean, covariance + RIDGE * torch.eye(z.shape[1], dtype=z.dtype))


def energy_of(z: Tensor, mixture: Mixture) -> Tensor:
    """-log of the mixture's density at z (N, D), (N,) (equation 6)."""
    root = torch.linalg.cholesky(mixture.covariance)
    off = (z[:, None] - mixture.mean[None]).permute(1, 2, 0)  # (K, D, N)
    squared = torch.linalg.solve_triangular(root, off, upper=False).square().sum(1)  # (K, N)
    log_det = 2 * root.diagonal(dim1=1, dim2=2).log().sum(1)
    log_density = -0.5 * (squared + log_det[:, None] + z.shape[1] * math.log(2 * math.pi))
    return -torch.logsumexp(mixture.share.log()[:, None] + log_density, dim=0)
