"""Sound without the keyword: every window's score, the false alarms at any threshold, and what they say an hour."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from wakeword.audio import SAMPLE_RATE
from wakeword.decision import Decider, DecisionRule
from wakeword.detector import Detector
from wakeword.model import WakeWordModel

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
    """Stream float32 (T,) at 16 kHz through a Detector; keeps every window's score."""
    return hear_blocks(model, (samples[first : first + _BLOCK] for first in range(0, len(samples), _BLOCK)))


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
