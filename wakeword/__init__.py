"""Streaming wake-word detection that stays silent on words that sound like the keyword.

>>> from wakeword import Detector
>>> detector = Detector("happy")                 # a bundled model, or the path of a .wakeword file
>>> for block in microphone:                     # 16 kHz mono, any block length
...     for detection in detector.process(block):
...         print(detection.keyword, detection.end_s)

Importing this package loads numpy and nothing heavier; training needs the extra ``wakeword[train]``.
"""

from wakeword.decision import DecisionRule
from wakeword.detector import Detection, Detector, Step
from wakeword.errors import AudioError, MicrophoneError, ModelFileError, WakewordError
from wakeword.features import FeatureSpec, FeatureStream, mfcc
from wakeword.listener import listen
from wakeword.microphone import Microphone, MicrophoneSettings
from wakeword.model import WakeWordModel, bundled_models, load_model
from wakeword.version import __version__

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
