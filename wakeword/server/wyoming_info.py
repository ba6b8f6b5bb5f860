"""What a Wyoming service tells about itself and its models."""

from __future__ import annotations

from typing import Any

from wyoming.info import Attribution, Info, WakeModel, WakeProgram

from wakeword.server.catalogue import Catalogue, Offer
from wakeword.version import __version__

#: Every bundled model learnt from this data set, which is English (models/DATA.md has the rest).
_SPEECH_COMMANDS = Attribution("Speech Commands, P. Warden, CC BY 4.0", "https://arxiv.org/abs/1804.03209")


def info(catalogue: Catalogue) -> Info:
    """One wake program with a model for each offer."""
    program = WakeProgram(
        name="wakeword",
        description="Wake words that stay silent on words that sound like them",
        attribution=Attribution("wakeword", ""),
        installed=True,
        version=__version__,
        models=[_model(name, offer) for name, offer in catalogue.offers.items()],
    )
    return Info(wake=[program])


def _model(name: str, offer: Offer) -> WakeModel:
    card = offer.model.card
    languages = card.get("languages", ["en"] if offer.bundled else [])
    return WakeModel(
        name=name,
        description=offer.keyword,
        phrase=offer.keyword,
        attribution=_SPEECH_COMMANDS if offer.bundled else _attribution(card.get("attribution")),
        installed=True,
        version=_version(card),
        languages=[str(language) for language in languages] if isinstance(languages, list) else [],
    )


def _attribution(told: Any) -> Attribution:
    told = told if isinstance(told, dict) else {}
    return Attribution(str(told.get("name", "")), str(told.get("url", "")))


def _version(card: dict[str, Any]) -> str:
    """The model's own version, or that of the program that trained it; a card is somebody else's, so anything fits."""
    libraries = card.get("libraries")
    trained_by = libraries.get("wakeword") if isinstance(libraries, dict) else None
    return str(card.get("version") or trained_by or "")
