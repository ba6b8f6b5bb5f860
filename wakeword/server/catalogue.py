"""Which models a service offers, under which names, and when they fire."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from wakeword.detector import Detector
from wakeword.errors import ModelFileError, ServerError
from wakeword.model import SUFFIX, WakeWordModel, bundled_models, load_model


@dataclass(frozen=True)
class Firing:
    """When the models of a service fire; None leaves it to each model.

    point, threshold   as for a Detector
    trigger_level      how many windows must count
    refractory_s       seconds before the same model can fire again
    """

    point: str | None = None
    threshold: float | None = None
    trigger_level: int | None = None
    refractory_s: float | None = None

    def applied(self, model: WakeWordModel) -> WakeWordModel:
        """The model with these decisions; as many windows may fail among those that must count as before."""
        decision, rule = dict(model.card.get("decision", {})), model.rule(self.point, self.threshold)
        if self.trigger_level is not None:
            decision |= {"n": self.trigger_level, "m": self.trigger_level + rule.m - rule.n}
        if self.refractory_s is not None:
            decision["refractory_s"] = self.refractory_s
        return replace(model, card={**model.card, "decision": decision})


@dataclass(frozen=True)
class Offer:
    """One model of a service; the keyword is what is said, the name is what clients call it."""

    keyword: str
    model: WakeWordModel
    bundled: bool


@dataclass(frozen=True)
class Catalogue:
    """offers: name -> Offer, in the order they are told."""

    offers: dict[str, Offer]
    firing: Firing = field(default_factory=Firing)

    def names(self, wanted: Sequence[str] | None) -> tuple[str, ...]:
        """The names a client means: None or none are all; case, ``_`` and spaces do not matter; unknown ones fall."""
        if not wanted:
            return tuple(self.offers)
        asked = {_plain(name) for name in wanted}
        return tuple(name for name in self.offers if _plain(name) in asked)

    def detector(self, names: Sequence[str]) -> Detector:
        """A new Detector of these offers; its detections carry the names."""
        models = [replace(self.offers[name].model, keyword=name) for name in names]
        return Detector(models, point=self.firing.point, threshold=self.firing.threshold)


def model_files(folder: Path) -> dict[str, Path]:
    """Name -> path of the model files in a folder, in alphabetical order."""
    return {path.stem: path for path in sorted(folder.glob(f"*{SUFFIX}"))}


def load_catalogue(models: Sequence[str], folders: Sequence[Path], firing: Firing) -> Catalogue:
    """The named models, or all bundled ones, and the model files in the folders.

    A model is called like its file without the suffix; of two with one name the later one is offered: a user's
    model goes before a bundled one. Raises ModelFileError, or ServerError when there is no model.
    """
    bundled = bundled_models()
    chosen: dict[str, str | Path] = {Path(name).stem if name not in bundled else name: name for name in models}
    if not models:
        chosen |= {name: name for name in bundled}
    for folder in folders:
        if not folder.is_dir():
            raise ServerError(f"{folder} is not a folder of models")
        chosen |= model_files(folder)
    if not chosen:
        raise ServerError("there is no model to serve: name one with --model FILE or --custom-model-dir FOLDER")
    clash = [name for name in chosen if sum(_plain(other) == _plain(name) for other in chosen) > 1]
    if clash:
        raise ServerError(f"clients could not tell these models apart, rename a file: {', '.join(clash)}")
    offers = {}
    for name, source in chosen.items():
        model = load_model(source)
        try:
            offers[name] = Offer(model.keyword, firing.applied(model), bundled=str(source) in bundled)
        except ValueError as error:
            raise ModelFileError(f"model {name!r} cannot fire like this: {error}") from error
    return Catalogue(offers, firing)


def _plain(name: str) -> str:
    return name.casefold().replace("_", " ").strip()
