"""Table 6 and figure 4: points of the unit ball; test negatives lie on larger spheres."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from anomaly_benchmark.datasets.base import Dataset, Part

POINTS, DIMENSIONS = 1024, 3
RADII = (1.2, 1.4, 1.6, 1.8, 2.0)
GRID = np.linspace(-2.2, 2.2, 61)


def load(cls: str, options: Mapping[str, object], folder: Path, seed: int) -> Dataset:
    """x is (N, 3), uniform in the unit ball; the paper does not give the number of dimensions."""
    del cls, options, folder
    rng = np.random.default_rng([seed, 8])

    def judged(points: int) -> Part:
        spheres = {f"{r:g}".replace(".", "_"): r * directions(points, rng) for r in RADII}
        return Part.of(normal=ball(points, rng), **spheres)

    return Dataset(Part.of(normal=ball(POINTS, rng)), judged(POINTS // 2), judged(POINTS), probe())


def directions(points: int, rng: np.random.Generator) -> np.ndarray:
    """Uniform on the unit sphere, (points, 3)."""
    x = rng.standard_normal((points, DIMENSIONS))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def ball(points: int, rng: np.random.Generator) -> np.ndarray:
    """Uniform in the unit ball, (points, 3)."""
    return directions(points, rng) * rng.uniform(0, 1, (points, 1)) ** (1 / DIMENSIONS)


def probe() -> np.ndarray:
    """The plane z = 0 on a grid (61 x 61 points, x fastest)."""
    x, y = np.meshgrid(GRID, GRID)
    return np.column_stack([x.ravel(), y.ravel(), np.zeros(x.size)]).astype(np.float32)
