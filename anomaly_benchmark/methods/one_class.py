"""What BCE, DROCC, DROCC-OE and DROCC-LF share: a network to one logit, and an objective of training.one_class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from anomaly_benchmark.methods.base import Judge
from anomaly_benchmark.methods.gradient import Learner, Schedule, apply, evaluating, seeded
from anomaly_benchmark.networks import NETWORKS
from training.one_class import (
    OBJECTIVES,
    Ascent,
    LossParts,
    OneClassSettings,
    Variation,
    influence,
    loss,
    project_mahalanobis,
)
from training.one_class.search import search_mahalanobis


@dataclass(frozen=True)
class Adversary:
    """The adversarial term; ``sigma`` is found anew each "batch" or "epoch", ``projection`` is "exact" or "search".

    statistics: batch norm of the adversarial term by the running statistics of the "data", so that the network it
    attacks is the one that will score; or, as released, by those of the adversarial "batch" itself.
    """

    radius: float = 1.0
    gamma: float = 2.0
    mu: float = 1.0
    steps: int = 10
    step_size: float = 0.1
    project_every: int = 5
    sigma: str = "batch"
    projection: str = "exact"
    statistics: str = "data"

    def __post_init__(self) -> None:
        choices = (self.sigma, self.projection, self.statistics)
        if not all(
            c in k for c, k in zip(choices, (("batch", "epoch"), ("exact", "search"), ("data", "batch")), strict=True)
        ):
            raise ValueError(f"there is no adversary with {choices}")

    def settings(self) -> OneClassSettings:
        """As training.one_class takes it."""
        return OneClassSettings(
            self.radius, self.gamma, self.mu, Ascent(self.steps, self.step_size, self.project_every)
        )


class OneClassNetwork:
    """fit(x, y) minimises the objective; score(x) is the logit, in eval mode."""

    objective: ClassVar[str]

    def __init__(self, network: str, seed: int, schedule: Mapping[str, Any], **adversary: Any) -> None:
        self.architecture, self.seed = NETWORKS[network], seed
        self.schedule, self.adversary = Schedule(**schedule), Adversary(**adversary)
        self.selected_on = "validation" if self.schedule.select == "validation" else "nothing (last epoch)"

    def fit(self, x: np.ndarray, y: np.ndarray, judge: Judge | None = None) -> None:
        """Learn; see Method."""
        self.network = seeded(self.seed, lambda: self.architecture.logit(x.shape[1:]))
        self.learner = Learner(self.network, self.schedule, self.seed)
        self._x, self._y = torch.from_numpy(x), torch.from_numpy(y)
        self._generator = torch.Generator().manual_seed(self.seed)
        self._sigma: Tensor | None = None
        if self.adversary.sigma == "epoch" and OBJECTIVES[self.objective].shell == "mahalanobis":
            self.learner.on_epoch = self._find_sigma
        if OBJECTIVES[self.objective].uses_negatives:
            n = len(x)
        else:  # an epoch is a pass over what the loss sees
            self._x, self._y = self._x[self._y > 0.5], self._y[self._y > 0.5]
            n = len(self._x)
        self.learner.learn(n, self._loss, judge, self.score)
        del self._x, self._y, self._sigma

    def score(self, x: np.ndarray) -> np.ndarray:
        """The logits, float32 (N,)."""
        return apply(self.network, x).reshape(len(x))

    def _loss(self, rows: Tensor, adversarial: bool) -> LossParts:
        search = partial(search_mahalanobis, generator=self._generator)
        variation = Variation(
            logit_fn=self._as_it_will_score if self.adversary.statistics == "data" else None,
            sigma=None if self._sigma is None else self._sigma[rows],
            project=search if self.adversary.projection == "search" else project_mahalanobis,
        )
        return loss(
            OBJECTIVES[self.objective],
            self.adversary.settings(),
            self.network,
            self._x[rows],
            self._y[rows],
            self._generator,
            adversarial,
            variation=variation,
        )

    def _as_it_will_score(self, x: Tensor) -> Tensor:
        with evaluating(self.network):
            return self.network(x)

    def _find_sigma(self, epoch: int) -> None:
        """The influence at every training point, by the network as it is between two epochs."""
        if epoch >= self.schedule.first:
            parts = [influence(self._as_it_will_score, part) for part in self._x.split(512)]
            self._sigma = torch.cat(parts)
