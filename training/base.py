"""A base: an LSTM that has learnt the sounds of English, from which the training of a keyword starts.

A file of a base is an .npz of plain arrays and a JSON card, without pickle, as a model file is.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import torch

from training.network import KeywordLSTM
from training.sounds import SYMBOLS
from wakeword.errors import ModelFileError, TrainingError
from wakeword.features import FeatureSpec
from wakeword.files import write_atomically

_FORMAT = "wakeword-base"
_VERSION = 1
_ARRAYS = ("mean", "std", "weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
_NAMING = ("names_weight", "names_bias")  # which "english" has not


@dataclass(frozen=True)
class Base:
    """The weights of the LSTM under torch's names, float32, and the standardisation its input had.

    mean, std     float32 (n_cepstra,); the network that starts from a base keeps them
    names_weight  (symbols, units), and names_bias (symbols,): the layer that names the sound of each frame from the
                  LSTM's states; the bases of the kind "english" have none
    card          JSON: how it was made, from what data, with which figures
    """

    arrays: dict[str, np.ndarray]
    card: dict[str, Any]

    @property
    def units(self) -> int:
        """Hidden units H."""
        return int(self.arrays["weight_hh_l0"].shape[1])

    @property
    def standard(self) -> tuple[np.ndarray, np.ndarray]:
        """(mean, std)."""
        return self.arrays["mean"], self.arrays["std"]

    @property
    def names_sounds(self) -> bool:
        """Whether it has the layer that names the sound of each frame."""
        return all(name in self.arrays for name in _NAMING)

    def copy_into(self, network: KeywordLSTM) -> None:
        """Give a network of as many units this LSTM; the rest of it stays as it is."""
        state = {name: torch.from_numpy(self.arrays[name].copy()) for name in _ARRAYS[2:]}
        network.lstm.load_state_dict(state)

    def save(self, path: Path) -> None:
        """Write the file whole or not at all."""
        card = {"format": _FORMAT, "format_version": _VERSION, **self.card}
        out = io.BytesIO()
        text = np.frombuffer(json.dumps(card, sort_keys=True).encode(), np.uint8)
        np.savez_compressed(out, card=text, **self.arrays)  # type: ignore[arg-type]
        write_atomically(path, out.getvalue())


def read_base(path: Path) -> Base:
    """Raises ModelFileError, in one sentence, where the file is none or a damaged one."""
    try:
        if path.exists() and not zipfile.is_zipfile(path):  # numpy would advise to unpickle it
            raise ValueError("it is not what `wakeword pretrain` writes")
        with np.load(path, allow_pickle=False) as archive:
            card = json.loads(archive["card"].tobytes())
            naming = _NAMING if _NAMING[0] in archive else ()
            arrays = {name: archive[name] for name in (*_ARRAYS, *naming)}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ModelFileError(f"{path} is no usable base of a network: {error}") from error
    if card.get("format") != _FORMAT or card.get("format_version") != _VERSION:
        raise ModelFileError(f"{path} is no base of a network that this version can read")
    width, units = FeatureSpec().n_cepstra, arrays["weight_hh_l0"].shape[-1]
    shapes = [(width,), (width,), (4 * units, width), (4 * units, units), (4 * units,), (4 * units,)]
    shapes += [(len(SYMBOLS), units), (len(SYMBOLS),)][: len(arrays) - len(shapes)]
    for (name, array), shape in zip(arrays.items(), shapes, strict=True):
        if array.shape != shape or array.dtype != np.float32 or not np.isfinite(array).all():
            raise ModelFileError(f"{path} is damaged: {name} is not {shape} finite float32 numbers")
    return Base(arrays, card)


@lru_cache(maxsize=4)
def find_base(name: str, units: int, must_name: bool = False) -> Base | None:
    """A file's base, or the bundled one of that kind and so many units: None where none of that size is bundled.

    name: a path that ends in .npz, as `wakeword pretrain` writes it; or "sounds", which named frames as they were
    heard, or "english", which named whole words (see bases/DATA.md). Raises ModelFileError where the file is no base,
    and TrainingError where it has not that many units, or not the layer that names sounds where it ``must_name`` them.
    """
    if name.endswith(".npz"):
        base = read_base(Path(name))
        if base.units != units:
            raise TrainingError(f"{name} has {base.units} units, the recipe {units}: train with --units {base.units}")
    else:
        entry = resources.files("training") / "bases" / f"{name}-{units}.npz"
        if not entry.is_file():
            return None
        with resources.as_file(entry) as path:
            base = read_base(path)
    if must_name and not base.names_sounds:
        raise TrainingError(
            f"the base {name} cannot name sounds, as phrases need it to: make one that can with `wakeword pretrain`"
        )
    return base
