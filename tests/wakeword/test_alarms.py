"""Alarms at a threshold, and the threshold for a room, against slow and obvious ways."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2, poisson

from wakeword import Detector
from wakeword.alarms import Heard, count_alarms, hear, hear_blocks, per_hour, poisson_upper
from wakeword.calibration import calibrate, lowest_threshold


def stream(scores: np.ndarray, hours: float) -> Heard:
    ends = 15_920 + 1280 * np.arange(len(scores), dtype=np.int64)
    return Heard(ends, scores.astype(np.float32), hours * 3600)


def wandering(seed: int, windows: int = 400) -> Heard:
    """Scores that come in runs, as those of real windows do."""
    steps = np.random.default_rng(seed).standard_normal(windows)
    return stream(np.convolve(steps, np.ones(4) / 2, "same") * 2 - 1, windows * 0.08 / 3600)


@pytest.mark.parametrize("count", [0, 1, 2, 5, 40, 1000])
def test_the_upper_bound_is_the_poisson_quantile(count: int) -> None:
    assert poisson_upper(count) == pytest.approx(chi2.ppf(0.95, 2 * (count + 1)) / 2, abs=5e-3)
    assert poisson.cdf(count, poisson_upper(count)) <= 0.0501


def test_alarms_per_hour_have_an_upper_bound() -> None:
    assert per_hour(0, 2.0) == {"per_hour": 0.0, "count": 0, "hours": 2.0, "upper_95": 1.5}
    three = per_hour(3, 1.5)
    assert three["per_hour"] == 2.0
    assert poisson.cdf(3, three["upper_95"] * 1.5) == pytest.approx(0.05, abs=1e-4)
    assert per_hour(0, 0.0)["per_hour"] is None


def test_blocks_are_heard_like_the_whole(make_model: Callable[..., Any], voice: np.ndarray) -> None:
    model = make_model()
    whole, blocks = hear(model, voice), hear_blocks(model, iter(np.array_split(voice, 77)))
    assert whole.end_sample.tolist() == blocks.end_sample.tolist()
    np.testing.assert_allclose(whole.scores, blocks.scores, atol=1e-4)
    assert whole.seconds == blocks.seconds == 6.0
    nothing = hear_blocks(model, [])
    assert (len(nothing.scores), nothing.seconds) == (0, 0.0)
    rule = model.rule(threshold=float(np.quantile(whole.scores, 0.8)))
    detector = Detector(model, threshold=rule.threshold)
    assert whole.alarms(rule) == [round(d.end_s * 16_000) for d in detector.process(voice)] != []


@pytest.mark.parametrize("samples", [0, 15_919, 15_920, 17_199, 17_200, 46_640, 96_000])
def test_pieces_hold_the_windows_of_the_whole(make_model: Callable[..., Any], voice: np.ndarray, samples: int) -> None:
    model = make_model()
    pieces, whole = hear(model, voice[:samples]), hear_blocks(model, [voice[:samples]])
    assert pieces.end_sample.tolist() == whole.end_sample.tolist()
    np.testing.assert_allclose(pieces.scores, whole.scores, atol=1e-4)
    assert pieces.seconds == whole.seconds


@pytest.mark.parametrize("allowed", [0, 1, 3])
@pytest.mark.parametrize("seed", range(6))
def test_the_lowest_threshold_is_that_of_trying_all(make_model: Callable[..., Any], seed: int, allowed: int) -> None:
    model, streams = make_model(), [wandering(seed), wandering(seed + 100)]
    grid = np.round(np.arange(-10.0, 30.0, 0.05), 4)
    passes = [count_alarms(streams, model.rule(threshold=float(t))) <= allowed for t in grid]
    from_here_on = [all(passes[index:]) for index in range(len(grid))]
    assert lowest_threshold(model, streams, allowed) == pytest.approx(grid[from_here_on.index(True)], abs=1e-6)


def test_alarms_in_the_room_raise_the_threshold(make_model: Callable[..., Any]) -> None:
    model, streams = make_model(), [wandering(3)]  # its own threshold is 1.5
    chosen = calibrate(model, streams, 0.2)
    assert chosen.threshold > chosen.own == 1.5
    assert "raised" in chosen.reason
    assert count_alarms(streams, model.rule(threshold=chosen.threshold)) == chosen.false_alarms["count"] == 0
    assert count_alarms(streams, model.rule(threshold=chosen.threshold - 0.05)) > 0
    for threshold, count in chosen.by_threshold:
        assert count == count_alarms(streams, model.rule(threshold=threshold))


def test_a_quiet_room_lowers_it_only_as_far_as_is_shown(make_model: Callable[..., Any]) -> None:
    model, scores = make_model(), wandering(3).scores - 6.0
    short = calibrate(model, [stream(scores, 0.1)], 0.2)
    assert (short.threshold, short.own) == (1.5, 1.5)
    assert "at least 15 h" in short.reason
    assert short.false_alarms["upper_95"] == 30.0  # the rule of three
    assert calibrate(model, [stream(scores, 14.9)], 0.2).threshold == 1.5
    long = calibrate(model, [stream(scores, 15.1)], 0.2)
    assert long.threshold == pytest.approx(lowest_threshold(model, [stream(scores, 15.1)], 0), abs=1e-4)
    assert long.threshold < 0
    assert "lowered" in long.reason
    # 30 h allow six alarms, but show no more than 0.2 an hour with 95 % where there was at most one (4.74 / 30 h).
    longer = [stream(scores, 30.0)]
    chosen = calibrate(model, longer, 0.2)
    assert chosen.threshold == pytest.approx(lowest_threshold(model, longer, 1), abs=1e-4)
    assert chosen.false_alarms["upper_95"] <= 0.2


def test_without_a_window_there_is_nothing_to_judge_by(make_model: Callable[..., Any]) -> None:
    with pytest.raises(ValueError, match="no window"):
        calibrate(make_model(), [stream(np.zeros(0), 0.0)], 0.2)


def test_steady_sound_does_not_lower_the_threshold_to_where_the_detector_stays_deaf(
    make_model: Callable[..., Any],
) -> None:
    """An hour of a fan is one alarm at any threshold below it, however many are allowed: it is never armed again."""
    model = make_model()
    margin = model.rule().rearm_margin
    steady = stream(np.random.default_rng(0).uniform(-4.6, -4.1, 45_000), 1.0)
    found = calibrate(model, [steady], 5.0)
    assert found.threshold == pytest.approx(np.median(steady.scores) + margin, abs=0.01)
    assert found.threshold < found.own
    words = steady.scores.copy()
    said = np.arange(1000, len(words), 5000)
    words[said[:, None] + np.arange(3)] = found.threshold + 1.0  # a word is above it for some windows
    assert len(stream(words, 1.0).alarms(model.rule(threshold=found.threshold))) == len(said) == 9


def test_a_threshold_that_is_quiet_enough_is_not_raised_to_the_next_step(make_model: Callable[..., Any]) -> None:
    model = make_model()
    own = model.rule().threshold
    just_below = stream(np.where(np.arange(3750) % 100 < 3, own - 0.005, -5.0), 5 / 60)
    found = calibrate(model, [just_below], 0.2)
    assert (found.threshold, found.false_alarms["count"]) == (round(own, 4), 0)
    assert found.reason.startswith("the model's own")


def test_in_a_room_as_loud_as_the_keyword_it_is_raised_until_it_can_be_armed_again(
    make_model: Callable[..., Any],
) -> None:
    model = make_model()
    own, margin = model.rule().threshold, model.rule().rearm_margin
    for low, high in ((own + 0.2, own + 0.6), (own + 1.05, own + 3.0)):  # one alarm, after which it is deaf
        steady = stream(np.random.default_rng(0).uniform(low, high, 45_000), 10.0)
        assert count_alarms([steady], model.rule()) == 1
        found = calibrate(model, [steady], 1.0)
        assert found.threshold == round(
            max(np.median(steady.scores) + margin, lowest_threshold(model, [steady], 10)), 4
        )
        assert found.reason.startswith("raised")


def test_a_short_clip_does_not_say_what_a_room_is_like(make_model: Callable[..., Any]) -> None:
    model = make_model()
    room = stream(wandering(3).scores - 6.0, 100.0)
    clip = stream(np.array([model.rule().threshold - 0.3]), 1.2 / 3600)
    assert calibrate(model, [room, clip], 0.2).threshold < calibrate(model, [clip], 0.2).threshold == 1.5
