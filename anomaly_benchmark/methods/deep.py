"""What the deep methods share that see normals alone: building, learning by gradient, selection."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from anomaly_benchmark.methods.base import Judge
from anomaly_benchmark.methods.gradient import Learner, Schedule, evaluating, seeded
from anomaly_benchmark.networks import NETWORKS
from training.one_class import LossParts

Statistics = TypeVar("Statistics")


class DeepOnNormals(ABC):
    """fit(x, y) builds the network and lowers ``_loss`` over the normals; labels 0 are never looked at."""

    def __init__(self, network: str, seed: int, schedule: Mapping[str, Any]) -> None:
        self.architecture, self.seed, self.schedule = NETWORKS[network], seed, Schedule(**schedule)
        self.selected_on = "validation" if self.schedule.select == "validation" else "nothing (last epoch)"

    def fit(self, x: np.ndarray, y: np.ndarray, judge: Judge | None = None) -> None:
        """Learn; see Method."""
        self._x = torch.from_numpy(x[y > 0.5])
        self.network = seeded(self.seed, lambda: self._build(x.shape[1:]))
        self._generator = torch.Generator().manual_seed(self.seed)
        self._prepare()
        learner = Learner(self.network, self.schedule, self.seed, on_epoch=self._before_epoch)
        with torch.random.fork_rng():  # dropout draws from the global generator
            torch.manual_seed(self.seed)
            learner.learn(len(self._x), self._loss, judge, self.score)
        self._finish()
        del self._x

    @abstractmethod
    def score(self, x: np.ndarray) -> np.ndarray:
        """float (N,), higher = more normal."""

    @abstractmethod
    def _build(self, shape: tuple[int, ...]) -> nn.Module:
        """All that is learnt, and in buffers what else the selected epoch must give back."""

    @abstractmethod
    def _loss(self, rows: Tensor, after_first: bool) -> LossParts:
        """The loss of these rows of the normals; ``after_first``: the schedule's ``first`` epochs are over."""

    def _prepare(self) -> None:
        """Before the first epoch, with the network built: pre-training, say."""
        return

    def _before_epoch(self, epoch: int) -> None:
        """Before each epoch, from 0."""
        return

    def _finish(self) -> None:
        """After the last epoch, with the selected network: what needs the normals once more."""
        return


class OnStatistics(DeepOnNormals, Generic[Statistics]):
    """Scores against statistics of all normals: while it learns, of the network as it is; then of the selected one."""

    @abstractmethod
    def _of_normals(self) -> Statistics:
        """From ``_x`` and the network, which is in eval mode."""

    def _statistics(self) -> Statistics:
        return self._of_normals() if self._kept is None else self._kept

    def _prepare(self) -> None:
        self._kept: Statistics | None = None

    def _finish(self) -> None:
        with evaluating(self.network), torch.no_grad():
            self._kept = self._of_normals()


def whole(loss: Tensor) -> LossParts:
    """A loss without an adversarial part."""
    return LossParts(loss, loss, torch.zeros_like(loss))
