"""A choice among settings: the one that validation prefers scores, and nothing else decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from anomaly_benchmark.cells import cells
from anomaly_benchmark.methods import make
from anomaly_benchmark.methods.chosen import Chosen, changed
from wakeword.errors import TrainingError

SCHEDULE = {"epochs": 3, "learning_rate": 1e-2, "batch_size": 16, "select": "validation"}


class Fixed:
    """A method whose scores are one number."""

    selected_on = "nothing"

    def __init__(self, value: float) -> None:
        self.value, self.fitted = value, 0

    def fit(self, x: np.ndarray, y: np.ndarray, judge: Any = None) -> None:
        self.fitted += 1

    def score(self, x: np.ndarray) -> np.ndarray:
        return np.full(len(x), self.value)


def judge(score: Callable[[np.ndarray], np.ndarray]) -> float:
    return float(score(np.zeros((1, 1)))[0])


def test_the_candidate_that_the_judge_prefers_scores_and_of_equals_the_first() -> None:
    methods = [Fixed(1.0), Fixed(3.0), Fixed(3.0), Fixed(2.0)]
    chosen = Chosen([({"k": k}, method) for k, method in enumerate(methods)])
    x = np.zeros((4, 1), np.float32)
    chosen.fit(x, np.ones(4), judge)
    assert chosen.chosen == {"k": 1}
    assert chosen.score(x).tolist() == [3.0] * 4
    assert [method.fitted for method in methods] == [1] * 4


def test_without_a_judge_the_first_is_taken_and_no_other_fitted() -> None:
    methods = [Fixed(1.0), Fixed(3.0)]
    chosen = Chosen([({}, methods[0]), ({"k": 1}, methods[1])])
    chosen.fit(np.zeros((4, 1), np.float32), np.ones(4))
    assert (chosen.chosen, [method.fitted for method in methods]) == ({}, [1, 0])


class Diverges(Fixed):
    def fit(self, x: np.ndarray, y: np.ndarray, judge: Any = None) -> None:
        raise TrainingError("the loss is no longer finite")


def test_a_candidate_that_cannot_be_trained_is_none() -> None:
    x, y = np.zeros((4, 1), np.float32), np.ones(4)
    chosen = Chosen([({"k": 0}, Diverges(9.0)), ({"k": 1}, Fixed(1.0))])
    chosen.fit(x, y, judge)
    assert (chosen.chosen, chosen.score(x).tolist()) == ({"k": 1}, [1.0] * 4)
    with pytest.raises(TrainingError, match="no longer finite"):
        Chosen([({}, Diverges(1.0)), ({}, Diverges(2.0))]).fit(x, y, judge)


def test_there_must_be_a_candidate() -> None:
    with pytest.raises(ValueError, match="no candidate"):
        Chosen([])
    with pytest.raises(ValueError, match="no candidate"):
        make("knn", "", {"k": []}, 0)


def test_of_a_schedule_only_what_is_named_changes() -> None:
    settings = {"schedule": {"epochs": 3, "first": 1}, "mu": 1.0}
    assert changed(settings, {"schedule": {"first": 2}, "radius": 4.0}) == {
        "schedule": {"epochs": 3, "first": 2}, "mu": 1.0, "radius": 4.0,
    }  # fmt: skip
    assert settings == {"schedule": {"epochs": 3, "first": 1}, "mu": 1.0}


def test_each_candidate_is_the_method_with_its_change() -> None:
    """The choice of a real method gives bit for bit what the method with those settings gives alone."""
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(0, 1, (40, 3)), rng.normal(3, 1, (40, 3))]).astype(np.float32)
    y = np.repeat(np.float32([1, 0]), 40)

    def separation(score: Callable[[np.ndarray], np.ndarray]) -> float:
        found = score(x)
        return float(found[:40].mean() - found[40:].mean())

    changes: list[dict[str, Any]] = [{"mu": 0.0}, {"schedule": {"learning_rate": 3e-2}}, {"mu": 2.0}]
    settings = {"schedule": SCHEDULE, "radius": 1.0, "steps": 2}
    alone = [make("drocc-lf", "mlp-128", changed(settings, change), 7) for change in changes]
    for method in alone:
        method.fit(x, y, separation)
    best = int(np.argmax([separation(method.score) for method in alone]))
    chosen = make("drocc-lf", "mlp-128", {**settings, "candidates": changes}, 7)
    chosen.fit(x, y, separation)
    assert chosen.chosen == changes[best]  # type: ignore[attr-defined]
    np.testing.assert_array_equal(chosen.score(x), alone[best].score(x))


@pytest.mark.parametrize("method", ["oc-svm", "isolation-forest", "lof", "knn"])
def test_no_two_candidates_of_a_shallow_method_are_alike_on_the_smallest_set(method: str) -> None:
    """Arrhythmia has 193 normals to learn from: two samples of at least so many would be one forest."""
    rng = np.random.default_rng(0)
    x, tested = rng.normal(size=(193, 12)).astype(np.float32), rng.normal(size=(30, 12)).astype(np.float32)
    (found,) = (
        c for c in cells("tabular", "small") if (c.cls, c.method, c.variant) == ("arrhythmia", method, "protocol b")
    )
    chosen = make(method, "", found.settings, 0)
    assert isinstance(chosen, Chosen)
    scores = set()
    for _, candidate in chosen._candidates:
        candidate.fit(x, np.ones(193))
        scores.add(candidate.score(tested).round(9).tobytes())
    assert len(scores) == len(chosen._candidates) >= 4
