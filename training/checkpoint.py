"""What a killed run goes on from: a file that belongs to one (corpus, recipe, seed, thread count) and no other."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from torch import Tensor

from training.base import Base
from training.examples import Examples, ExampleSource, Standard
from training.teacher import Teacher
from wakeword.errors import TrainingError
from wakeword.files import write_atomically


@dataclass(frozen=True)
class Epoch:
    """What one epoch did; ``score`` is the validation score that selects (see selection_score)."""

    number: int
    loss: float
    adversarial: float
    validation_loss: float
    score: tuple[float, float]


@dataclass
class State:
    """Everything a killed run needs to go on to the same end; ``best`` is the selected network's weights so far."""

    learned: dict[str, Tensor]
    optimizer: dict[str, Any]
    best: dict[str, Tensor]
    best_epoch: int = -1
    history: list[Epoch] = field(default_factory=list)


def identity_of(
    source: ExampleSource, validation: Examples, standard: Standard, base: Base | None, teacher: Teacher | None
) -> str:
    """A hash of everything that determines the result; a checkpoint of another run is not taken for this one's."""
    digest = hashlib.sha256(json.dumps(asdict(source.recipe), sort_keys=True).encode())
    digest.update(json.dumps([source.spec.to_dict(), source.seed, torch.__version__, torch.get_num_threads()]).encode())
    start = [*(base.arrays.values() if base else ()), *(teacher.arrays() if teacher else ())]
    for array in (*source.arrays(), validation.features, *standard, *start):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def write_checkpoint(path: Path, identity: str, state: State) -> None:
    """Write the file whole or not at all."""
    out = io.BytesIO()
    history = [asdict(epoch) for epoch in state.history]
    torch.save({**vars(state), "history": history, "identity": identity}, out)
    write_atomically(path, out.getvalue())


def read_checkpoint(path: Path, identity: str) -> State:
    """Raises TrainingError where the file is damaged, or another run's."""
    try:
        saved = torch.load(path, weights_only=True)
        found = saved.pop("identity")
        history = [Epoch(**{**epoch, "score": tuple(epoch["score"])}) for epoch in saved.pop("history")]
        state = State(**saved, history=history)
    except (OSError, RuntimeError, EOFError, KeyError, TypeError, ValueError, UnpicklingError) as error:
        raise TrainingError(f"{path} is no usable checkpoint: delete it to start over") from error
    if found != identity:
        raise TrainingError(
            f"{path} belongs to another run (other data, recipe or seed): delete it, or choose another --out"
        )
    return state
