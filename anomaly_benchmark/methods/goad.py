"""GOAD (Bergman and Hoshen, "Classification-Based Anomaly Detection for General Data", ICLR 2020), for rows.

M random affine maps; a network is taught which map an example went through by its distance to each map's mean (a
triplet-centre loss) and by cross-entropy. An example whose maps are not recognised is abnormal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from anomaly_benchmark.methods.deep import OnStatistics, whole
from anomaly_benchmark.methods.gradient import evaluating
from training.one_class import LossParts

PIECE = 64  # examples at a time, times the maps squared


class GOAD(OnStatistics[Tensor]):
    """``maps`` to ``width`` dimensions; features of ``code`` units; cross-entropy + ``triplet`` x triplet-centre.

    The features come from the table's network or, if ``linear``, from the authors' one linear layer.
    """

    def __init__(
        self,
        network: str,
        seed: int,
        schedule: Mapping[str, Any],
        maps: int = 64,
        width: int = 32,
        code: int = 8,
        margin: float = 1.0,
        triplet: float = 0.1,
        linear: bool = False,
    ) -> None:
        super().__init__(network, seed, schedule)
        self.maps, self.width, self.code, self.margin, self.triplet = maps, width, code, margin, triplet
        self.linear = linear

    def score(self, x: np.ndarray) -> np.ndarray:
        """The sum over the maps of log P(map m | x went through map m), float64 (N,)."""
        with evaluating(self.network), torch.no_grad():
            centres = self._statistics()
            parts = [self._features(part) for part in torch.from_numpy(x).split(PIECE)]
            # In single precision all scores of easy maps round to 0 alike.
            found = [log_right(squared_distances(z.double(), centres.double())) for z in parts]
        return torch.cat(found).numpy()

    def _build(self, shape: tuple[int, ...]) -> nn.Module:
        if self.linear:
            self.trunk: nn.Module = nn.Linear(self.width, self.code)
        else:
            self.trunk, _ = self.architecture.autoencoder((self.width,), self.code, True)
        self.head = nn.Sequential(nn.LeakyReLU(0.2), nn.Linear(self.code, self.maps))
        self.matrices, self.shifts = torch.randn(self.maps, shape[0], self.width), torch.randn(self.maps, self.width)
        return nn.ModuleList([self.trunk, self.head])

    def _features(self, x: Tensor) -> Tensor:
        """(B, maps, code): what the network makes of each map of x (B, d)."""
        mapped = torch.einsum("bd,mdw->bmw", x, self.matrices) + self.shifts
        return self.trunk(mapped.reshape(-1, self.width)).reshape(len(x), self.maps, self.code)

    def _of_normals(self) -> Tensor:
        return torch.cat([self._features(part).sum(0)[None] for part in self._x.split(PIECE)]).sum(0) / len(self._x)

    def _loss(self, rows: Tensor, after_first: bool) -> LossParts:
        z = self._features(self._x[rows])
        squared = squared_distances(z, z.mean(0))
        right = squared.diagonal(dim1=1, dim2=2)
        others = (squared + 1e6 * torch.eye(self.maps)).amin(2)
        triplet = F.relu(right + self.margin - others).mean()
        labels = torch.arange(self.maps).repeat(len(rows))
        entropy = F.cross_entropy(self.head(z).flatten(0, 1), labels)
        return whole(entropy + self.triplet * triplet)


def squared_distances(z: Tensor, centres: Tensor) -> Tensor:
    """(B, M, code) to (M, code): |z_bm - c_k|^2, (B, M, M)."""
    return (z.square().sum(2, keepdim=True) + centres.square().sum(1) - 2 * z @ centres.T).clamp_min(0)


def log_right(squared: Tensor) -> Tensor:
    """sum_m log softmax(-squared)[m, m] of (B, M, M), (B,) (equation 7 of the paper, without its epsilon)."""
    return F.log_softmax(-squared, dim=2).diagonal(dim1=1, dim2=2).sum(1)
