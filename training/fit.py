"""The one training loop: seeded, checkpointed, resumable, selecting on validation."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from training.base import find_base
from training.checkpoint import Epoch, State, identity_of, read_checkpoint, write_checkpoint
from training.examples import Examples, ExampleSource, Standard, standard_of, standardised
from training.hard_negatives import hardest, without_surplus
from training.loop import in_batches, learn_epoch, one_cycle
from training.metrics import selection_score
from training.network import KeywordLSTM, scores_of
from training.one_class import OBJECTIVES, LossParts, loss
from training.recipes import Recipe
from training.remembering import Memory
from training.teacher import Teacher
from wakeword.errors import TrainingError
from wakeword.features import FeatureSpec


@dataclass(frozen=True)
class Fitted:
    """The selected network, the standardisation it expects, and the run's epochs."""

    network: KeywordLSTM
    standard: Standard
    best_epoch: int
    history: tuple[Epoch, ...]


def fit(
    source: ExampleSource,
    validation: Examples,
    checkpoint: Path | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
    teacher: Teacher | None = None,
) -> Fitted:
    """Train on ``source`` under its recipe, by labels that ``teacher`` softens; select the epoch on ``validation``.

    checkpoint: written after each epoch, and read at the start if it is there; the same (corpus, recipe, seed,
    thread count) gives the same network bit for bit, whether or not the run was killed in between. Raises
    TrainingError when the checkpoint is another run's or damaged, or when the loss is no longer finite.
    """
    recipe, seed = source.recipe, source.seed
    base = find_base(recipe.base, recipe.units, recipe.remember > 0)
    standard = base.standard if base else standard_of(source.epoch(0).features)
    network = _new_network(source.spec, recipe, seed)
    if base:
        base.copy_into(network)
    memory = Memory(base) if base and recipe.remember else None
    learner = _Learner(network, memory, teacher, standard, recipe, seed)
    identity = identity_of(source, validation, standard, base, teacher)
    state = read_checkpoint(checkpoint, identity) if checkpoint and checkpoint.exists() else None
    if state:
        learner.load(state)
    else:
        state = State(*learner.state(), _copy(network))
    with ThreadPoolExecutor(1) as ahead:  # the next epoch's examples are made while this one is learnt
        upcoming = ahead.submit(source.epoch, len(state.history))
        for number in range(len(state.history), recipe.epochs):
            examples = upcoming.result()
            if number + 1 < recipe.epochs:
                upcoming = ahead.submit(source.epoch, number + 1)
            examples = learner.chosen(examples, number)  # the rest is not kept while these are learnt
            losses = learner.epoch(examples, number)
            done = _judge(network, number, losses, validation, standard)
            state.history.append(done)
            if done.score >= max(epoch.score for epoch in state.history):
                state.best, state.best_epoch = _copy(network), number
            state.learned, state.optimizer = learner.state()
            if checkpoint:
                write_checkpoint(checkpoint, identity, state)
            if on_epoch:
                on_epoch(done)
    network.load_state_dict(state.best)
    return Fitted(network.eval(), standard, state.best_epoch, tuple(state.history))


def _new_network(spec: FeatureSpec, recipe: Recipe, seed: int) -> KeywordLSTM:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return KeywordLSTM(spec.n_cepstra, recipe.units, recipe.pooling)


class _Learner:
    """A network, what it is not to forget, who softens its labels, and the optimiser."""

    def __init__(
        self,
        network: KeywordLSTM,
        memory: Memory | None,
        teacher: Teacher | None,
        standard: Standard,
        recipe: Recipe,
        seed: int,
    ) -> None:
        self.network, self.memory, self.teacher = network, memory, teacher
        self.standard, self.recipe, self.seed = standard, recipe, seed
        self.learned = nn.ModuleList([network, memory.names] if memory else [network])
        self.optimizer = torch.optim.Adam(self.learned.parameters(), lr=recipe.learning_rate)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """(weights, optimiser), as State keeps them."""
        return self.learned.state_dict(), self.optimizer.state_dict()

    def load(self, state: State) -> None:
        """Go on from there."""
        self.learned.load_state_dict(state.learned)
        self.optimizer.load_state_dict(state.optimizer)

    def chosen(self, examples: Examples, number: int) -> Examples:
        """The examples of an epoch to learn from, with the labels to learn."""
        knows = number >= self.recipe.classify_first
        examples = hardest(self.network, examples, self.standard) if knows else without_surplus(examples)
        return self.teacher.soften(examples) if self.teacher else examples

    def epoch(self, examples: Examples, number: int) -> tuple[float, float]:
        """One pass over the chosen examples; returns the mean (total loss, adversarial loss)."""
        recipe = self.recipe
        self.network.train()
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + number)
        y = torch.from_numpy(examples.labels)

        def learning_rate(fraction: float) -> float:
            peak, done = recipe.learning_rate, (number + fraction) / recipe.epochs
            return one_cycle(peak, done) if recipe.one_cycle else peak

        def batch_loss(batch: slice) -> LossParts:
            x = torch.from_numpy(standardised(examples.features[batch], self.standard))
            return self._loss(x, y[batch], generator, number >= recipe.classify_first)

        batches = in_batches(len(y), recipe.batch_size)
        losses = learn_epoch(self.learned, self.optimizer, batches, batch_loss, learning_rate, recipe.clip_gradient)
        if not np.isfinite(losses).all():
            raise TrainingError(
                f"the loss is no longer finite in epoch {number + 1}: train with a lower learning rate or another seed"
            )
        return losses

    def _loss(self, x: Tensor, y: Tensor, generator: torch.Generator, adversarial: bool) -> LossParts:
        """The objective's loss of a batch; what is forgotten is in its total too."""
        objective, network = OBJECTIVES[self.recipe.objective], self.network
        if self.memory is None:
            return loss(objective, self.recipe.one_class, network, x, y, generator, adversarial)
        hidden = network.lstm(x)  # once for both terms

        def logit_fn(points: Tensor) -> Tensor:
            return network.pooled(hidden) if points is x else network(points)

        parts = loss(objective, self.recipe.one_class, logit_fn, x, y, generator, adversarial)
        forgotten = self.memory.forgotten(x, hidden)
        return parts._replace(total=parts.total + self.recipe.remember * forgotten)


def _judge(
    network: KeywordLSTM, number: int, losses: tuple[float, float], validation: Examples, standard: Standard
) -> Epoch:
    network.eval()
    logits = scores_of(network, validation.features, standard)
    validation_loss = float(binary_cross_entropy_with_logits(logits, torch.from_numpy(validation.labels)))
    score = selection_score(logits.numpy(), validation.labels, validation_loss)
    return Epoch(number, *losses, validation_loss, score)


def _copy(network: KeywordLSTM) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}
