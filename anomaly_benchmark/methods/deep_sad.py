"""Deep SAD (Ruff et al., "Deep Semi-Supervised Anomaly Detection", ICLR 2020), with its autoencoder pre-training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from anomaly_benchmark.methods.base import Judge
from anomaly_benchmark.methods.gradient import Learner, Schedule, apply, seeded
from anomaly_benchmark.networks import NETWORKS
from training.one_class import LossParts

EPSILON = 1e-6  # of the authors' code, against division by 0
NOT_ZERO = 0.1  # centre coordinates nearer to 0 are pushed to this, or weights of 0 would match them


class DeepSAD:
    """Normals are drawn to the centre of a pre-trained code, negatives pushed away: mean |z-c|^2 + eta |z-c|^-2.

    schedule trains the encoder; pretrain changes values of it for the autoencoder (its epochs, say).
    """

    def __init__(
        self,
        network: str,
        seed: int,
        schedule: Mapping[str, Any],
        pretrain: Mapping[str, Any] | None = None,
        code: int = 32,
        eta: float = 1.0,
    ) -> None:
        self.architecture, self.seed, self.code, self.eta = NETWORKS[network], seed, code, eta
        self.schedule = Schedule(**schedule)
        self.pretraining = Schedule(**{**schedule, "select": "last", **(pretrain or {})})
        self.selected_on = "validation" if self.schedule.select == "validation" else "nothing (last epoch)"

    def fit(self, x: np.ndarray, y: np.ndarray, judge: Judge | None = None) -> None:
        """Pre-train on all examples, put the centre at the mean code of the normals, then train; see Method."""
        self._x, self._y = torch.from_numpy(x), torch.from_numpy(y)
        both = seeded(self.seed, lambda: nn.Sequential(*self.architecture.autoencoder(x.shape[1:], self.code, False)))
        self.encoder = both[0]  # type: ignore[index]
        Learner(both, self.pretraining, self.seed).learn(
            len(x), lambda rows, _: self._reconstruction(both, rows), None, self.score
        )
        self.centre = torch.from_numpy(away_from_zero(apply(self.encoder, x[y > 0.5]).mean(axis=0)))
        learner = Learner(self.encoder, self.schedule, self.seed + 1)
        learner.learn(len(x), self._loss, judge, self.score)
        del self._x, self._y

    def score(self, x: np.ndarray) -> np.ndarray:
        """Minus the squared distance to the centre, float32 (N,)."""
        return -((apply(self.encoder, x) - self.centre.numpy()) ** 2).sum(axis=1)

    def _reconstruction(self, both: nn.Module, rows: Tensor) -> LossParts:
        x = self._x[rows]
        error = F.mse_loss(both(x), x)
        return LossParts(error, error, torch.zeros_like(error))

    def _loss(self, rows: Tensor, after_first: bool) -> LossParts:
        distance = (self.encoder(self._x[rows]) - self.centre).square().sum(1)
        normal = self._y[rows] > 0.5
        each = torch.where(normal, distance, self.eta / (distance + EPSILON))
        return LossParts(each.mean(), each.mean(), torch.zeros(()))


def away_from_zero(centre: np.ndarray) -> np.ndarray:
    """The centre with every coordinate at least ``NOT_ZERO`` from 0."""
    return np.where(np.abs(centre) < NOT_ZERO, np.where(centre < 0, -NOT_ZERO, NOT_ZERO), centre).astype(np.float32)
