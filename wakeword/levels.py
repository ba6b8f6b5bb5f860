"""How loud sound is, in dB below full scale."""

from __future__ import annotations

import numpy as np

from wakeword.audio import SAMPLE_RATE

#: The level of silence; a logarithm has to end somewhere.
SILENCE_DB = -120.0
#: From this magnitude on a sample counts as clipped: converters stop a little short of full scale.
CLIPPED = 0.985
#: Frames of 20 ms: short against a syllable, long against a voice's period.
FRAME = SAMPLE_RATE // 50


def level_db(samples: np.ndarray) -> float:
    """Root mean square of float32 (T,) in dB relative to full scale 1.0, at least SILENCE_DB; of nothing, silence."""
    return to_db(float(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else SILENCE_DB


def peak_db(samples: np.ndarray) -> float:
    """The largest magnitude of float32 (T,) in dB relative to full scale 1.0, at least SILENCE_DB."""
    return to_db(float(np.max(np.abs(samples), initial=0.0)) ** 2)


def to_db(power: float) -> float:
    """A mean square as dB, at least SILENCE_DB."""
    return max(SILENCE_DB, 10.0 * float(np.log10(max(power, 1e-30))))


def frame_levels(samples: np.ndarray, frame: int = FRAME) -> np.ndarray:
    """float32 (T,) -> the level in dB of each whole frame, float64 (T // frame,); a constant offset is left out."""
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame).astype(np.float64)
    power = np.mean(np.square(frames - np.mean(samples, dtype=np.float64)), axis=1) if len(frames) else np.zeros(0)
    return np.maximum(SILENCE_DB, 10.0 * np.log10(np.maximum(power, 1e-30)))


def clipped_samples(samples: np.ndarray) -> int:
    """How many samples of float32 (T,) lie in runs of two or more at full scale: one alone may be an honest peak."""
    full = np.abs(samples) >= CLIPPED
    beside = np.zeros_like(full)
    beside[1:] |= full[:-1]
    beside[:-1] |= full[1:]
    return int(np.count_nonzero(full & beside))
