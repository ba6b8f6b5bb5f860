"""Settings of the baselines that several tables share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anomaly_benchmark.cell import Cell, references

#: settings of a method by name
Settings = dict[str, dict[str, Any]]

#: candidates that validation chooses from
SHALLOW: Settings = {
    "nearest-neighbour": {},
    "knn": {"k": [1, 5, 20]},
    "oc-svm": {"width": [0.1, 1.0, 10.0], "nu": [0.01, 0.1, 0.5]},
    "isolation-forest": {},
    "lof": {"neighbours": [5, 20, 50]},
}


def with_references(common: Mapping[str, Any], settings: Settings) -> list[Cell]:
    """A cell of each method, after the two ends of the table."""
    return references(**common) + [Cell(method=name, settings=s, **common) for name, s in settings.items()]


def deep_baselines(schedule: Mapping[str, Any], code: int, maps: int) -> Settings:
    """The deep baselines of rows under one schedule."""
    at_once, no_decay = {**schedule, "first": 0}, {"weight_decay": 5e-7}
    pretrain = {"epochs": max(1, schedule["epochs"] // 2)}
    return {
        "ae": {"schedule": at_once, "code": code},
        "dagmm": {"schedule": at_once, "code": code},
        "rebm": {"schedule": at_once},
        "deep-svdd": {"schedule": at_once | no_decay, "pretrain": pretrain},
        "deep-svdd-soft": {"schedule": {**schedule, **no_decay}, "pretrain": pretrain},
        "goad": {"schedule": {**at_once, "epochs": max(1, schedule["epochs"] // 10)}, "maps": maps},
    }
