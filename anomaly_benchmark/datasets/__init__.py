"""Data sets as three parts, train, validation and test, by name."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

from anomaly_benchmark.datasets.base import Dataset, Part
from wakeword.errors import DataError

#: name -> (module, whether the seed draws something); a module's ``load(cls, options, folder, seed)`` returns a Dataset
DATASETS: dict[str, tuple[str, bool]] = {
    "mnist-half-zeros": ("mnist", True),  # digit 0 against 1; half-masked zeros only in validation and test
    "noisy-sine": ("noisy_sine", True),  # a sine wave in 2 of 10 coordinates; far negatives to learn from
    "sine": ("sine", True),  # the wave alone, in the plane
    "sphere": ("sphere", True),  # the unit ball
    "tabular": ("tabular", True),  # Thyroid, Arrhythmia, Abalone
    "epileptic-seizure": ("epileptic", True),  # seconds of EEG; a seizure is abnormal
    "audio-commands": ("audio_commands", False),  # a word of Speech Commands against all other words
    "keyword": ("keyword", False),  # a word of Speech Commands against other words and words that sound close
}


def load(name: str, cls: str, options: Mapping[str, object], folder: Path, seed: int) -> Dataset:
    """The data set ``name`` for the class ``cls``; ``folder`` holds benchmark/ and audio/.

    The seed draws what is synthetic (points, masks); recorded data are split the same for every seed. Raises DataError
    when the files are missing or damaged.
    """
    loader: Callable[[str, Mapping[str, object], Path, int], Dataset] = _module(name).load
    return loader(cls, options, folder, seed)


def preparer(name: str) -> Callable[[str, Mapping[str, object], Path, int | None], None] | None:
    """The function that speaks what ``load`` will find in the cache; None where a data set has no speech.

    It takes load's arguments, but for the seed the number of processes (None: one a core).
    """
    return getattr(_module(name), "prepare", None)


def _module(name: str) -> ModuleType:
    if name not in DATASETS:
        raise DataError(f"there is no data set {name!r}; choose {', '.join(DATASETS)}")
    return importlib.import_module(f"anomaly_benchmark.datasets.{DATASETS[name][0]}")


__all__ = ["DATASETS", "Dataset", "Part", "load", "preparer"]
