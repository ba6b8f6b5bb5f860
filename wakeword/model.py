"""A wake-word model as one file: weights, front end, normalisation, thresholds and card, without pickle.

A ``*.wakeword`` file is an .npz archive of plain numeric arrays plus ``card.json``, the UTF-8 bytes of a JSON
object. Loading parses numbers and text and nothing else; it never executes code. The same model saved twice
gives the same bytes.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from importlib import resources
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from wakeword.decision import DecisionRule
from wakeword.errors import ModelFileError
from wakeword.features import FeatureSpec
from wakeword.files import write_atomically
from wakeword.network import ARRAYS, Network
from wakeword.pronunciation import ARRAYS as SOUNDS
from wakeword.pronunciation import Pronunciation
from wakeword.sidecar import POINT, sidecar_path, with_room

FORMAT = "wakeword-model"
#: 1 where the networks have one size, 2 where they have several, so that older programs read the file.
FORMAT_VERSION = 3  # where windows are looked at again: to leave that out would be another model
SUFFIX = ".wakeword"
_CARD = "card.json"
#: No honest model comes near this; a file that claims more is not unpacked.
_MAX_BYTES = 64 * 2**20


@dataclass(frozen=True)
class WakeWordModel:
    """One keyword's detector: a front end and one or more networks whose mean logit is the score.

    networks    of one pooling; several, trained from different seeds, agree on the keyword and disagree on what merely
                resembles it, so their mean has fewer false alarms than any of them. Those of one size are neighbours
    card        JSON: operating_points, default_point, decision, evaluation, data, recipe, seed, licence, libraries
    pronunciation  what windows that the networks take for the keyword are looked at for again; None = they are not
    """

    keyword: str
    spec: FeatureSpec
    networks: tuple[Network, ...]
    card: dict[str, Any] = field(default_factory=dict)
    pronunciation: Pronunciation | None = None

    def __post_init__(self) -> None:
        if not self.networks:
            raise ValueError("a model needs at least one network")
        if len({network.pooling for network in self.networks}) > 1:
            raise ValueError("the networks of a model must have one pooling")
        if len(self.sizes) != len(list(self.by_size())):
            raise ValueError("the networks of a model that have one size must be neighbours")
        if any(network.mean.size != self.spec.n_cepstra for network in self.networks):
            raise ValueError(f"the networks must take the {self.spec.n_cepstra} cepstra of the front end")
        if self.pronunciation and self.pronunciation.mean.size != self.spec.n_cepstra:
            raise ValueError(f"the pronunciation must take the {self.spec.n_cepstra} cepstra of the front end")

    @property
    def sizes(self) -> dict[int, int]:
        """Hidden units H -> how many of the networks have so many, in the order of the networks."""
        return dict(Counter(network.units for network in self.networks))

    @property
    def size(self) -> str:
        """``sizes`` for people, such as "3 x 128 units + 2 x 256 units"."""
        return " + ".join(f"{count} x {units} units" for units, count in self.sizes.items())

    def is_of_room(self, threshold: float) -> bool:
        """Whether this threshold is the one that ``wakeword calibrate`` found."""
        room = self.operating_points.get(POINT)
        return room is not None and math.isclose(room["threshold"], threshold)

    def by_size(self) -> Iterator[list[Network]]:
        """The networks in runs of one size."""
        return (list(run) for _, run in groupby(self.networks, key=lambda network: network.units))

    @property
    def pooling(self) -> str:
        """How a window's hidden states become one logit: "last" or "attention"."""
        return self.networks[0].pooling

    @property
    def operating_points(self) -> dict[str, dict[str, Any]]:
        """Named thresholds with what was measured at each; the names are fpr_3, fpr_5 and alarms."""
        return self.card.get("operating_points", {})

    def rule(self, point: str | None = None, threshold: float | None = None) -> DecisionRule:
        """The decision rule at an operating point (None = the model's default), or at a threshold of one's own.

        Raises ModelFileError naming the points there are when the model has none of that name.
        """
        decision = self.card.get("decision", {})
        if threshold is None:
            name = point or self.card.get("default_point")
            if name not in self.operating_points:
                known = ", ".join(self.operating_points) or "none"
                raise ModelFileError(f"model {self.keyword!r} has no operating point {name!r} (it has: {known})")
            threshold = float(self.operating_points[name]["threshold"])
        return DecisionRule(threshold=threshold, **decision)

    def to_bytes(self) -> bytes:
        """The file's bytes: the same for the same model, whenever and wherever it is saved."""
        looks = self.pronunciation
        version = FORMAT_VERSION if looks else min(len(self.sizes), 2)
        card = {
            "format": FORMAT, "format_version": version, "keyword": self.keyword,
            "pooling": self.pooling, "feature_spec": self.spec.to_dict(), **self.card,
        }  # fmt: skip
        arrays = {}
        for run, networks in enumerate(self.by_size()):
            for name in ARRAYS[: None if self.pooling == "attention" else -1]:
                # The first axis is the network.
                arrays[_member(name, run)] = np.stack([getattr(network, name) for network in networks])
        if looks:
            card["pronunciation"] = looks.card()
            arrays |= {_sounds_member(name): getattr(looks, name) for name in SOUNDS}
        text = json.dumps(card, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
        members = {_CARD: text.encode(), **{name: _bytes_of(array) for name, array in arrays.items()}}
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            for name, content in members.items():
                # A ZipInfo made from a name alone has a constant date, so the bytes do not depend on the clock.
                archive.writestr(zipfile.ZipInfo(name), content, compress_type=zipfile.ZIP_DEFLATED)
        return out.getvalue()

    def save(self, path: str | Path) -> None:
        """Write the file to a temporary name beside ``path``, then rename: it is there whole or not at all."""
        write_atomically(Path(path), self.to_bytes())


def bundled_models() -> dict[str, Path]:
    """Keyword -> path of the models inside the package, in alphabetical order."""
    folder = Path(str(resources.files("wakeword") / "models"))
    return {path.stem: path for path in sorted(folder.glob(f"*{SUFFIX}"))}


def load_model(name_or_path: str | Path, *, calibrated: bool = True) -> WakeWordModel:
    """A bundled model by keyword, or a model file by path; with the calibration of the user's room if there is one.

    Raises ModelFileError, in one sentence, when there is no such model or the file is damaged, truncated,
    foreign, or of a newer format.
    """
    path = model_path(name_or_path)
    model = _load(path)
    if not calibrated:
        return model
    return replace(model, card=with_room(model.card, path, calibration_path(path)))


def calibration_path(model: Path) -> Path:
    """Where the calibration of a model file is kept, be it there or not."""
    return sidecar_path(model, bundled=model in bundled_models().values())


def model_path(name_or_path: str | Path) -> Path:
    """The file of a bundled model, or the path itself; raises ModelFileError when there is none."""
    bundled = bundled_models()
    if str(name_or_path) in bundled:
        return bundled[str(name_or_path)]
    path = Path(name_or_path)
    if not path.is_file():
        known = ", ".join(bundled) or "none"
        raise ModelFileError(f"{name_or_path}: there is no such model file, nor a bundled model (bundled: {known})")
    return path


def _load(path: Path) -> WakeWordModel:
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > _MAX_BYTES:
                raise ModelFileError(f"{path} claims more than {_MAX_BYTES >> 20} MiB: it is not a wakeword model")
            if _CARD not in archive.namelist():
                raise ModelFileError(f"{path} is an archive but holds no {_CARD}: it is not a wakeword model")
            card = json.loads(archive.read(_CARD))
            _check_format(path, card)
            # An unknown pooling must be refused, not read as the one this program knows: the scores would be wrong.
            names = {"last": ARRAYS[:-1], "attention": ARRAYS}[card.pop("pooling")]
            told = card.pop("pronunciation", None)
            looks = _pronunciation(archive, told) if told is not None else None
            # By the number of arrays: one that is missing or misnamed must be missed, not taken for the end.
            count = sum(name.endswith(".npy") for name in archive.namelist()) - (len(SOUNDS) if looks else 0)
            networks: list[Network] = []
            for run in range(-(-count // len(names))):
                arrays = [_array(archive, _member(name, run)) for name in names]
                networks += [Network(*weights) for weights in zip(*arrays, strict=True)]
        spec, keyword = FeatureSpec(**card.pop("feature_spec")), str(card.pop("keyword"))
        model = WakeWordModel(keyword, spec, tuple(networks), _without_header(card), looks)
        for point in (None, *model.operating_points):  # a model with a point that cannot be used is damaged too
            model.rule(point)
        return model
    except ModelFileError:
        raise
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror or error}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ModelFileError(f"{path} is damaged, truncated, or no wakeword model ({error})") from error
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, MemoryError) as error:
        raise ModelFileError(f"{path} is damaged: its content is not a wakeword model's ({error})") from error


def _pronunciation(archive: zipfile.ZipFile, told: dict[str, Any]) -> Pronunciation:
    return Pronunciation(
        **{name: _array(archive, _sounds_member(name)) for name in SOUNDS},
        symbols=tuple(told["symbols"]),
        ways=tuple(map(tuple, told["ways"])),
        weight=float(told["weight"]),
        floor=float(told["floor"]),
    )


def _array(archive: zipfile.ZipFile, member: str) -> np.ndarray:
    return np.lib.format.read_array(io.BytesIO(archive.read(member)), allow_pickle=False)


def _bytes_of(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, allow_pickle=False)
    return stream.getvalue()


def _sounds_member(name: str) -> str:
    """Where an array of the pronunciation lies in the archive."""
    return f"pronunciation.{name}.npy"


def _member(name: str, run: int) -> str:
    """Where an array of the networks of one size lies in the archive; the first size has no number, as in format 1."""
    return f"{name}.{run}.npy" if run else f"{name}.npy"


def _check_format(path: Path, card: Any) -> None:
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise ModelFileError(f"{path} is not a wakeword model: its card does not say {FORMAT!r}")
    version = card.get("format_version")
    if not isinstance(version, int) or version < 1:
        raise ModelFileError(f"{path} is damaged: its format version is {version!r}")
    if version > FORMAT_VERSION:
        raise ModelFileError(
            f"{path} has format {version}, newer than the {FORMAT_VERSION} this program reads: upgrade wakeword"
        )


def _without_header(card: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in card.items() if key not in ("format", "format_version")}
