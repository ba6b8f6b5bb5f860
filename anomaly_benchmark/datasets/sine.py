"""Table 7 and figures 1, 5 and 6: points of a sine wave in the plane; test negatives are the wave displaced."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from anomaly_benchmark.datasets.base import Dataset, Part
from anomaly_benchmark.datasets.noisy_sine import DISPLACEMENTS, POINTS, sine

GRID_X, GRID_Y = np.linspace(0, 10, 81), np.linspace(-2.5, 2.5, 61)


def load(cls: str, options: Mapping[str, object], folder: Path, seed: int) -> Dataset:
    """x is (N, 2), the wave y = sin x over 0 to 10, moved so that x is around 0; units are the displacements'.

    The paper gives neither the length nor the scale of its wave.
    """
    del cls, options, folder
    rng = np.random.default_rng([seed, 7])

    def judged(points: int) -> Part:
        shifted = {f"{d:g}".replace(".", "_"): centred(sine(points, rng, np.full(points, d))) for d in DISPLACEMENTS}
        return Part.of(normal=centred(sine(points, rng)), **shifted)

    train = Part.of(normal=centred(sine(POINTS, rng)))
    return Dataset(train, judged(POINTS // 2), judged(POINTS), probe())


def centred(points: np.ndarray) -> np.ndarray:
    """The middle of the wave to x = 0."""
    return points - np.array([5.0, 0.0])


def probe() -> np.ndarray:
    """The plane on a grid (81 x 61 points, x fastest)."""
    x, y = np.meshgrid(GRID_X, GRID_Y)
    return centred(np.column_stack([x.ravel(), y.ravel()])).astype(np.float32)
