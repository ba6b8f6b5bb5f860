"""Streaming evaluation and calibration: the same Decider, the right ratios, thresholds where they should lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.calibrate import CalibrationSettings, calibrate, choose_rule, clip_scores, stress_streams
from training.corpus import load_corpus
from training.evaluate import evaluate
from training.streams import active_rms, at_snr, babble, hear_all, hear_clips, hear_long, missed, string_together
from wakeword import DecisionRule, Detector
from wakeword.alarms import Heard, hear, hear_blocks


def test_alarms_are_the_detectors_own(make_model, voice: np.ndarray) -> None:
    model = make_model()
    heard = hear(model, voice)
    for threshold in np.quantile(heard.scores, [0.3, 0.6, 0.9]):
        detector = Detector(model, threshold=float(threshold))
        rule = model.rule(threshold=float(threshold))
        ends = [round(detection.end_s * 16_000) for detection in detector.process(voice)]
        assert heard.alarms(rule) == ends
        assert ends


def test_strings_and_noise() -> None:
    clips = [np.full(1600, 16_384, np.int16), np.full(800, -16_384, np.int16)]
    stream = string_together(clips, gap_s=0.1)
    assert len(stream) == 3 * 1600 + 2400
    assert stream[1600] == pytest.approx(0.5, abs=1e-3)
    tone = 0.1 * np.sin(np.arange(16_000) * 0.2).astype(np.float32)
    noise = np.random.default_rng(0).standard_normal(16_000).astype(np.float32)
    level = float(np.sqrt(np.mean(tone**2)))
    added = at_snr(tone, noise, 20.0, level) - tone
    assert 20 * np.log10(level / np.sqrt(np.mean(added**2))) == pytest.approx(20.0, abs=0.1)


def test_babble_has_equally_loud_talkers() -> None:
    rng = np.random.default_rng(0)
    loud, quiet = (rng.normal(0, sigma, 32_000).astype(np.int16) for sigma in (8000, 80))
    mixed = babble([loud, quiet], 16_000, talkers=4, rng=rng)
    assert np.sqrt(np.mean(mixed**2)) == pytest.approx(2.0, rel=0.15)  # four independent voices of rms 1


def test_the_loud_part_sets_the_level() -> None:
    clip = np.zeros(16_000, np.float32)
    clip[4000:8000] = 0.25
    assert active_rms(clip) == pytest.approx(0.25, rel=0.02)


def test_clip_scores_are_the_first_windows(make_model, melodies: Path) -> None:
    model = make_model()
    clips = load_corpus("rise", melodies / "words").words["test"].samples[:5]
    expected = [Detector(model).step(clip / np.float32(32_767)).scores[0, 0] for clip in clips]
    np.testing.assert_allclose(clip_scores(model, clips), expected, atol=1e-4)
    assert clip_scores(model, clips[:0]).shape == (0,)


def test_calibration_and_evaluation_keep_what_they_promise(make_model, melodies: Path) -> None:
    """On a random model: thresholds hold their rates on validation, and the figures say what was counted."""
    corpus = load_corpus("rise", melodies / "words", [melodies / "speech"], [melodies / "noise"])
    model, settings = make_model(), CalibrationSettings()
    card = calibrate(model, corpus, settings, seed=0)
    words = corpus.words["validation"]
    negatives = clip_scores(model, words.samples[~words.is_keyword])
    for percent in (3, 5):
        assert (negatives >= card["operating_points"][f"fpr_{percent}"]["threshold"]).mean() <= percent / 100
    rule = settings.rule(card["operating_points"]["alarms"]["threshold"])
    streams = [hear(model, stream) for stream in stress_streams(corpus, 0)]
    hours = sum(stream.seconds for stream in streams) / 3600
    assert sum(len(stream.alarms(rule)) for stream in streams) <= settings.alarms_per_hour * hours
    model.card.update(card)
    figures = evaluate(model, corpus, seed=0).figures
    test = corpus.words["test"]
    assert figures["clips"]["fpr_3"]["recall"]["n"] == test.is_keyword.sum()
    assert figures["clips"]["fpr_3"]["fpr_reached"]["n"] == (~test.is_keyword).sum()
    point = figures["streaming"]["points"]["alarms"]
    heard = hear_clips(model, test.samples[test.is_keyword])
    assert point["miss_in_silence"]["count"] == missed(heard, model.rule("alarms"))
    assert {row["word"] for row in figures["worst_confusions"]} <= {"fall", "flat", "dip"}


@pytest.mark.parametrize(
    ("by_people", "keyword", "threshold", "alarms"),
    [
        (True, 9.0, 5.0, 0),  # half way between the last alarm that counts and the first miss
        (True, 4.0, 3.05, 0),  # there would be one of the two alarms half way
        (True, 2.0, 2.0, 1),  # the keyword is not as high as the highest alarm
        (False, 9.0, 3.05, 0),  # engines say the keyword: above the highest alarm
        (False, 2.0, 2.0, 1),  # the keyword is not as high as that
        (True, 0.5, 1.05, 1),  # no room at all: no more alarms than are allowed
        (False, 0.5, 1.05, 1),
    ],
)
def test_the_default_point_makes_use_of_its_room(
    by_people: bool, keyword: float, threshold: float, alarms: int
) -> None:
    """One alarm in two hours is allowed, so of two alarms one counts; see _alarm_point."""
    from training import calibrate as module

    def heard(*peaks: float, hours: float = 0.0) -> Heard:
        scores = [-5.0] * 5 + [score for peak in peaks for score in [peak] * 4 + [-5.0] * 20]
        return heard_at(scores, hours)

    streams = [heard(1.0, 3.0, hours=2.0)]
    point = module._alarm_point(streams, [heard(keyword)] * 10, CalibrationSettings(), by_people)
    assert point["threshold"] == pytest.approx(threshold, abs=0.051)
    assert point["validation"]["false_alarms"]["count"] == alarms
    assert point["validation"]["missed"] == (0 if threshold <= keyword else 10)
    assert DecisionRule(point["threshold"]).threshold == point["threshold"]


def test_clips_heard_together_are_heard_as_alone(make_model) -> None:
    rng = np.random.default_rng(0)
    model = make_model()
    streams = [rng.normal(0, 0.1, n).astype(np.float32) for n in (48_000, 31_000, 15_000, 40_017)]
    for alone, heard in zip(streams, hear_all(model, streams), strict=True):
        expected = hear_blocks(model, [alone])
        assert heard.end_sample.tolist() == expected.end_sample.tolist()
        np.testing.assert_allclose(heard.scores, expected.scores, atol=1e-4)
        assert heard.seconds == expected.seconds


def test_all_cores_hear_what_one_hears_in_the_same_order(make_model) -> None:
    rng = np.random.default_rng(1)
    model = make_model()
    long = [rng.normal(0, 0.1, n).astype(np.float32) for n in (200_000, 15_000, 96_000, 150_017)]
    for stream, heard in zip(long, hear_long(model, long), strict=True):
        expected = hear(model, stream)
        np.testing.assert_array_equal(heard.scores, expected.scores)
        assert (heard.end_sample.tolist(), heard.seconds) == (expected.end_sample.tolist(), expected.seconds)
    short = [rng.normal(0, 0.1, 20_000 + 40 * n).astype(np.float32) for n in range(70)]  # three groups
    assert [heard.seconds for heard in hear_all(model, short)] == [len(stream) / 16_000 for stream in short]


def heard_at(scores: list[float], hours: float = 1.0) -> Heard:
    return Heard(15_920 + 1280 * np.arange(len(scores)), np.array(scores, np.float32), hours * 3600)


@pytest.mark.parametrize(
    ("alarming", "spoken", "expected"),
    [
        # Single windows of other sound score as high as the keyword, which stays high: several windows tell them apart.
        ([-9.0, 5.0, -9.0, -9.0, 5.0, -9.0], [-9.0, 4.0, 4.0, 4.0, 4.0, -9.0], (2, 3)),
        # Other sound stays at its height; the keyword is higher, but for one window only.
        ([-9.0, 3.0, 3.0, 3.0, 3.0, -9.0], [-9.0, 2.0, 6.0, 2.0, -9.0, -9.0], (1, 1)),
        # Nothing tells the rules apart: the quickest.
        ([-9.0, -9.0, -9.0, -9.0, -9.0, -9.0], [-9.0, 4.0, 4.0, 4.0, 4.0, -9.0], (1, 1)),
    ],
)
def test_the_rule_is_the_one_that_misses_least(
    alarming: list[float], spoken: list[float], expected: tuple[int, int]
) -> None:
    chosen = choose_rule([heard_at(alarming)], [heard_at(spoken)], CalibrationSettings(n=3, m=4))
    assert (chosen.n, chosen.m) == expected
