"""What a data set is."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

NORMAL = "normal"


@dataclass(frozen=True)
class Part:
    """Labelled examples.

    x      float32 (N, ...), scaled as the methods are to see it
    y      float32 (N,), 1 = normal (the keyword), 0 = not
    group  str (N,): "normal" where y is 1, else which kind of negative ("far", "close", a distance)
    """

    x: np.ndarray
    y: np.ndarray
    group: np.ndarray

    def __post_init__(self) -> None:
        if not len(self.x) == len(self.y) == len(self.group):
            raise ValueError(f"x, y and group have {len(self.x)}, {len(self.y)} and {len(self.group)} entries")

    @staticmethod
    def of(**groups: np.ndarray) -> Part:
        """A part from its groups: ``normal=``, and one for each kind of negative; _ stands for a decimal point."""
        names = [name.replace("_", ".") for name in groups]
        sizes = [len(x) for x in groups.values()]
        x = np.concatenate([x.astype(np.float32) for x in groups.values()])
        group = np.repeat(np.array(names), sizes)
        return Part(x, (group == NORMAL).astype(np.float32), group)

    def counts(self) -> dict[str, int]:
        """How many examples each group has."""
        names, sizes = np.unique(self.group, return_counts=True)
        return dict(zip(names.tolist(), sizes.tolist(), strict=True))


@dataclass(frozen=True)
class Dataset:
    """train is fitted on, validation selects and sets thresholds, test is looked at once.

    probe: float32 (N, ...), points whose scores a figure draws (a decision boundary), or None.
    """

    train: Part
    validation: Part
    test: Part
    probe: np.ndarray | None = field(default=None)

    def counts(self) -> dict[str, dict[str, int]]:
        """The groups' sizes by part."""
        return {name: getattr(self, name).counts() for name in ("train", "validation", "test")}
