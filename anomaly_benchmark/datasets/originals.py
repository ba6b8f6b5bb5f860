"""Files of public data sets: from the user's folder, or fetched once from where they are published."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from close_negatives.cache import cache_folder
from training.fetch import download_file
from wakeword.errors import DataError

MAX_BYTES = 50_000_000


@dataclass(frozen=True)
class Original:
    """A published file: its name in a folder, where it is, and its SHA-256 (hexadecimal)."""

    name: str
    url: str
    sha256: str


ORIGINALS = {
    "thyroid": Original(
        "thyroid.mat",
        "https://www.dropbox.com/s/bih0e15a0fukftb/thyroid.mat?dl=1",
        "49155d7861b977e90808faf68343ff67a67f63090c2744d514dbb67ac68e7e33",
    ),
    "arrhythmia": Original(
        "arrhythmia.mat",
        "https://www.dropbox.com/s/lmlwuspn1sey48r/arrhythmia.mat?dl=1",
        "e4d47e499591ae31e5d7f0cd983367092353eac240f48e14c9b36457edb3460d",
    ),
    "abalone": Original(
        "abalone.data",
        "https://archive.ics.uci.edu/ml/machine-learning-databases/abalone/abalone.data",
        "de37cdcdcaaa50c309d514f248f7c2302a5f1f88c168905eba23fe2fbc78449f",
    ),
}

#: torchvision's mirror; the author's own page asks for a password
_MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist/"
ORIGINALS |= {
    f"mnist {name}": Original(name, _MNIST + name, sha256)
    for name, sha256 in {
        "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    }.items()
}


def find(name: str, folder: Path) -> Path:
    """The file of a data set: in ``folder``/benchmark/ or ``folder``, else in the cache, else fetched into it.

    Raises DownloadError when it is nowhere and cannot be fetched, or what came has another checksum.
    """
    original = ORIGINALS[name]
    return present(folder, (original.name,)) or download_file(
        cache_folder() / "originals" / original.name, original.url, original.sha256, MAX_BYTES
    )


def in_folder(folder: Path, names: tuple[str, ...], where: str) -> Path:
    """The first of these files in ``folder``/benchmark/ or ``folder``; ``where`` tells the user who has one.

    Raises DataError when there is none.
    """
    if found := present(folder, names):
        return found
    raise DataError(f"there is no {' or '.join(names)} in {folder / 'benchmark'}: {where}")


def present(folder: Path, names: tuple[str, ...]) -> Path | None:
    """The first of these files that is in ``folder``/benchmark/ or ``folder``."""
    places = (place for name in names for place in (folder / "benchmark" / name, folder / name))
    return next((place for place in places if place.is_file()), None)
