"""From scores to events: n of m windows, hysteresis, a refractory time; pure, on the sample clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import isfinite


@dataclass(frozen=True)
class DecisionRule:
    """When a row of window scores is one detection.

    threshold      logit a window must reach to count
    n, m           fires at a window that counts, when n of the last m do
    rearm_margin   after firing, a score below threshold - rearm_margin must be seen before it can fire again:
                   one long word is one event
    refractory_s   and this many seconds must have passed since it fired
    """

    threshold: float
    n: int = 2
    m: int = 3
    rearm_margin: float = 1.0
    refractory_s: float = 1.0

    def __post_init__(self) -> None:
        if not 1 <= self.n <= self.m:
            raise ValueError(f"a decision rule needs 1 <= n <= m, not n={self.n}, m={self.m}")
        if not isfinite(self.threshold):
            raise ValueError(f"the threshold of a decision rule is a finite number, not {self.threshold}")
        if self.rearm_margin < 0.0 or self.refractory_s < 0.0:
            raise ValueError("rearm_margin and refractory_s cannot be negative")


class Decider:
    """The state of one keyword in one stream. Keywords have a Decider each, so none locks another out."""

    def __init__(self, rule: DecisionRule, sample_rate: int = 16_000) -> None:
        self.rule = rule
        self._refractory = round(rule.refractory_s * sample_rate)
        self.reset()

    def reset(self) -> None:
        """Back to the state before the first window."""
        self._counts: deque[bool] = deque(maxlen=self.rule.m)
        self._armed = True
        self._fired_at: int | None = None

    def push(self, score: float, end_sample: int) -> bool:
        """One window's score and the sample its window ends at -> whether the keyword is detected now."""
        rule = self.rule
        counts = score >= rule.threshold
        self._counts.append(counts)
        if not self._armed and score < rule.threshold - rule.rearm_margin:
            self._armed = True
        rested = self._fired_at is None or end_sample - self._fired_at >= self._refractory
        if not (counts and self._armed and rested and sum(self._counts) >= rule.n):
            return False
        self._armed = False
        self._fired_at = end_sample
        return True
