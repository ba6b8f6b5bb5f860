"""Figures from the rows: bars beside the paper's, and decision boundaries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from anomaly_benchmark import results
from anomaly_benchmark.cells import TABLES, Cell, cells
from anomaly_benchmark.paper import published
from anomaly_benchmark.planes import NOISY_SINE, SINE, SPHERE, colour, draw_plane
from anomaly_benchmark.results import Row
from anomaly_benchmark.tables import chooses, chosen, good_rows, mean_std
from wakeword.errors import DataError

REFERENCES = ("random", "oracle")
_OURS, _PAPER = "#2b6ca3", "#c9c9c9"
_MOST_BARS = 48  # beside each other


def draw(name: str, budget: str, folder: Path) -> Path:
    """Draw the figure of a table beside its rows, and return its path. Raises DataError when there are no rows yet."""
    rows = results.read(folder / f"{name}.jsonl")
    found = [cell for cell in cells(name, budget) if cell.method not in REFERENCES and good_rows(cell, rows)[0]]
    if not found:
        raise DataError(f"{folder} has no {budget} rows of {name}: make them with  run {name} --budget {budget}")
    if chooses(name):  # of settings without a choice yet the first is drawn
        found = list({(cell.cls, cell.method): cell for cell in reversed(chosen(found, rows))}.values())[::-1]
    figure = _DRAWN[name](found, rows)
    figure.suptitle(TABLES[name].title, fontsize=11)
    path = folder / f"{name}{'' if budget == 'small' else '.' + budget}.png"
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)
    return path


@dataclass(frozen=True)
class Panel:
    """A panel of bars: one metric, of the cells of one variant ("" = of all)."""

    title: str
    metric: str
    variant: str = ""
    lowest: float = 0.0


_RECALL = tuple(Panel(f"threshold at FPR {fpr} % of the test negatives", f"recall_{fpr}") for fpr in (3, 5))
_F1 = tuple(
    Panel(f"protocol {letter}: {what}", "f1", f"protocol {letter}")
    for letter, what in (("a", "F1 of normals, lowest 20 % cut"), ("b", "F1 of anomalies, cut at their number"))
)


def _bars(found: list[Cell], rows: dict[str, Row], panels: tuple[Panel, ...], label: str) -> Any:
    """Groups of classes, bars of methods, the paper's value as a line across its bar; panels, and groups for which
    there is no room, go below each other."""
    methods = _unique(cell.method for cell in found)
    groups = max(len(_unique(_group(cell, panel) for cell in found)) for panel in panels)
    lines = -(-groups * len(methods) // _MOST_BARS)
    across = -(-groups // lines)
    width = max(9.0, 1.6 + min(0.45, 0.3 + 0.6 / len(methods)) * across * len(methods))
    figure, grid = plt.subplots(
        lines * len(panels), 1, figsize=(width, 0.5 + 3.5 * lines * len(panels)), layout="constrained", squeeze=False
    )
    axes = iter(grid[:, 0])
    for panel in panels:
        shown = [cell for cell in found if panel.variant in ("", cell.variant)]
        classes = _unique(_group(cell, panel) for cell in shown)
        for line in range(lines):
            axis, here = next(axes), classes[line * across : (line + 1) * across]
            for cell in shown:
                if (group := _group(cell, panel)) in here:
                    aside = (methods.index(cell.method) - (len(methods) - 1) / 2) * 0.8 / len(methods)
                    values = [row["metrics"][panel.metric] for row in good_rows(cell, rows)[0]]
                    _bar(axis, cell, values, here.index(group) + aside, panel, len(methods))
            axis.set_title(panel.title if not line else "", fontsize=9)
            axis.set_xticks(range(len(here)), here)
            axis.set_xlim(-0.6, across - 0.4)
            axis.set_ylim(panel.lowest, 105)
            axis.set_ylabel(label)
            axis.grid(axis="y", alpha=0.3)
    _method_legend(
        figure, methods, any(published(c.table, c.cls, c.method, panels[0].metric) is not None for c in found)
    )
    return figure


def _group(cell: Cell, panel: Panel) -> str:
    return cell.cls if panel.variant or chooses(cell.table) else f"{cell.cls}\n{cell.variant}".strip()


def _bar(axis: Any, cell: Cell, values: list[float], place: float, panel: Panel, methods: int) -> None:
    mean, std = mean_std(values)
    bar = {"width": 0.7 / methods, "color": colour(cell.method)}
    axis.bar(place, mean, yerr=None if np.isnan(std) else std, capsize=2, **bar)
    paper = published(cell.table, cell.cls, cell.method, panel.metric)
    if paper is not None:
        axis.plot([place - 0.4 / methods, place + 0.4 / methods], [paper, paper], color="black", linewidth=1.5)


def _method_legend(figure: Any, methods: list[str], with_paper: bool) -> None:
    handles: list[Any] = [plt.Rectangle((0, 0), 1, 1, color=colour(method)) for method in methods]
    labels = list(methods)
    if with_paper:
        handles.append(plt.Line2D([], [], color="black"))
        labels.append("paper")
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 9), fontsize=9)


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


_DRAWN: dict[str, Callable[[list[Cell], dict[str, Row]], Any]] = {
    "mnist-ocln": partial(_bars, panels=_RECALL, label="recall, %"),
    "noisy-sine": partial(draw_plane, plane=NOISY_SINE),
    "audio-ocln": partial(_bars, panels=_RECALL, label="recall, %"),
    "ablation": _ablation,
    "sine": partial(draw_plane, plane=SINE),
    "sphere": partial(draw_plane, plane=SPHERE),
    "tabular": partial(_bars, panels=_F1, label="F1, %"),
    "time-series": partial(_bars, panels=(Panel("", "auc", lowest=30.0),), label="AUC, %"),
}
