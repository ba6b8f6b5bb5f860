"""Deep SVDD (Ruff et al., "Deep One-Class Classification", ICML 2018), one-class and soft-boundary.

Codes of normals are drawn to a centre that is fixed before. What keeps the network from sending everything there
(section 3.3): no bias is learnt in the encoder, its activations are unbounded, the centre is the mean code after
pre-training and has no coordinate near 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from anomaly_benchmark.methods.deep import DeepOnNormals, whole
from anomaly_benchmark.methods.deep_sad import away_from_zero
from anomaly_benchmark.methods.gradient import Learner, Schedule, apply
from training.one_class import LossParts


class DeepSVDD(DeepOnNormals):
    """mean |phi(x) - c|^2 (equation 4).

    schedule trains the encoder; pretrain changes values of it for the autoencoder (its epochs, say).
    """

    def __init__(
        self,
        network: str,
        seed: int,
        schedule: Mapping[str, Any],
        pretrain: Mapping[str, Any] | None = None,
        code: int = 32,
    ) -> None:
        super().__init__(network, seed, schedule)
        self.code = code
        self.pretraining = Schedule(**{**schedule, "first": 0, "select": "last", **(pretrain or {})})

    def score(self, x: np.ndarray) -> np.ndarray:
        """Minus the squared distance to the centre, float32 (N,)."""
        return -((apply(self.network, x) - self.centre.numpy()) ** 2).sum(axis=1)

    def _build(self, shape: tuple[int, ...]) -> nn.Module:
        encoder, self._decoder = self.architecture.autoencoder(shape, self.code, False)
        for name, weights in encoder.named_parameters():
            if "bias" in name:  # an LSTM's stay as they start: 0, and 1 in the forget gates
                weights.requires_grad_(False)
        return encoder

    def _prepare(self) -> None:
        def reconstruction(rows: Tensor, after_first: bool) -> LossParts:
            x = self._x[rows]
            return whole(F.mse_loss(self._decoder(self.network(x)), x))

        both = nn.ModuleList([self.network, self._decoder])
        Learner(both, self.pretraining, self.seed + 1).learn(len(self._x), reconstruction, None, self.score)
        centre = away_from_zero(apply(self.network, self._x.numpy()).mean(axis=0))
        self.centre, self.squared_radius = torch.from_numpy(centre), torch.zeros(())
        del self._decoder

    def _distances(self, rows: Tensor) -> Tensor:
        return (self.network(self._x[rows]) - self.centre).square().sum(1)

    def _loss(self, rows: Tensor, after_first: bool) -> LossParts:
        return whole(self._distances(rows).mean())


class SoftBoundaryDeepSVDD(DeepSVDD):
    """R^2 + mean max(0, |phi(x) - c|^2 - R^2) / nu (equation 3).

    After the schedule's ``first`` epochs R is the 1 - nu quantile of a batch's distances; until then it is 0.
    """

    def __init__(self, network: str, seed: int, schedule: Mapping[str, Any], nu: float = 0.1, **settings: Any) -> None:
        super().__init__(network, seed, schedule, **settings)
        self.nu = nu

    def _loss(self, rows: Tensor, after_first: bool) -> LossParts:
        distances = self._distances(rows)
        outside = F.relu(distances - self.squared_radius).mean()
        if after_first:
            self.squared_radius = torch.quantile(distances.detach(), 1 - self.nu)
        return whole(outside / self.nu)  # R is no parameter, so its own term has no gradient
