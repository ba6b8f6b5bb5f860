"""What is run, as data: a cell is a table x data set x class x method with all its settings; a seed makes it a run.

Here are the experiments with limited negatives; those of the keywords are in ``keyword_cells``, those
on normals alone in ``anomaly_cells``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from anomaly_benchmark import anomaly_cells
from anomaly_benchmark.cell import Cell, Table, references
from anomaly_benchmark.keyword_cells import METHODS_OCLN, NO_ADVERSARY, audio, audio_settings, keyword_data, with_method
from wakeword.errors import DataError

BUDGETS = ("small", "paper")
SEEDS = (0, 1, 2, 3, 4)


def cells(table: str, budget: str) -> list[Cell]:
    """The cells of a table under a budget. Raises DataError for a name there is none of."""
    if table not in TABLES:
        raise DataError(f"there is no table {table!r}; choose {', '.join(TABLES)}")
    if budget not in BUDGETS:
        raise DataError(f"there is no budget {budget!r}; choose {' or '.join(BUDGETS)}")
    return TABLES[table].build(budget)


# --- MNIST: zeros against ones, with half zeros in the test ----------------------------------------------------------

#: as the released code: rate x 0.1 after 40 %, x 0.01 after 80 % of the epochs with the adversary
_MNIST_DECAY = [[0.4, 0.1], [0.8, 0.01]]
_MNIST: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "paper": (
        {},
        {"epochs": 40, "learning_rate": 1e-4, "batch_size": 256, "first": 10, "decay": _MNIST_DECAY},
        {"radius": 16.0, "gamma": 2.0, "mu": 1.0, "steps": 100, "step_size": 0.1, "project_every": 5},
    ),
    "small": (
        {"positives": 1000, "negatives": 1000},
        {
            "epochs": 12,
            "learning_rate": 1e-3,
            "batch_size": 64,
            "first": 4,
            "decay": _MNIST_DECAY,
            "select": "validation",
        },
        {"radius": 16.0, "gamma": 2.0, "mu": 1.0, "steps": 8, "step_size": 1.0, "project_every": 5},
    ),
}


def _mnist(budget: str) -> list[Cell]:
    data, schedule, adversary = _MNIST[budget]
    common = {
        "table": "mnist-ocln", "dataset": "mnist-half-zeros", "network": "mnist-lenet", "metric": "ocln",
        "budget": budget, "data": data,
    }  # fmt: skip
    found = references(**common)
    for method in METHODS_OCLN:
        tried = {"candidates": _MNIST_RATES if method in NO_ADVERSARY else _MNIST_SHELLS} if budget == "small" else {}
        cell = with_method(method, schedule, adversary, **common)
        found.append(replace(cell, settings={**cell.settings, **tried}))
    return found


#: What a run chooses from by its validation part, without the adversary and with it. After twelve epochs seeds differ
#: by more than these settings do: DROCC-LF's recall there, over six seeds that make no row, has a mean of 99.0 % as it
#: is, 99.2 with half the mu, 99.0 with half the radius, 97.6 (four seeds) from the first epoch on, and 99.7 chosen.
_MNIST_RATES: list[dict[str, Any]] = [
    {},
    *({"schedule": change} for change in ({"learning_rate": 3e-4}, {"learning_rate": 3e-3}, {"epochs": 24})),
]
_MNIST_SHELLS: list[dict[str, Any]] = [{}, {"mu": 0.5}, {"radius": 8.0}, {"schedule": {"first": 0}}]


# --- the noisy sine of figure 1 --------------------------------------------------------------------------------------

_SINE_ADVERSARY = {"radius": 1.0, "gamma": 2.0, "mu": 1.0, "project_every": 5}
_SINE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "paper": ({"epochs": 600, "first": 100}, {"steps": 50, "step_size": 0.02}),
    "small": ({"epochs": 150, "first": 30}, {"steps": 5, "step_size": 0.2}),
}


def _noisy_sine(budget: str) -> list[Cell]:
    epochs, ascent = _SINE[budget]
    schedule = {"learning_rate": 1e-2, "batch_size": 128, "decay": None, **epochs}
    common = {
        "table": "noisy-sine", "dataset": "noisy-sine", "network": "mlp-128", "metric": "auc", "budget": budget
    }  # fmt: skip
    methods = ("bce", "drocc", "drocc-oe", "drocc-lf")
    return references(**common) + [with_method(m, schedule, _SINE_ADVERSARY | ascent, **common) for m in methods]


# --- what matters ----------------------------------------------------------------------------------------------------


def _ablation(budget: str) -> list[Cell]:
    """DROCC-LF on MNIST and on one keyword, one change at a time."""
    data, schedule, adversary = _MNIST[budget]
    mnist = {
        "table": "ablation", "dataset": "mnist-half-zeros", "cls": "mnist", "method": "drocc-lf",
        "network": "mnist-lenet", "metric": "ocln", "budget": budget, "data": data,
    }  # fmt: skip
    changes = {**_CHANGES, "batch norm by the adversarial batch, as released": {"statistics": "batch"}}
    changes |= {"2 x the ascent step": {"steps": 1.0, "step_size": 2.0}}
    changes |= {f"radius {r:g}": {"radius": float(r)} for r in (4, 8, 12, 24)}
    found = references(**mnist) + [_changed(mnist, schedule, adversary, *change) for change in changes.items()]
    keyword = keyword_data("happy", budget) | {"table": "ablation", "method": "drocc-lf"}
    schedule, adversary = audio_settings("happy", budget)
    changes = _CHANGES | {f"radius {r:g}": {"radius": float(r)} for r in (8, 16, 24, 48)}
    changes |= {"mu 0.05": {"mu": 0.05}}
    changes |= {f"{k} x the ascent step": {"steps": 1.0, "step_size": float(k)} for k in (20, 80)}
    found += references(**keyword) + [_changed(keyword, schedule, adversary, *change) for change in changes.items()]
    small = budget == "small"  # which pools by attention and augments, as the paper does not
    pooled = keyword | {"network": "lstm-64" if small else "lstm-128-attention"}
    found.append(_changed(pooled, schedule, adversary, "last hidden state" if small else "attention pooling", {}))
    copies = keyword | {"data": {**keyword["data"], "augmented": 0 if small else 3}}
    longer = schedule | ({"epochs": 2 * schedule["epochs"], "first": 2 * schedule["first"]} if small else {})
    found.append(_changed(copies, longer, adversary, "no augmentation" if small else "augmentation", {}))
    return found


#: variant -> what it changes; steps x step size stays what it was, so that the ascent could go as far
_CHANGES: dict[str, dict[str, Any]] = {
    "": {},
    "mu 0.5": {"mu": 0.5},
    "mu 0.1": {"mu": 0.1},
    "gamma 1": {"gamma": 1.0},
    "gamma 4": {"gamma": 4.0},
    "random points, no ascent": {"steps": 0},
    "1/3 of the ascent steps": {"steps": 1 / 3, "step_size": 3.0},
    "4 x the ascent steps": {"steps": 4.0, "step_size": 1 / 4},
    "tau by search, as released": {"projection": "search"},
    "sigma once an epoch": {"sigma": "epoch"},
}


def _changed(
    common: Mapping[str, Any],
    schedule: Mapping[str, Any],
    adversary: Mapping[str, Any],
    name: str,
    change: Mapping[str, Any],
) -> Cell:
    settings = {**adversary, **change}
    if "step_size" in change:  # factors of what it was
        settings["steps"] = round(adversary["steps"] * change["steps"])
        settings["step_size"] = adversary["step_size"] * change["step_size"]
    return Cell(variant=name, settings={"schedule": dict(schedule), **settings}, **common)


_OCLN = ("recall_3", "recall_5", "deployed_recall_3", "deployed_fpr_3", "deployed_recall_5", "deployed_fpr_5", "auc")
TABLES: dict[str, Table] = {
    "mnist-ocln": Table(
        "MNIST, 0 against 1 with half zeros in the test (section 5)",
        (*_OCLN, "auc_far", "auc_close"),
        _mnist,
        "1000 + 1000 training images of 5035 + 5731; 12 epochs of 64 for 40 of 256; 8 ascent steps of 1 for 100 of 0.1;"
        " four settings a method, of which validation chooses in each run",
    ),
    "noisy-sine": Table(
        "Noisy sine in R^10, AUC by displacement of the wave (figure 1 c, d)",
        ("auc", "auc_0.2", "auc_0.4", "auc_0.6", "auc_0.8", "auc_1", "auc_2"),
        _noisy_sine,
        "150 epochs for 600; 5 ascent steps of 0.2 for 50 of 0.02",
    ),
    "audio-ocln": Table(
        "Keywords of Speech Commands (figures 3 and 9)",
        (*_OCLN, "auc_far", "auc_close", "validation"),
        audio,
        "64 LSTM units pooled by attention for 128 at the last frame; 5 epochs of 64 in one cycle, over the clips and "
        "one changed copy of each, for 40 of 256 over the clips; three settings a method for a search, marked the one "
        "that is best on validation over the seeds that all have: three learning rates, or mu 0.05 for 1 and 5 ascent "
        "steps of 0.1 for 50 of 0.01, mu 0.5 with these steps and twice the rate, and a quarter of the radius with mu "
        "0.2 and 3 steps of 3; 3 epochs of Deep SAD's pre-training for 40; 300 close negatives for 600, fewer of them "
        "in natural voices. Where the data has fewer than 100 recordings of a keyword to train with, as of marvin, "
        "seven, forward and follow here, engines say it, in the test too, and half of its other words: not "
        "the paper's test",
    ),
    "ablation": Table(
        "DROCC-LF, one change at a time",
        (*_OCLN, "auc_far", "auc_close"),
        _ablation,
        "as the tables that it changes: MNIST, and the keyword happy with the paper's radius and mu",
    ),
    **anomaly_cells.TABLES,
}

__all__ = ["BUDGETS", "SEEDS", "TABLES", "Cell", "Table", "cells"]
