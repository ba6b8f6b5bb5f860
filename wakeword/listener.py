"""From a microphone to detections: the loop that every live program of this package runs.

>>> from wakeword import listen
>>> listen("happy", lambda detection: print(detection.keyword, detection.score))
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wakeword.audio import SAMPLE_RATE
from wakeword.detector import Detection, Detector, Step
from wakeword.microphone import Microphone, MicrophoneSettings, Notice
from wakeword.model import WakeWordModel


@dataclass(frozen=True)
class Heard:
    """One block: float32 samples (T,) at 16 kHz, what they brought, and the seconds of sound up to their end."""

    samples: np.ndarray
    step: Step
    heard_s: float


def hear(blocks: Iterable[np.ndarray], detector: Detector) -> Iterator[Heard]:
    """Every block of float32 (T,) at 16 kHz with what the detector makes of it; a Microphone is such blocks."""
    samples = 0
    for block in blocks:
        samples += len(block)
        yield Heard(block, detector.step(block), samples / SAMPLE_RATE)


def listen(
    models: Detector | WakeWordModel | str | Path | Sequence[WakeWordModel | str | Path],
    on_detection: Callable[[Detection], Any],
    settings: MicrophoneSettings | None = None,
    on_notice: Callable[[Notice], None] | None = None,
) -> None:
    """Listen to a microphone and call ``on_detection`` with every detection, until it returns True.

    models    what a Detector takes, or a Detector
    settings  which microphone, and how patiently

    The callback runs in this thread. Meanwhile the sound waits, ``settings.queue_s`` of it, so a callback that
    takes longer belongs in a thread of its own. ``on_notice`` is told when the microphone is lost or back. Raises
    MicrophoneError like Microphone, and whatever the callback raises; the microphone is closed either way.
    """
    detector = models if isinstance(models, Detector) else Detector(models)
    with Microphone(settings, on_notice) as microphone:
        for heard in hear(microphone, detector):
            for detection in heard.step.detections:
                if on_detection(detection) is True:
                    return
