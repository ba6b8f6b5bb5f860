"""Figures from the rows: bars beside the paper's, and decision boundaries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from anomaly_benchmark import results
from anomaly_benchmark.cells import TABLES, Cell, cells
from anomaly_benchmark.paper import published
from anomaly_benchmark.results import Row
from anomaly_benchmark.tables import good_rows, mean_std
from wakeword.errors import DataError

REFERENCES = ("random", "oracle")
_OURS, _PAPER = "#2b6ca3", "#c9c9c9"
_COLOURS = {"bce": "#8a8a8a", "deep-sad": "#d29b3f", "drocc": "#7fb069", "drocc-oe": "#6aa6d6", "drocc-lf": "#b03a48"}


def draw(name: str, budget: str, folder: Path) -> Path:
    """Draw the figure of a table beside its rows, and return its path. Raises DataError when there are no rows yet."""
    rows = results.read(folder / f"{name}.jsonl")
    found = [cell for cell in cells(name, budget) if cell.method not in REFERENCES and good_rows(cell, rows)[0]]
    if not found:
        raise DataError(f"{folder} has no {budget} rows of {name}: make them with  run {name} --budget {budget}")
    figure = _DRAWN[name](found, rows)
    figure.suptitle(TABLES[name].title, fontsize=11)
    path = folder / f"{name}{'' if budget == 'small' else '.' + budget}.png"
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
    return path


def _bars(found: list[Cell], rows: dict[str, Row]) -> Any:
    """One panel an FPR: groups of classes, bars of methods, the paper's value as a line across its bar."""
    classes, methods = _unique(cell.cls for cell in found), _unique(cell.method for cell in found)
    width = max(4.5, 1.6 + 0.45 * len(classes) * len(methods))
    figure, axes = plt.subplots(1, 2, figsize=(2 * width, 4), sharey=True, layout="constrained")
    for axis, metric in zip(axes, ("recall_3", "recall_5"), strict=True):
        for cell in found:
            mean, std = mean_std(row["metrics"][metric] for row in good_rows(cell, rows)[0])
            at = classes.index(cell.cls) + (methods.index(cell.method) - (len(methods) - 1) / 2) * 0.8 / len(methods)
            bar = {"width": 0.7 / len(methods), "color": _COLOURS[cell.method]}
            axis.bar(at, mean, yerr=None if np.isnan(std) else std, capsize=2, **bar)
            paper = published(cell.table, cell.cls, cell.method, metric)
            if paper is not None:
                axis.plot(
                    [at - 0.4 / len(methods), at + 0.4 / len(methods)], [paper, paper], color="black", linewidth=1.5
                )
        axis.set_title(f"threshold at FPR {metric[-1]} % of the test negatives", fontsize=9)
        axis.set_xticks(range(len(classes)), [cls or "" for cls in classes])
        axis.set_ylim(0, 105)
        axis.grid(axis="y", alpha=0.3)
    axes[0].set_ylabel("recall, %")
    _method_legend(figure, methods, any(published(c.table, c.cls, c.method, "recall_3") is not None for c in found))
    return figure


def _method_legend(figure: Any, methods: list[str], with_paper: bool) -> None:
    handles: list[Any] = [plt.Rectangle((0, 0), 1, 1, color=_COLOURS[method]) for method in methods]
    labels = list(methods)
    if with_paper:
        handles.append(plt.Line2D([], [], color="black"))
        labels.append("paper")
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=9)


def _sine(found: list[Cell], rows: dict[str, Row]) -> Any:
    """AUC by displacement, then each method's boundary in the plane of the wave (seed 0)."""
    from anomaly_benchmark.datasets.noisy_sine import DISPLACEMENTS, GRID_X, GRID_Y

    size = (3.4 * (1 + len(found)), 3.6)
    figure, grid = plt.subplots(1, 1 + len(found), figsize=size, layout="constrained", squeeze=False)
    axes = grid[0]
    for cell in found:
        of = [[row["metrics"][f"auc_{d:g}"] for row in good_rows(cell, rows)[0]] for d in DISPLACEMENTS]
        means, stds = zip(*(mean_std(values) for values in of), strict=True)
        label = {"label": cell.method, "color": _COLOURS[cell.method]}
        axes[0].errorbar(DISPLACEMENTS, means, yerr=np.nan_to_num(stds), marker="o", markersize=3, **label)
    axes[0].set(xlabel="displacement of the wave", ylabel="AUC, %", ylim=(45, 101))
    axes[0].legend(fontsize=8)
    for axis, cell in zip(axes[1:], found, strict=True):
        first = next((row for row in good_rows(cell, rows)[0] if "probe" in row), None)
        if first is None:
            continue
        scores = np.reshape(first["probe"], (len(GRID_Y), len(GRID_X)))
        ranks = np.argsort(np.argsort(scores.ravel())).reshape(scores.shape) / scores.size  # logits differ in scale
        axis.pcolormesh(GRID_X, GRID_Y, ranks, cmap="RdBu", shading="nearest", vmin=0, vmax=1)
        axis.plot(GRID_X, np.sin(GRID_X), color="black", linewidth=1.5)
        axis.set_title(f"{cell.method}: rank of the score", fontsize=9)
        axis.set_xlabel("x; the line is the wave")
    return figure


def _ablation(found: list[Cell], rows: dict[str, Row]) -> Any:
    """One panel a data set: recall at FPR 3 % of each variant; the unchanged one as a line."""
    classes = _unique(cell.cls for cell in found)
    figure, axes = plt.subplots(1, len(classes), figsize=(6.2 * len(classes), 6), layout="constrained", squeeze=False)
    for axis, cls in zip(axes[0], classes, strict=True):
        shown = [cell for cell in found if cell.cls == cls]
        for at, cell in enumerate(shown):
            mean, std = mean_std(row["metrics"]["recall_3"] for row in good_rows(cell, rows)[0])
            colour = _PAPER if cell.variant else _OURS
            axis.barh(at, mean, xerr=None if np.isnan(std) else std, color=colour, capsize=2)
            axis.text(1, at, f"{mean:.1f}", va="center", fontsize=8)
            if not cell.variant:
                axis.axvline(mean, color=_OURS, linewidth=1)
        axis.set_yticks(range(len(shown)), [cell.variant or "as in its table" for cell in shown], fontsize=8)
        axis.invert_yaxis()
        axis.set(xlim=(0, 103), xlabel="recall at FPR 3 %, %", title=cls)
    return figure


def _unique(values: Any) -> list[str]:
    return list(dict.fromkeys(values))


_DRAWN = {"mnist-ocln": _bars, "noisy-sine": _sine, "audio-ocln": _bars, "ablation": _ablation}
