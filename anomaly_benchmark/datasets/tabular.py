"""Table 2: Thyroid and Arrhythmia of ODDS, Abalone of UCI, by two protocols.

a  all anomalies and as many random normals judge, the other normals train (the released code of DROCC)
b  half of the normals train, the others and all anomalies judge (the protocol of DAGMM's and GOAD's papers)

What judges is halved at random: one half validates and chooses epochs, settings and thresholds, the other half tests.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from anomaly_benchmark.datasets.base import Dataset, Part
from anomaly_benchmark.datasets.originals import find
from wakeword.errors import DataError

EPSILON = 1e-4  # on the std: Arrhythmia has constant columns
NORMAL_RINGS, ABNORMAL_RINGS = (8, 9, 10), (3, 21)
SEXES = {"M": 0.0, "F": 1.0, "I": 2.0}


def load(cls: str, options: Mapping[str, object], folder: Path, seed: int) -> Dataset:
    """``cls``: thyroid, arrhythmia or abalone; ``options``: protocol, "a" or "b"; scaled. x is (N, d).

    Each column is z-scored by train, or left as the file has it where ``scaled`` is False: so the baselines of other
    papers seem to have been given it. The seed draws the split. Raises DataError for a damaged file, DownloadError
    where one cannot be fetched.
    """
    normal, abnormal = read(cls, folder)
    rng = np.random.default_rng([seed, 11])
    return split(normal, abnormal, str(options.get("protocol", "a")), rng, bool(options.get("scaled", True)))


def read(cls: str, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Normals and anomalies of a data set, float64 (N, d) each."""
    if cls not in ("thyroid", "arrhythmia", "abalone"):
        raise DataError(f"there is no tabular data set {cls!r}; choose thyroid, arrhythmia or abalone")
    path = find(cls, folder)
    try:
        x, y = _abalone(path) if cls == "abalone" else _odds(path)
    except Exception as error:  # loadmat has many ways to fail on what is no such file
        raise DataError(f"{path} is damaged or no {cls} file: replace it") from error
    normal, abnormal = x[y == 0], x[y == 1]
    if x.ndim != 2 or not np.isfinite(x).all() or min(len(normal), len(abnormal)) < 4:
        raise DataError(f"{path} is damaged or no {cls} file: replace it")
    return normal, abnormal


def _odds(path: Path) -> tuple[np.ndarray, np.ndarray]:
    found = loadmat(path)
    return np.asarray(found["X"], dtype=np.float64), np.asarray(found["y"]).ravel().astype(int)


def _abalone(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if row]
    x = np.array([[SEXES[row[0]], *map(float, row[1:8])] for row in rows])
    rings = np.array([int(row[8]) for row in rows])
    kept = np.isin(rings, NORMAL_RINGS + ABNORMAL_RINGS)
    return x[kept], np.isin(rings[kept], ABNORMAL_RINGS).astype(int)


def split(
    normal: np.ndarray, abnormal: np.ndarray, protocol: str, rng: np.random.Generator, scaled: bool = True
) -> Dataset:
    """Train, validation and test by a protocol; see the module. Raises DataError for a protocol there is none of."""
    if protocol not in ("a", "b"):
        raise DataError(f'there is no protocol {protocol!r}; choose "a" or "b"')
    normal, abnormal = rng.permutation(normal), rng.permutation(abnormal)
    judging = len(abnormal) if protocol == "a" else len(normal) - len(normal) // 2
    train = normal[judging:]
    mean, std = (train.mean(axis=0), train.std(axis=0) + EPSILON) if scaled else (np.zeros(1), np.ones(1))
    validation, test = (
        Part.of(normal=(some - mean) / std, anomaly=(bad - mean) / std)
        for some, bad in zip(_halves(normal[:judging]), _halves(abnormal), strict=True)
    )
    return Dataset(Part.of(normal=(train - mean) / std), validation, test)


def _halves(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The smaller half, which validates, and the other."""
    return rows[: len(rows) // 2], rows[len(rows) // 2 :]
