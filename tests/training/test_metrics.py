"""Rates, thresholds and bounds against values worked out by hand or by scipy."""

from __future__ import annotations

import numpy as np
import pytest

from training.metrics import rate, recall, selection_score, threshold_at_fpr


def test_wilson_interval_of_a_textbook_case() -> None:
    found = rate(81, 263)  # Newcombe (1998), table I
    assert (found.low, found.high) == (pytest.approx(0.2553, abs=1e-4), pytest.approx(0.3662, abs=1e-4))
    assert (rate(0, 10).low, rate(10, 10).high) == (0.0, 1.0)
    assert str(rate(75, 77)).startswith("97.4% (75/77, 95 % ")


@pytest.mark.parametrize("fpr", [0.0, 0.005, 0.01, 0.03, 0.05, 0.5])
def test_the_threshold_holds_the_rate_and_a_lower_one_would_not(fpr: float) -> None:
    negatives = np.random.default_rng(0).standard_normal(1000)
    threshold = threshold_at_fpr(negatives, fpr)
    assert (negatives >= threshold).mean() == pytest.approx(fpr)
    ranked = np.sort(negatives)[::-1]
    assert (negatives >= ranked[round(fpr * 1000)]).mean() > fpr


def test_equal_scores_pass_together_or_not_at_all() -> None:
    negatives = np.array([3.0, 1.0, 1.0, 1.0, 0.0])
    assert (negatives >= threshold_at_fpr(negatives, 0.4)).sum() == 1
    assert (negatives >= threshold_at_fpr(negatives, 0.8)).sum() == 4
    assert (negatives >= threshold_at_fpr(negatives, 1.0)).sum() == 5
    assert (np.ones(9) >= threshold_at_fpr(np.ones(9), 0.5)).sum() == 0
    with pytest.raises(ValueError, match="at least one negative"):
        threshold_at_fpr(np.zeros(0), 0.1)


def test_recall_counts_scores_at_the_threshold() -> None:
    assert recall(np.array([0.0, 1.0, 2.0]), 1.0).count == 2


def test_selection_prefers_recall_then_loss() -> None:
    labels = np.array([1.0] * 50 + [0.0] * 50)
    right = np.concatenate([np.full(50, 2.0), np.linspace(-1, 1, 50)])
    wrong = np.concatenate([np.full(50, 0.0), np.linspace(-1, 1, 50)])
    assert selection_score(right, labels, 9.0) > selection_score(wrong, labels, 0.1)
    assert selection_score(right, labels, 0.1) > selection_score(right, labels, 0.2)
