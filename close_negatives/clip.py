"""From what an engine gives to a clip: 16 kHz, trimmed, at one level, int16."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from close_negatives.store import Clip
from wakeword.audio import SAMPLE_RATE

#: Counts the changes of this module that change clips: it is part of what they are cached by.
REVISION = 1

_FRAME = SAMPLE_RATE // 100
_FLOOR_DB = 40.0  # below the loudest frame: weak fricatives are above it, the engines' breath and hum below
_MARGIN = 3  # frames kept on either side, for what fades in and out
_PEAK = 0.5  # of full scale, so that no engine is known by its level


def finish(samples: NDArray[np.float32], rate: int) -> Clip:
    """float32 (T,) at ``rate`` Hz, somewhere above silence -> int16 at 16 kHz, as long as the speech in it."""
    import soxr

    if rate != SAMPLE_RATE:
        samples = soxr.resample(samples, rate, SAMPLE_RATE)
    samples = trim(samples)
    scale = 32768 * _PEAK / np.abs(samples).max()
    return np.round(samples * np.float32(scale)).astype(np.int16)


def trim(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Without what is silent before and after; silence within is kept."""
    padded = np.pad(samples, (0, -len(samples) % _FRAME))
    energy = np.square(padded.reshape(-1, _FRAME), dtype=np.float64).sum(axis=1)
    loud = np.flatnonzero(energy >= energy.max() * 10 ** (-_FLOOR_DB / 10))
    first, last = max(loud[0] - _MARGIN, 0), loud[-1] + 1 + _MARGIN
    return samples[first * _FRAME : last * _FRAME]
