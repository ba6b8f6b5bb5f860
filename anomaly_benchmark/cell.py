"""What a cell and a table are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Cell:
    """One line of a table before its seeds.

    data are the data set's options, settings the method's; ``variant`` names what an ablation changed, "" = nothing.
    """

    table: str
    dataset: str
    method: str
    network: str
    metric: str
    budget: str
    cls: str = ""
    variant: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def key(self, seed: int) -> str:
        """A hash of all that determines the row: a changed setting is another run."""
        return hashlib.sha256(json.dumps([asdict(self), seed], sort_keys=True).encode()).hexdigest()[:16]

    def __str__(self) -> str:
        return " ".join(part for part in (self.table, self.cls, self.method, self.variant) if part)


@dataclass(frozen=True)
class Table:
    """What a table shows: its title, its metrics (the first is the main one), and what ``small`` scales down."""

    title: str
    metrics: tuple[str, ...]
    build: Callable[[str], list[Cell]]
    small: str


def references(**common: Any) -> list[Cell]:
    """The two ends of a table: random scores, and the labels themselves."""
    return [Cell(**{**common, "method": name}) for name in ("random", "oracle")]
