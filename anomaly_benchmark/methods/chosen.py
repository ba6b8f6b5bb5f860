"""The best on validation of one method's settings, as a method of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from anomaly_benchmark.methods.base import Judge, Method
from wakeword.errors import TrainingError

Settings = Mapping[str, Any]


class Chosen:
    """fit(x, y) fits every candidate, and the one that ``judge`` prefers scores; of equals the first.

    ``chosen`` is then what it changed. A candidate that cannot be trained, its rate being too high, say, is left out.
    Raises ValueError where there is no candidate.
    """

    selected_on = "validation"

    def __init__(self, candidates: Sequence[tuple[Settings, Method]]) -> None:
        if not candidates:
            raise ValueError("there is no candidate to choose from")
        self._candidates, self.chosen = list(candidates), dict(candidates[0][0])
        self._best = candidates[0][1]

    def fit(self, x: np.ndarray, y: np.ndarray, judge: Judge | None = None) -> None:
        """Learn; see Method. Without a judge the first candidate is taken. Raises TrainingError if none could learn."""
        best, failed = -np.inf, []
        tried = self._candidates if judge else self._candidates[:1]
        for change, method in tried:
            try:
                method.fit(x, y, judge)
            except TrainingError as error:
                failed.append(error)
                continue
            value = judge(method.score) if judge else 0.0
            if value > best:
                best, self.chosen, self._best = value, dict(change), method
        if len(failed) == len(tried):
            raise failed[0]

    def score(self, x: np.ndarray) -> np.ndarray:
        """As the chosen candidate scores."""
        return self._best.score(x)


def changed(settings: Settings, change: Settings) -> dict[str, Any]:
    """The settings with the values of ``change``; of a mapping in them, such as the schedule, only what it names."""
    found = dict(settings)
    for name, value in change.items():
        both = isinstance(value, Mapping) and isinstance(found.get(name), Mapping)
        found[name] = {**found[name], **value} if both else value
    return found
