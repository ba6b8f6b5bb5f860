"""The threshold rules of Table 2 against counting, and the published values."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from anomaly_benchmark.datasets.base import Part
from anomaly_benchmark.metrics import METRICS, selection
from anomaly_benchmark.paper import published, published_std


def part(normal: int, anomalies: int) -> Part:
    y = np.repeat([1.0, 0.0], [normal, anomalies]).astype(np.float32)
    return Part(np.zeros((len(y), 1), np.float32), y, np.where(y > 0.5, "normal", "anomaly"))


def test_f1_of_both_protocols_against_sklearn() -> None:
    rng = np.random.default_rng(0)
    parts = part(90, 10), part(180, 20)
    held, test = (rng.standard_normal(len(p.y)) + 1.5 * p.y for p in parts)
    ordered, held_ordered = np.sort(test), np.sort(held)
    b = METRICS["f1-anomaly"](held, test, parts)
    y = parts[1].y > 0.5
    assert b["f1"] == pytest.approx(100 * f1_score(~y, test < ordered[20]))
    assert b["deployed_f1"] == pytest.approx(100 * f1_score(~y, test <= held_ordered[9]))
    assert b["auc"] == pytest.approx(100 * roc_auc_score(y, test))
    a = METRICS["f1-normal"](held, test, parts)
    assert a["f1"] == pytest.approx(100 * f1_score(y, test > ordered[39]))
    assert a["deployed_f1"] == pytest.approx(100 * f1_score(y, test >= np.percentile(held, 20)))
    assert a["ratio_f1"] == b["f1"]
    assert selection(test, parts[1], "f1-normal") == roc_auc_score(parts[1].y, test) != selection(test, parts[1])


def test_the_released_rule_has_a_ceiling_and_a_floor() -> None:
    both = part(93, 93), part(93, 93)
    perfect = both[1].y + 1e-3 * np.arange(186)
    assert METRICS["f1-normal"](perfect, perfect, both)["f1"] == pytest.approx(76.9, abs=0.3)
    rng = np.random.default_rng(0)
    by_chance = [METRICS["f1-normal"](s, s, both)["f1"] for s in rng.random((200, 186))]
    assert np.mean(by_chance) == pytest.approx(61.5, abs=0.5)
    assert METRICS["f1-anomaly"](perfect, perfect, both)["f1"] == 100


@pytest.mark.parametrize(
    ("cell", "value", "std"),
    [
        (("tabular", "thyroid", "drocc", "f1"), 78, 3),
        (("tabular", "arrhythmia", "drocc", "f1"), 69, 2),
        (("tabular", "abalone", "e2e-ae", "f1"), 33, 3),
        (("tabular", "abalone", "drocc", "auc"), None, 0),
        (("tabular", "thyroid", "deep-svdd-soft", "f1"), None, 0),
        (("time-series", "epileptic-seizure", "lstm-ae", "auc"), 91.15, 1.7),
        (("time-series", "happy", "drocc", "auc"), 70.21, 1.1),
        (("sine", "", "drocc", "auc_0.2"), 96.8, 0.65),
        (("sine", "", "deep-svdd", "auc_2"), 100, 0),
        (("sphere", "", "nearest-neighbour", "auc_1.2"), 100, 0),
        (("sphere", "", "drocc", "auc"), None, 0),
        (("noisy-sine", "", "drocc", "auc_0.2"), None, 0),
    ],
)
def test_the_published_value_of_a_cell(cell: tuple[str, str, str, str], value: float | None, std: float) -> None:
    assert published(*cell) == value
    assert published_std(*cell) == std
