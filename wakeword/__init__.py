"""Streaming wake-word detection that stays silent on words that sound like the keyword.

>>> from wakeword import Detector
>>> detector = Detector("happy")                 # a bundled model, or the path of a .wakeword file
>>> for block in microphone:                     # 16 kHz mono, any block length
...     for detection in detector.process(block):
...         print(detection.keyword, detection.end_s)

Names are looked up when they are first used: importing this package loads none of it, using it loads numpy and nothing
heavier; training needs the extra ``wakeword[train]``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from wakeword.version import __version__

if TYPE_CHECKING:
    from wakeword.decision import DecisionRule
    from wakeword.detector import Detection, Detector, Step
    from wakeword.errors import AudioError, MicrophoneError, ModelFileError, WakewordError
    from wakeword.features import FeatureSpec, FeatureStream, mfcc
    from wakeword.listener import listen
    from wakeword.microphone import Microphone, MicrophoneSettings
    from wakeword.model import WakeWordModel, bundled_models, load_model

#: name -> the module that it is in
_HOMES = {
    "DecisionRule": "decision",
    "Detection": "detector",
    "Detector": "detector",
    "Step": "detector",
    "AudioError": "errors",
    "MicrophoneError": "errors",
    "ModelFileError": "errors",
    "WakewordError": "errors",
    "FeatureSpec": "features",
    "FeatureStream": "features",
    "mfcc": "features",
    "listen": "listener",
    "Microphone": "microphone",
    "MicrophoneSettings": "microphone",
    "WakeWordModel": "model",
    "bundled_models": "model",
    "load_model": "model",
}

__all__ = [
    "AudioError",
    "DecisionRule",
    "Detection",
    "Detector",
    "FeatureSpec",
    "FeatureStream",
    "Microphone",
    "MicrophoneError",
    "MicrophoneSettings",
    "ModelFileError",
    "Step",
    "WakeWordModel",
    "WakewordError",
    "__version__",
    "bundled_models",
    "listen",
    "load_model",
    "mfcc",
]


def __getattr__(name: str) -> object:
    """A public name from its module, or the module; PEP 562."""
    if name in _HOMES.values():
        return import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found  # asked for once
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
