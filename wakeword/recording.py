"""A whole recording through a Detector, in the recording's own time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from wakeword.audio import SAMPLE_RATE
from wakeword.detector import Detector, Step

#: Silence heard before and after a recording, in seconds. A decision takes several windows of a second each, and a
#: recording cut close around the word would not hold them.
MARGIN_S = 0.5


def hear(detector: Detector, blocks: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, Step]]:
    """Blocks float32 (T,) at 16 kHz -> each with the Step it brought; the silence before and after has empty blocks.

    The detector is reset first. Times are the recording's: a detection's window that began in the silence before it
    starts at 0, and one that ended in the silence after it ends where the recording ends.
    """
    detector.reset()
    silence = np.zeros(int(MARGIN_S * SAMPLE_RATE), dtype=np.float32)
    yield silence[:0], _shifted(detector.step(silence), 0.0)
    samples = 0
    for block in blocks:
        samples += len(block)
        yield block, _shifted(detector.step(block), samples / SAMPLE_RATE)
    yield silence[:0], _shifted(detector.step(silence), samples / SAMPLE_RATE)


def _shifted(step: Step, length_s: float) -> Step:
    """A step in the recording's time, of which ``length_s`` seconds have been heard."""

    def within(seconds: float) -> float:
        return min(max(seconds - MARGIN_S, 0.0), length_s)

    found = [replace(d, start_s=within(d.start_s), end_s=within(d.end_s)) for d in step.detections]
    return Step(found, step.window_end_s - MARGIN_S, step.scores)
