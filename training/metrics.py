"""Rates with their n and their uncertainty."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np


@dataclass(frozen=True)
class Rate:
    """count out of n, with the 95 % Wilson interval of the underlying rate."""

    rate: float
    count: int
    n: int
    low: float
    high: float

    def to_dict(self) -> dict[str, float | int]:
        """Plain JSON values."""
        return {key: round(value, 6) for key, value in asdict(self).items()}

    def __str__(self) -> str:
        return f"{self.rate:.1%} ({self.count}/{self.n}, 95 % {self.low:.1%}-{self.high:.1%})"


def rate(count: int, n: int) -> Rate:
    """A proportion with its Wilson score interval (Wilson, 1927), which is sound near 0 and 1 too."""
    if n == 0:
        return Rate(math.nan, 0, 0, 0.0, 1.0)
    z = 1.959964
    p = count / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = (0.0 if count == 0 else middle - half), (1.0 if count == n else middle + half)  # exact at the ends
    return Rate(p, count, n, low, high)


def threshold_at_fpr(negatives: np.ndarray, fpr: float) -> float:
    """The lowest threshold at which at most ``fpr`` of the negative scores (N,) pass (score >= threshold).

    It lies halfway between the last score that passes and the first that does not, so that neither float rounding
    nor the direction of a comparison can change the rate. Raises ValueError without a negative.
    """
    if not len(negatives):
        raise ValueError("a false-positive rate needs at least one negative score")
    ranked = np.sort(np.asarray(negatives, dtype=np.float64))[::-1]
    passing = math.floor(fpr * len(ranked) + 1e-9)
    while 0 < passing < len(ranked) and ranked[passing - 1] == ranked[passing]:
        passing -= 1  # equal scores pass together or not at all
    if passing >= len(ranked):
        return float(ranked[-1]) - 1.0
    lowest_out = ranked[passing]
    above = ranked[passing - 1] if passing else lowest_out + 2e-3
    return float((above + lowest_out) / 2)


def recall(positives: np.ndarray, threshold: float) -> Rate:
    """The share of positive scores at or above the threshold."""
    return rate(int((positives >= threshold).sum()), len(positives))


def selection_score(scores: np.ndarray, labels: np.ndarray, loss: float) -> tuple[float, float]:
    """What the best epoch has most of: recall averaged over four strict FPRs, then the lower loss.

    Both on validation. One FPR alone is a coarse measure on some hundred clips: most late epochs would tie.
    """
    positives, negatives = scores[labels > 0.5], scores[labels <= 0.5]
    strict = [recall(positives, threshold_at_fpr(negatives, fpr)).rate for fpr in (0.002, 0.005, 0.01, 0.03)]
    return float(np.mean(strict)), -loss
