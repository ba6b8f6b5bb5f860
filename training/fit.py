"""The one training loop: seeded, checkpointed, resumable, selecting on validation."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from training.base import Base, find_base
from training.examples import Examples, ExampleSource, Standard, standard_of, standardised
from training.loop import in_batches, learn_epoch, one_cycle
from training.metrics import selection_score
from training.network import KeywordLSTM
from training.one_class import OBJECTIVES, LossParts, loss
from training.recipes import Recipe
from training.teacher import Teacher
from wakeword.errors import TrainingError
from wakeword.features import FeatureSpec
from wakeword.files import write_atomically


@dataclass(frozen=True)
class Epoch:
    """What one epoch did; ``score`` is the validation score that selects (see selection_score)."""

    number: int
    loss: float
    adversarial: float
    validation_loss: float
    score: tuple[float, float]


@dataclass(frozen=True)
class Fitted:
    """The selected network, the standardisation it expects, and the run's epochs."""

    network: KeywordLSTM
    standard: Standard
    best_epoch: int
    history: tuple[Epoch, ...]


@dataclass
class _State:
    """Everything a killed run needs to go on to the same end."""

    network: dict[str, Tensor]
    optimizer: dict[str, Any]
    best: dict[str, Tensor]
    best_epoch: int = -1
    history: list[Epoch] = field(default_factory=list)


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
    first = source.epoch(0)
    base = find_base(recipe.base, recipe.units) if recipe.base else None
    standard = base.standard if base else standard_of(first.features)
    network = _new_network(source.spec, recipe, seed)
    if base:
        base.copy_into(network)
    optimizer = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate)
    identity = _identity(source, validation, standard, base, teacher)
    state = _read(checkpoint, identity) if checkpoint and checkpoint.exists() else None
    if state:
        network.load_state_dict(state.network)
        optimizer.load_state_dict(state.optimizer)
    else:
        state = _State(network.state_dict(), optimizer.state_dict(), _copy(network))
    held_out = (
        torch.from_numpy(standardised(validation.features, standard)),
        torch.from_numpy(validation.labels),
    )
    with ThreadPoolExecutor(1) as ahead:  # the next epoch's examples are made while this one is learnt
        # The first epoch was made for the standardisation already.
        upcoming = ahead.submit(_taught, source, len(state.history), teacher, None if state.history else first)
        for number in range(len(state.history), recipe.epochs):
            examples = upcoming.result()
            if number + 1 < recipe.epochs:
                upcoming = ahead.submit(_taught, source, number + 1, teacher)
            losses = _learn(network, optimizer, examples, standard, recipe, number, seed)
            done = _judge(network, number, losses, held_out)
            state.history.append(done)
            if done.score >= max(epoch.score for epoch in state.history):
                state.best, state.best_epoch = _copy(network), number
            state.network, state.optimizer = network.state_dict(), optimizer.state_dict()
            if checkpoint:
                _write(checkpoint, identity, state)
            if on_epoch:
                on_epoch(done)
    network.load_state_dict(state.best)
    return Fitted(network.eval(), standard, state.best_epoch, tuple(state.history))


def _taught(source: ExampleSource, number: int, teacher: Teacher | None, made: Examples | None = None) -> Examples:
    """The examples of an epoch, made before or now, with the labels to learn from."""
    examples = made or source.epoch(number)
    return teacher.soften(examples) if teacher else examples


def _new_network(spec: FeatureSpec, recipe: Recipe, seed: int) -> KeywordLSTM:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return KeywordLSTM(spec.n_cepstra, recipe.units, recipe.pooling)


def _learn(
    network: KeywordLSTM,
    optimizer: torch.optim.Optimizer,
    examples: Examples,
    standard: Standard,
    recipe: Recipe,
    number: int,
    seed: int,
) -> tuple[float, float]:
    """One pass over an epoch's examples; returns the mean (total loss, adversarial loss)."""
    network.train()
    generator = torch.Generator().manual_seed(seed * 1_000_003 + number)
    x, y = torch.from_numpy(standardised(examples.features, standard)), torch.from_numpy(examples.labels)

    def batch_loss(batch: slice) -> LossParts:
        return loss(
            OBJECTIVES[recipe.objective],
            recipe.one_class,
            network,
            x[batch],
            y[batch],
            generator,
            adversarial=number >= recipe.classify_first,
        )

    def learning_rate(fraction: float) -> float:
        peak, done = recipe.learning_rate, (number + fraction) / recipe.epochs
        return one_cycle(peak, done) if recipe.one_cycle else peak

    batches = in_batches(len(y), recipe.batch_size)
    losses = learn_epoch(network, optimizer, batches, batch_loss, learning_rate, recipe.clip_gradient)
    if not np.isfinite(losses).all():
        raise TrainingError(
            f"the loss is no longer finite in epoch {number + 1}: train with a lower learning rate or another seed"
        )
    return losses


@torch.no_grad()
def _judge(network: KeywordLSTM, number: int, losses: tuple[float, float], held_out: tuple[Tensor, Tensor]) -> Epoch:
    network.eval()
    x, y = held_out
    logits = torch.cat([network(part) for part in x.split(512)])
    validation_loss = float(binary_cross_entropy_with_logits(logits, y))
    score = selection_score(logits.numpy(), y.numpy(), validation_loss)
    return Epoch(number, *losses, validation_loss, score)


def _copy(network: KeywordLSTM) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def _identity(
    source: ExampleSource, validation: Examples, standard: Standard, base: Base | None, teacher: Teacher | None
) -> str:
    """A hash of everything that determines the result; a checkpoint of another run is not taken for this one's."""
    digest = hashlib.sha256(json.dumps(asdict(source.recipe), sort_keys=True).encode())
    digest.update(json.dumps([source.spec.to_dict(), source.seed, torch.__version__, torch.get_num_threads()]).encode())
    start = [*(base.arrays.values() if base else ()), *(teacher.arrays() if teacher else ())]
    for array in (source.words.samples, source.words.is_keyword, validation.features, *standard, *start):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _write(path: Path, identity: str, state: _State) -> None:
    out = io.BytesIO()
    history = [asdict(epoch) for epoch in state.history]
    torch.save({**vars(state), "history": history, "identity": identity}, out)
    write_atomically(path, out.getvalue())


def _read(path: Path, identity: str) -> _State:
    try:
        saved = torch.load(path, weights_only=True)
        found = saved.pop("identity")
        history = [Epoch(**{**epoch, "score": tuple(epoch["score"])}) for epoch in saved.pop("history")]
        state = _State(**saved, history=history)
    except (OSError, RuntimeError, EOFError, KeyError, TypeError, ValueError, UnpicklingError) as error:
        raise TrainingError(f"{path} is no usable checkpoint: delete it to start over") from error
    if found != identity:
        raise TrainingError(
            f"{path} belongs to another run (other data, recipe or seed): delete it, or choose another --out"
        )
    return state
