"""The decision rule on score sequences written by hand."""

from __future__ import annotations

import pytest

from wakeword.decision import Decider, DecisionRule

HOP = 1280


def fired(rule: DecisionRule, scores: list[float]) -> list[int]:
    decider = Decider(rule)
    return [k for k, score in enumerate(scores) if decider.push(score, 16_000 + k * HOP)]


def test_n_of_m_windows() -> None:
    rule = DecisionRule(threshold=1.0, n=2, m=3)
    assert fired(rule, [0, 2, 0, 0, 2, 0, 0]) == []
    assert fired(rule, [0, 2, 0, 2, 0]) == [3]
    assert fired(rule, [2, 2]) == [1]
    assert fired(DecisionRule(threshold=1.0, n=1, m=1), [0, 1.0, 0]) == [1]


def test_fires_once_until_rearmed_below_the_margin() -> None:
    rule = DecisionRule(threshold=1.0, n=1, m=1, rearm_margin=0.5, refractory_s=0.0)
    assert fired(rule, [2, 2, 2, 0.6, 2]) == [0]
    assert fired(rule, [2, 0.4, 2]) == [0, 2]


def test_refractory_time_on_the_sample_clock() -> None:
    rule = DecisionRule(threshold=1.0, n=1, m=1, rearm_margin=0.0, refractory_s=5 * HOP / 16_000)
    assert fired(rule, [2, 0, 2, 0, 0, 2]) == [0, 5]
    # what decides is a window that counts, never a quiet one after the refractory time
    assert fired(DecisionRule(1.0, n=1, m=3, rearm_margin=0.0, refractory_s=3 * HOP / 16_000), [2, 0, 2, 0, 2]) == [
        0,
        4,
    ]


def test_a_score_that_is_not_a_number_never_counts() -> None:
    assert fired(DecisionRule(threshold=1.0, n=1, m=1), [float("nan")] * 3) == []


def test_reset_forgets_a_detection() -> None:
    decider = Decider(DecisionRule(threshold=1.0, n=1, m=1, refractory_s=100.0))
    assert decider.push(2.0, 16_000)
    assert not decider.push(2.0, 32_000)
    decider.reset()
    assert decider.push(2.0, 16_000)


@pytest.mark.parametrize("wrong", [{"n": 0}, {"n": 4, "m": 3}, {"rearm_margin": -1.0}, {"refractory_s": -0.1}])
def test_impossible_rules_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=r"decision rule|negative"):
        DecisionRule(threshold=0.0, **wrong)


@pytest.mark.parametrize("threshold", [float("nan"), float("inf"), float("-inf")])
def test_a_threshold_is_finite(threshold: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        DecisionRule(threshold)
