"""Speech engines behind one interface: what is installed speaks, what is missing says how to install it.

``ENGINES`` holds one adapter an engine, natural voices first. Nothing here downloads anything, and an engine's
package is imported when the engine first speaks.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from close_negatives.engines.base import Engine, EngineError, Request, Speech, Voice
from close_negatives.engines.espeak import Espeak
from close_negatives.engines.hibari import Hibari
from close_negatives.engines.kokoro import Kokoro
from close_negatives.engines.pico import Pico
from close_negatives.engines.pyttsx3_engine import Pyttsx3

__all__ = [
    "ENGINES",
    "Engine",
    "EngineError",
    "Request",
    "Speech",
    "Voice",
    "available_engines",
    "get_engine",
    "missing_engines",
]

ENGINES: Mapping[str, Engine] = MappingProxyType(
    {engine.name: engine for engine in (Kokoro(), Hibari(), Pico(), Espeak(), Pyttsx3())}
)


def available_engines() -> list[Engine]:
    """The engines that are installed, natural voices first; may be empty."""
    return [engine for engine in ENGINES.values() if engine.available()]


def missing_engines() -> list[EngineError]:
    """One error an engine that is not installed, each a sentence with the install line, to be shown, not raised."""
    missing = []
    for engine in ENGINES.values():
        try:
            engine.require()
        except EngineError as error:
            missing.append(error)
    return missing


def get_engine(name: str) -> Engine:
    """The engine of that name. Raises EngineError where it is unknown or not installed."""
    if name not in ENGINES:
        raise EngineError(f"there is no speech engine '{name}': choose from {', '.join(ENGINES)}")
    ENGINES[name].require()
    return ENGINES[name]
