"""The paper's published numbers, as data (Goyal et al., ICML 2020); bar charts are read off to about 0.5."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


@cache
def read(name: str) -> tuple[dict[str, str], ...]:
    """The rows of one table, ``name`` without .csv."""
    with (FOLDER / f"{name}.csv").open(newline="") as file:
        return tuple(csv.DictReader(file))


@cache
def hyperparameters(dataset: str, cls: str = "") -> dict[str, float]:
    """radius, mu, learning_rate and ascent_step_size of Tables 10-14. Raises KeyError where they have no such row."""
    for row in read("tables10_14_hyperparameters"):
        if (row["dataset"], row["cls"]) == (dataset, cls):
            return {name: float(row[name]) for name in ("radius", "mu", "learning_rate", "ascent_step_size")}
    raise KeyError(f"{dataset} {cls}")


def published(table: str, cls: str, method: str, metric: str) -> float | None:
    """What the paper prints for a cell, in per cent, or None where it prints nothing."""
    method = method.replace("-", "_")
    if table == "mnist-ocln" and metric == "recall_3":
        rows = read("section5_mnist_ocln_recall")
        return next((float(row["recall_percent"]) for row in rows if row["method"] == method), None)
    if table == "audio-ocln" and metric in ("recall_3", "recall_5"):
        wanted = (cls, metric[-1], method)
        for row in read("figures03_09_ocln_audio_recall"):
            if (row["keyword"], row["fpr_percent"], row["method"]) == wanted:
                return float(row["recall_percent_read_off_chart"])
    return None
