"""MNIST 0 against 1; validation and test also hold zeros with half of their pixels masked (section 5 of the paper)."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from anomaly_benchmark.datasets.base import Dataset, Part
from anomaly_benchmark.datasets.originals import find, present
from wakeword.errors import DataError

MEAN, STD = 0.1307, 0.3081  # of all of MNIST, as the released code standardises
HELD_OUT = 0.15  # of the training images validate


def load(cls: str, options: Mapping[str, object], folder: Path, seed: int) -> Dataset:
    """Zeros are normal, ones negatives; ``options``: positives, negatives (at most, to train), masked (share).

    The half zeros of a part are masked copies of that part's own zeros; masked pixels are black. x is (N, 1, 28, 28).
    The digits come from mnist_01.npz (x_train, y_train, x_test, y_test; zeros and ones alone) in ``folder``/benchmark/
    or ``folder`` or, where there is none, from the four files MNIST is published as, which are fetched if need be.
    """
    del cls
    ours = present(folder, ("mnist_01.npz",))
    digits = _read(ours) if ours else published(folder)
    rng = np.random.default_rng(0)  # the split is the same for every seed
    images, labels = digits["x_train"], digits["y_train"]
    zeros, ones = (images[labels == digit] for digit in (0, 1))
    zeros, ones = (part[rng.permutation(len(part))] for part in (zeros, ones))
    held_zeros, held_ones = (round(HELD_OUT * len(part)) for part in (zeros, ones))
    most_zeros, most_ones = (int(str(options.get(key, 10**9))) for key in ("positives", "negatives"))
    masked = float(str(options.get("masked", 0.5)))
    test_zeros, test_ones = (digits["x_test"][digits["y_test"] == digit] for digit in (0, 1))
    masks = np.random.default_rng([seed, 1])

    def judged(normal: np.ndarray, far: np.ndarray) -> Part:
        return Part.of(normal=_scaled(normal), far=_scaled(far), close=_scaled(mask_pixels(normal, masked, masks)))

    return Dataset(
        train=Part.of(
            normal=_scaled(zeros[held_zeros:][:most_zeros]),
            far=_scaled(ones[held_ones:][:most_ones]),
        ),
        validation=judged(zeros[:held_zeros], ones[:held_ones]),
        test=judged(test_zeros, test_ones),
    )


def mask_pixels(images: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Images (N, 28, 28) with exactly ``share`` of each one's pixels black, at random places."""
    flat = images.reshape(len(images), -1).copy()
    for row in flat:
        row[rng.permutation(len(row))[: round(share * len(row))]] = 0
    return flat.reshape(images.shape)


def _scaled(images: np.ndarray) -> np.ndarray:
    return ((images[:, None].astype(np.float32) / 255) - MEAN) / STD


def published(folder: Path) -> dict[str, np.ndarray]:
    """Zeros and ones of the published files, in their order. Raises DownloadError or DataError."""
    found: dict[str, np.ndarray] = {}
    for part, prefix in (("train", "train"), ("test", "t10k")):
        labels = read_idx(find(f"mnist {prefix}-labels-idx1-ubyte.gz", folder))
        images = read_idx(find(f"mnist {prefix}-images-idx3-ubyte.gz", folder))
        if images.shape != (len(labels), 28, 28) or labels.ndim != 1:
            raise DataError(f"MNIST's {prefix} files do not fit each other: remove them, and they are fetched anew")
        found[f"x_{part}"], found[f"y_{part}"] = images[labels < 2], labels[labels < 2]
    return found


def read_idx(path: Path) -> np.ndarray:
    """uint8 of a gzipped IDX file: a magic number that ends with the number of axes, their lengths, and the values."""
    try:
        data = gzip.decompress(path.read_bytes())
        _, kind, axes = struct.unpack(">HBB", data[:4])
        shape = struct.unpack(f">{axes}I", data[4 : 4 + 4 * axes])
        if kind != 8 or len(data) != 4 + 4 * axes + math.prod(shape):
            raise ValueError("no array of bytes, or not all of it")
    except (OSError, EOFError, ValueError, zlib.error, struct.error) as error:
        raise DataError(f"{path} is damaged or no file of MNIST: remove it, and it is fetched anew") from error
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as found:
            return {name: found[name] for name in ("x_train", "y_train", "x_test", "y_test")}
    except (OSError, KeyError, ValueError, EOFError, BadZipFile, struct.error) as error:
        raise DataError(f"{path} is damaged or no MNIST file of this suite: replace it") from error
