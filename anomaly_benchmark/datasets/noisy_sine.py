"""Figure 1 c and d: a sine wave in two coordinates, eight more of noise, and a few far negatives to learn from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from anomaly_benchmark.datasets.base import Dataset, Part

POINTS, NOISE_COORDINATES = 1024, 8
DISPLACEMENTS = (0.2, 0.4, 0.6, 0.8, 1.0, 2.0)  # Table 7's, both ways
FAR = (2.0, 3.0)  # how far up or down the given negatives are
GRID_X, GRID_Y = np.linspace(0, 10, 61), np.linspace(-3.5, 3.5, 43)


def load(cls: str, options: Mapping[str, object], folder: Path, seed: int) -> Dataset:
    """``options``: negatives, the number of far ones in training (default 128). x is (N, 10).

    The paper gives no negatives for this figure; here they are the wave shifted by 2 to 3 up or down. Test negatives
    are the wave shifted by 0.2 to 2, so all but the last are closer than any that training saw.
    """
    del cls, folder
    rng = np.random.default_rng([seed, 2])
    negatives = int(str(options.get("negatives", 128)))

    def far(count: int) -> np.ndarray:
        return wave(count, rng, rng.uniform(*FAR, count))

    def judged(points: int) -> Part:
        shifted = {f"{d:g}".replace(".", "_"): wave(points, rng, np.full(points, d)) for d in DISPLACEMENTS}
        return Part.of(normal=wave(points, rng), **shifted)

    train = Part.of(normal=wave(POINTS, rng), far=far(negatives))
    return Dataset(train, judged(POINTS // 2), judged(POINTS), probe())


def wave(points: int, rng: np.random.Generator, shift: np.ndarray | None = None) -> np.ndarray:
    """``points`` of the wave y = sin x, and eight coordinates of N(0, 1); ``shift`` (points,) goes up or down."""
    plane = sine(points, rng, shift)
    return scaled(np.column_stack([plane, rng.standard_normal((points, NOISE_COORDINATES))]))


def sine(points: int, rng: np.random.Generator, shift: np.ndarray | None = None) -> np.ndarray:
    """(points, 2): x uniform in [0, 10) and y = sin x, with ``shift`` (points,) up or down at random."""
    x = rng.uniform(0, 10, points)
    y = np.sin(x)
    if shift is not None:
        y = y + shift * rng.choice((-1.0, 1.0), points)
    return np.column_stack([x, y])


def scaled(points: np.ndarray) -> np.ndarray:
    """x to about N(0, 1); y keeps its scale, because the displacements are in its units."""
    moved = points.copy()
    moved[:, 0] = (moved[:, 0] - 5.0) / 2.9
    return moved.astype(np.float32)


def probe() -> np.ndarray:
    """The plane of the wave on a grid (61 x 43 points, x fastest), the other coordinates 0."""
    x, y = np.meshgrid(GRID_X, GRID_Y)
    return scaled(np.column_stack([x.ravel(), y.ravel(), np.zeros((x.size, NOISE_COORDINATES))]))
