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
    found = _anomaly_detection(table, cls, method, metric)
    return found[0] if found else _limited_negatives(table, cls, method, metric)


def published_std(table: str, cls: str, method: str, metric: str) -> float:
    """The standard deviation that the paper prints beside the value, in per cent; 0 where it prints none."""
    found = _anomaly_detection(table, cls, method, metric)
    return found[1] if found else 0.0


#: our name of a method -> the tables'; Table 3's AE is an LSTM's, Table 2 has one Deep SVDD
_IN_TABLES = {"nearest_neighbour": "nearest_neighbor", "lstm_ae": "ae"}


def _anomaly_detection(table: str, cls: str, method: str, metric: str) -> tuple[float, float] | None:
    """(value, std) of Tables 2, 3, 6 and 7 in per cent."""
    method = method.replace("-", "_")
    names = (f"{method}_icml_version", _IN_TABLES.get(method, method))  # the later version of the paper, where both are
    if table == "tabular" and metric == "f1":
        return _value("table02_tabular_f1", {"dataset": cls}, names, "f1", 100)
    if table == "time-series" and metric == "auc":
        dataset = {"epileptic-seizure": "epileptic_seizure"}.get(cls, "audio_commands_marvin")  # its only word
        return _value("table03_timeseries_auc", {"dataset": dataset}, names, "auc")
    if table in ("sine", "sphere") and metric.startswith("auc_"):
        file, column = {
            "sine": ("table07_sine_auc", "vertical_displacement"),
            "sphere": ("table06_sphere_auc", "ood_radius"),
        }[table]
        return _value(file, {column: f"{float(metric[4:]):.1f}"}, names, "auc")
    return None


def _value(
    file: str, where: dict[str, str], methods: tuple[str, ...], column: str, factor: float = 1
) -> tuple[float, float] | None:
    for method in methods:
        for row in read(file):
            if row["method"] == method and where.items() <= row.items():
                return round(factor * float(row[column]), 6), round(factor * float(row["std"] or 0), 6)
    return None


def _limited_negatives(table: str, cls: str, method: str, metric: str) -> float | None:
    """The recall of section 5 and of figures 3 and 9."""
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
