"""DCN (Yang et al., "Towards K-means-friendly Spaces: Simultaneous Deep Learning and Clustering", ICML 2017).

An autoencoder whose codes are drawn to the centres of k-means: |x - g(f(x))|^2 + lambda/2 |f(x) - m|^2, with m the
nearest centre; network and centres take turns batch by batch. An example far from every centre is abnormal, as in the
comparison of DAGMM's paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from sklearn.cluster import KMeans
from torch import Tensor, nn
from torch.nn import functional as F

from anomaly_benchmark.methods.deep import DeepOnNormals, whole
from anomaly_benchmark.methods.gradient import apply
from training.one_class import LossParts


class DCN(DeepOnNormals):
    """``weight`` is the paper's lambda; the schedule's ``first`` epochs pre-train the autoencoder alone."""

    def __init__(
        self,
        network: str,
        seed: int,
        schedule: Mapping[str, Any],
        code: int = 8,
        clusters: int = 4,
        weight: float = 0.1,
    ) -> None:
        super().__init__(network, seed, schedule)
        self.code, self.clusters, self.weight = code, clusters, weight

    def score(self, x: np.ndarray) -> np.ndarray:
        """Minus the squared distance of the code to the nearest centre, float32 (N,)."""
        codes = apply(self.encoder, x)
        centres = self.centres.numpy()
        return -((codes[:, None] - centres[None]) ** 2).sum(axis=2).min(axis=1)

    def _build(self, shape: tuple[int, ...]) -> nn.Module:
        self.encoder, self.decoder = self.architecture.autoencoder(shape, self.code, True)
        self.centres, self.members = torch.zeros(self.clusters, self.code), torch.ones(self.clusters)
        network = nn.ModuleList([self.encoder, self.decoder])
        network.register_buffer("centres", self.centres)  # the selected epoch gives them back, in place
        return network

    def _before_epoch(self, epoch: int) -> None:
        if epoch != self.schedule.first:
            return
        codes = apply(self.encoder, self._x.numpy())
        found = KMeans(self.clusters, n_init=5, random_state=self.seed).fit(codes)
        self.centres.copy_(torch.from_numpy(found.cluster_centers_))
        self.members.copy_(torch.from_numpy(np.bincount(found.labels_, minlength=self.clusters)))

    def _loss(self, rows: Tensor, after_first: bool) -> LossParts:
        x = self._x[rows]
        codes = self.encoder(x)
        error = F.mse_loss(self.decoder(codes), x)
        if not after_first:
            return whole(error)
        nearest = torch.cdist(codes.detach(), self.centres).argmin(dim=1)
        drawn = (codes - self.centres[nearest]).square().sum(1).mean()
        follow(self.centres, self.members, codes.detach(), nearest)
        return whole(error + self.weight / 2 * drawn)


def follow(centres: Tensor, members: Tensor, codes: Tensor, nearest: Tensor) -> None:
    """Moves each centre, in place, to the mean of all codes it ever had (the paper's step of 1 / c_k, eq. 8)."""
    count = torch.bincount(nearest, minlength=len(centres)).to(codes.dtype)
    sums = torch.zeros_like(centres).index_add_(0, nearest, codes)
    total = members + count
    centres.mul_((members / total)[:, None]).add_(sums / total[:, None])
    members.copy_(total)
