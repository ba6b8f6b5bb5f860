"""Figures of data that lie in a plane: the points, AUC by how far the negatives are, each method's boundary."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from anomaly_benchmark.cell import Cell
from anomaly_benchmark.datasets import noisy_sine, sine, sphere
from anomaly_benchmark.results import Row
from anomaly_benchmark.tables import good_rows, mean_std

COLUMNS = 5
_COLOURS = {
    "bce": "#8a8a8a", "deep-sad": "#d29b3f", "drocc": "#7fb069", "drocc-oe": "#6aa6d6", "drocc-lf": "#b03a48",
    "nearest-neighbour": "#3b3b3b", "knn": "#3b3b3b", "oc-svm": "#8a8a8a", "oc-svm-poly": "#b9b9b9",
    "isolation-forest": "#8c6d31", "lof": "#e7ba52", "ae": "#9ecae1", "e2e-ae": "#4292c6", "lstm-ae": "#9ecae1",
    "dcn": "#2b4f81", "dagmm": "#756bb1", "rebm": "#c994c7", "deep-svdd": "#d94801", "deep-svdd-soft": "#fdae6b",
    "goad": "#5ab4ac", "drocc-rand": "#c7e9c0",
}  # fmt: skip


def colour(method: str) -> str:
    """A method's colour, the same in every figure."""
    return _COLOURS[method]


@dataclass(frozen=True)
class Plane:
    """grid_x (W,) and grid_y (H,): of the probe; distances: of the negatives, whose AUC is auc_<distance>.

    outline draws the normals on an axis; points draws normals and negatives, None = no such panel.
    """

    grid_x: np.ndarray
    grid_y: np.ndarray
    distances: Sequence[float]
    label: str
    outline: Callable[[Any], object]
    points: Callable[[Any], object] | None = None


def draw_plane(found: list[Cell], rows: dict[str, Row], plane: Plane) -> Any:
    """The figure: seed 0 for the boundaries, all seeds for the AUC."""
    panels = len(found) + 1 + (plane.points is not None)
    columns = min(COLUMNS, panels)
    lines = math.ceil(panels / columns)
    figure, grid = plt.subplots(
        lines, columns, figsize=(3.4 * columns, 3.1 * lines), layout="constrained", squeeze=False
    )
    axes = list(grid.ravel())
    for axis in axes[panels:]:
        axis.axis("off")
    if plane.points is not None:
        plane.points(axes[0])
        axes = axes[1:]
    _curves(axes[0], found, rows, plane)
    for axis, cell in zip(axes[1:], found, strict=False):
        probed = next((row for row in good_rows(cell, rows)[0] if "probe" in row), None)
        axis.set_title(cell.method, fontsize=9)
        if probed is not None:
            _boundary(axis, probed, plane)
    return figure


def _curves(axis: Any, found: list[Cell], rows: dict[str, Row], plane: Plane) -> None:
    for cell in found:
        of = [[row["metrics"][f"auc_{d:g}"] for row in good_rows(cell, rows)[0]] for d in plane.distances]
        means, stds = zip(*(mean_std(values) for values in of), strict=True)
        look = {"label": cell.method, "color": colour(cell.method)}
        axis.errorbar(plane.distances, means, yerr=np.nan_to_num(stds), marker="o", markersize=3, **look)
    axis.set(xlabel=plane.label, ylabel="AUC, %", ylim=(45, 101))
    axis.legend(fontsize=6, ncols=2 if len(found) > 6 else 1)


def _boundary(axis: Any, row: Row, plane: Plane) -> None:
    """The rank of the score over the plane, red low and blue high, and the line that 95 % of the normals are inside."""
    scores = np.reshape(row["probe"], (len(plane.grid_y), len(plane.grid_x)))
    ranks = np.argsort(np.argsort(scores.ravel())).reshape(scores.shape) / scores.size  # scores differ in scale
    axis.pcolormesh(plane.grid_x, plane.grid_y, ranks, cmap="RdBu", shading="nearest", vmin=0, vmax=1)
    cut = row.get("probe_cut")
    if cut is not None and scores.min() < cut < scores.max():
        axis.contour(
            plane.grid_x, plane.grid_y, scores, levels=[cut], colors="#ffd400", linewidths=1.2, linestyles="solid"
        )
    plane.outline(axis)


def _wave(axis: Any, shift: float = 0.0, **look: Any) -> None:
    x = np.linspace(0, 10, 201)
    axis.plot(x, np.sin(x) + shift, **({"color": "black", "linewidth": 1.2} | look))


def _circle(axis: Any, radius: float = 1.0, **look: Any) -> None:
    turn = np.linspace(0, 2 * np.pi, 121)
    axis.plot(radius * np.cos(turn), radius * np.sin(turn), **({"color": "black", "linewidth": 1.2} | look))
    axis.set_aspect("equal")


def _displaced(axis: Any) -> None:
    """Figure 6: training points, and where the negatives of each displacement lie."""
    normal = sine.load("", {}, Path(), 0).train.x
    for d in noisy_sine.DISPLACEMENTS:
        for sign in (-1, 1):
            _wave(axis, sign * d, color="#b03a48", alpha=0.3 + 0.1 * (d < 1), linewidth=0.8)
    axis.scatter(normal[:, 0] + 5, normal[:, 1], s=2, color="#2b6ca3")
    axis.set_title("training points; displaced waves", fontsize=9)


def _spheres(axis: Any) -> None:
    """Figure 4: training points near the plane z = 0, and the spheres of the negatives."""
    normal = sphere.load("", {}, Path(), 0).train.x
    near = np.abs(normal[:, 2]) < 0.2
    axis.scatter(normal[near, 0], normal[near, 1], s=2, color="#2b6ca3")
    for radius in sphere.RADII:
        _circle(axis, radius, color="#b03a48", alpha=0.5, linewidth=0.8)
    axis.set_title("training points with |z| < 0.2; spheres", fontsize=9)


_DISPLACEMENT = "displacement of the wave"
NOISY_SINE = Plane(noisy_sine.GRID_X, noisy_sine.GRID_Y, noisy_sine.DISPLACEMENTS, _DISPLACEMENT, _wave)
SINE = Plane(sine.GRID_X, sine.GRID_Y, noisy_sine.DISPLACEMENTS, _DISPLACEMENT, _wave, _displaced)
SPHERE = Plane(sphere.GRID, sphere.GRID, sphere.RADII, "radius of the sphere", _circle, _spheres)
