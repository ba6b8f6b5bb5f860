"""Table 3: the Epileptic Seizure data of UCI (Andrzejak et al., 2001): one second of EEG is 178 steps.

Class 1 is a seizure, 2 to 5 are none and normal. 500 recordings were cut into 23 chunks each and shuffled, so a split
by chunk has the neighbours of its test chunks in training; a split by recording has not.
"""

from __future__ import annotations

import csv
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile

import numpy as np

from anomaly_benchmark.datasets.base import Dataset, Part
from anomaly_benchmark.datasets.originals import in_folder
from wakeword.errors import DataError

STEPS, SEIZURE = 178, 1
EPSILON = 1e-4
NAMES = ("epileptic_seizure.npz", "epileptic_seizure.csv", "data.csv")
WHERE = "UCI no longer gives the file out; put a copy of its data.csv there"


class Recorded(NamedTuple):
    """x float64 (N, 178), y int (N,) 1 to 5, recording (N,): what a chunk was cut from."""

    x: np.ndarray
    y: np.ndarray
    recording: np.ndarray


def load(cls: str, options: Mapping[str, object], folder: Path, seed: int) -> Dataset:
    """``options``: split, "chunk" (as published) or "recording"; most, normals to train with at most, and
    judged, normals and seizures each to validate and to test with at most (0 = all).

    x is (N, 178, 1), each step z-scored by train. As many normals as seizures judge, the other normals train; what
    judges is halved into validation and test, whose recordings also differ when the split is by recording. The seed
    draws it. Raises DataError for a missing or damaged file.
    """
    del cls
    by = str(options.get("split", "chunk"))
    most, judging = (int(str(options.get(name, 0))) or None for name in ("most", "judged"))
    if by not in ("chunk", "recording"):
        raise DataError(f'the split is by "chunk" or by "recording", not by {by!r}')
    found = read(folder)
    units = found.recording if by == "recording" else np.arange(len(found.y))
    rng = np.random.default_rng([seed, 13])
    rows = divided(units, found.y == SEIZURE, rng)
    train = found.x[rows["train"]]
    mean, std = train.mean(axis=0), train.std(axis=0) + EPSILON

    def scaled(rows: np.ndarray) -> np.ndarray:
        return ((found.x[rows] - mean) / std)[:, :, None]

    def judged(name: str) -> Part:
        return Part.of(normal=scaled(rows[name][:judging]), seizure=scaled(rows[f"{name} seizure"][:judging]))

    return Dataset(Part.of(normal=scaled(rows["train"][:most])), judged("validation"), judged("test"))


def divided(units: np.ndarray, seizure: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Row numbers of each part, in random order; rows of one unit stay on one side."""
    normal, abnormal = (rng.permutation(np.unique(units[which])) for which in (~seizure, seizure))
    half, judging = len(abnormal) // 2, len(abnormal)
    sides = {
        "validation": normal[:half], "test": normal[half:judging], "train": normal[judging:],
        "validation seizure": abnormal[:half], "test seizure": abnormal[half:],
    }  # fmt: skip
    return {name: rng.permutation(np.flatnonzero(np.isin(units, side))) for name, side in sides.items()}


def read(folder: Path) -> Recorded:
    """From the .npz of this suite's data or from UCI's own data.csv."""
    path = in_folder(folder, NAMES, WHERE)
    try:
        found = _npz(path) if path.suffix == ".npz" else _uci(path)
    except (OSError, KeyError, ValueError, IndexError, EOFError, BadZipFile, struct.error) as error:
        raise DataError(f"{path} is damaged or no file of epileptic seizures: replace it") from error
    if found.x.shape[1:] != (STEPS,) or not set(np.unique(found.y)) <= {1, 2, 3, 4, 5} or len(set(found.y)) < 2:
        raise DataError(f"{path} is damaged or no file of epileptic seizures: replace it")
    return found


def _npz(path: Path) -> Recorded:
    with np.load(path, allow_pickle=False) as found:
        y = found["y"].astype(int)
        return Recorded(found["X"].astype(np.float64), y, found["recording"] + 1000 * y)  # each class counts its own


def _uci(path: Path) -> Recorded:
    """A header, then lines "X21.V1.791", X1 to X178, y; what follows the chunk's number names the recording."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if row][1:]
    x = np.array([[float(value) for value in row[1 : STEPS + 1]] for row in rows])
    y = np.array([int(row[STEPS + 1]) for row in rows])
    named = np.array([re.sub(r"^X\d+\.", "", row[0]) for row in rows])
    return Recorded(x, y, np.unique(named, return_inverse=True)[1])
