"""Learning by gradient, the same for every deep method: order of examples, rate, epochs, selection, scoring."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from anomaly_benchmark.methods.base import Judge
from training.loop import in_batches, learn_epoch, one_cycle
from training.one_class import LossParts
from wakeword.errors import TrainingError

#: the loss of a batch: its rows in x, and whether the n0 first epochs are over
RowsLoss = Callable[[Tensor, bool], LossParts]


@dataclass(frozen=True)
class Schedule:
    """How a network is trained.

    decay: (share of the epochs after ``first``, factor of the rate from there on), ascending; or None for one cycle.
    first: the paper's n0, epochs before the method's own term counts. select: "last" or "validation".
    """

    epochs: int
    learning_rate: float
    batch_size: int = 256
    first: int = 0
    decay: Sequence[Sequence[float]] | None = ()
    optimizer: str = "adam"
    momentum: float = 0.99
    weight_decay: float = 0.0
    clip_gradient: float = 0.0
    select: str = "last"

    def __post_init__(self) -> None:
        if self.optimizer not in ("adam", "sgd") or self.select not in ("last", "validation"):
            raise ValueError(f"optimizer {self.optimizer!r} or select {self.select!r} is not known")

    def rate(self, epoch: float) -> float:
        """The learning rate at a moment of the run, in epochs."""
        if self.decay is None:
            return one_cycle(self.learning_rate, epoch / self.epochs)
        done = (epoch - self.first) / max(1, self.epochs - self.first)
        return self.learning_rate * ([1.0] + [factor for share, factor in self.decay if done >= share])[-1]


@dataclass
class Learner:
    """Trains ``network`` under a schedule; everything random comes from ``seed``."""

    network: nn.Module
    schedule: Schedule
    seed: int
    on_epoch: Callable[[int], None] | None = None  # called before each epoch, with its number
    history: list[tuple[float, float]] = field(default_factory=list)  # (loss, adversarial loss) an epoch

    def learn(
        self, n: int, rows_loss: RowsLoss, judge: Judge | None, score: Callable[[np.ndarray], np.ndarray]
    ) -> None:
        """Train on n examples; afterwards the network is in eval mode, at the epoch that was selected."""
        order = np.random.default_rng([self.seed, 5])
        optimizer = self._optimizer()
        selects = judge is not None and self.schedule.select == "validation"
        best, kept = -np.inf, None
        for epoch in range(self.schedule.epochs):
            rows = torch.from_numpy(order.permutation(n))
            if self.on_epoch:
                self.on_epoch(epoch)
            self.network.train()
            losses = self._pass(optimizer, rows, rows_loss, epoch)
            self.history.append(losses)
            if not np.isfinite(losses).all():
                raise TrainingError(f"the loss is no longer finite in epoch {epoch + 1}: lower the learning rate")
            if not selects or judge is None or epoch < self.schedule.first:  # before n0 it is not the method yet
                continue
            if (value := judge(score)) >= best:
                best, kept = value, {name: tensor.clone() for name, tensor in self.network.state_dict().items()}
        if kept is not None:
            self.network.load_state_dict(kept)
        self.network.eval()

    def _pass(
        self, optimizer: torch.optim.Optimizer, rows: Tensor, rows_loss: RowsLoss, epoch: int
    ) -> tuple[float, float]:
        return learn_epoch(
            self.network,
            optimizer,
            in_batches(len(rows), self.schedule.batch_size),
            lambda batch: rows_loss(rows[batch], epoch >= self.schedule.first),
            lambda fraction: self.schedule.rate(epoch + fraction),
            self.schedule.clip_gradient,
        )

    def _optimizer(self) -> torch.optim.Optimizer:
        s, weights = self.schedule, self.network.parameters()
        if s.optimizer == "adam":
            return torch.optim.Adam(weights, lr=s.learning_rate, weight_decay=s.weight_decay)
        return torch.optim.SGD(weights, lr=s.learning_rate, momentum=s.momentum, weight_decay=s.weight_decay)


def seeded(seed: int, build: Callable[[], nn.Module]) -> nn.Module:
    """A network whose first weights depend on the seed alone; the global generator is left as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build()


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """The network in eval mode for a while."""
    was = network.training
    network.eval()
    try:
        yield
    finally:
        network.train(was)


def apply(network: nn.Module, x: np.ndarray, batch: int = 512) -> np.ndarray:
    """The outputs of a network in eval mode, float32 (N, ...)."""
    with evaluating(network), torch.no_grad():
        return torch.cat([network(part) for part in torch.from_numpy(x).split(batch)]).numpy()
