"""Sound without the keyword: every window's score, the false alarms at any threshold, and what they say an hour."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from wakeword.audio import SAMPLE_RATE
from wakeword.decision import Decider, DecisionRule
from wakeword.detector import Detector
from wakeword.features import FeatureSpec, FeatureStream
from wakeword.model import WakeWordModel
from wakeword.windows import SlidingWindows

HOP_FRAMES = 8  # frames between two windows, as in a Detector
_PIECES = 24  # enough to fill a matrix product, few enough to stay in the cache
_BLOCK = SAMPLE_RATE  # the Detector's results do not depend on it


@dataclass(frozen=True)
class Heard:
    """Every window's end in samples, int64 (K,), and its logit, float32 (K,), of one stream."""

    end_sample: np.ndarray
    scores: np.ndarray
    seconds: float

    def alarms(self, rule: DecisionRule) -> list[int]:
        """The end samples of the windows that fire under ``rule``, through the product's own Decider."""
        decider = Decider(rule, SAMPLE_RATE)
        pairs = zip(self.scores.tolist(), self.end_sample.tolist(), strict=True)
        return [end for score, end in pairs if decider.push(score, end)]


def hear(model: WakeWordModel, samples: np.ndarray) -> Heard:
    """Float32 (T,) at 16 kHz as a Detector hears it; keeps every window's score.

    Windows are independent of each other, so a long recording is heard as many pieces at once: the same windows in a
    fraction of the time.
    """
    spec = model.spec
    ends = window_ends(spec, len(samples))
    windows = len(ends)
    each = -(-windows // _PIECES)  # windows of a piece
    if not windows:
        return Heard(ends, np.zeros(0, np.float32), len(samples) / SAMPLE_RATE)
    length = (each - 1) * HOP_FRAMES * spec.hop_length + spec.window_samples
    starts = np.arange(-(-windows // each)) * each * HOP_FRAMES * spec.hop_length
    padded = np.pad(samples, (0, max(0, int(starts[-1]) + length - len(samples))))
    scores = hear_together(model, np.stack([padded[start : start + length] for start in starts]))
    return Heard(ends, scores.reshape(-1)[:windows], len(samples) / SAMPLE_RATE)


def window_ends(spec: FeatureSpec, samples: int) -> np.ndarray:
    """The sample after each window that a Detector scores in so many samples, int64 (K,)."""
    windows = max(0, (spec.frames_in(samples) - spec.window_frames) // HOP_FRAMES + 1)
    return np.arange(windows, dtype=np.int64) * HOP_FRAMES * spec.hop_length + spec.window_samples


def hear_together(model: WakeWordModel, streams: np.ndarray) -> np.ndarray:
    """Streams of one length, float32 (S, T) -> every window's score in each, float32 (S, K)."""
    features = FeatureStream(model.spec, len(streams))
    windows = SlidingWindows([model], HOP_FRAMES, len(streams))
    blocks = (streams[:, first : first + _BLOCK] for first in range(0, streams.shape[1], _BLOCK))
    return np.concatenate([windows.push(features.push(block)).scores[:, :, 0] for block in blocks]).T


def hear_blocks(model: WakeWordModel, blocks: Iterable[np.ndarray]) -> Heard:
    """The same of a stream that comes in blocks, such as a file's or a microphone's; the sound is not kept."""
    detector, samples = Detector(model), 0
    ends, scores = [np.zeros(0)], [np.zeros(0, np.float32)]
    for block in blocks:
        step = detector.step(block)
        samples += len(block)
        ends.append(step.window_end_s)
        scores.append(step.scores[:, 0])
    end_sample = np.round(np.concatenate(ends) * SAMPLE_RATE).astype(np.int64)
    return Heard(end_sample, np.concatenate(scores), samples / SAMPLE_RATE)


def count_alarms(streams: Sequence[Heard], rule: DecisionRule) -> int:
    """How often the streams fire under ``rule``."""
    return sum(len(stream.alarms(rule)) for stream in streams)


def per_hour(count: int, hours: float) -> dict[str, float | int | None]:
    """Events per hour with an upper 95 % bound: the rule of three when there were none, exact Poisson else."""
    if hours <= 0.0:
        return {"per_hour": None, "count": count, "hours": 0.0, "upper_95": None}
    return {
        "per_hour": round(count / hours, 4), "count": count, "hours": round(hours, 4),
        "upper_95": round(poisson_upper(count) / hours, 4),
    }  # fmt: skip


def poisson_upper(count: int) -> float:
    """The mean at which ``count`` or fewer events have a chance of 5 %; 3, the rule of three, where there were none."""
    if count == 0:
        return 3.0  # -ln 0.05 = 2.996
    low, high = float(count), count + 6.0 * math.sqrt(count) + 6.0
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        chance = sum(math.exp(k * math.log(middle) - middle - math.lgamma(k + 1)) for k in range(count + 1))
        low, high = (middle, high) if chance > 0.05 else (low, middle)
    return high
