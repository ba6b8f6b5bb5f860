"""The Detector: streaming equals offline, reset is exact, nothing heard makes a score infinite."""

from __future__ import annotations

import numpy as np
import pytest

from wakeword import AudioError, Detector, FeatureSpec, ModelFileError, mfcc
from wakeword.windows import SlidingWindows


def scores_in_blocks(detector: Detector, samples: np.ndarray, sizes: list[int]) -> np.ndarray:
    scores, first = [], 0
    while first < len(samples):
        size = sizes[len(scores) % len(sizes)]
        scores.append(detector.step(samples[first : first + size]).scores)
        first += size
    return np.concatenate(scores)


@pytest.mark.parametrize("sizes", [[1], [7], [160], [1280], [16_000], "random"])
def test_streaming_equals_offline(make_model, voice: np.ndarray, sizes) -> None:
    model, detector = make_model(units=64), None
    if sizes == "random":
        sizes = np.random.default_rng(3).integers(1, 5000, 500).tolist()
    clip = voice[:32_000] if sizes in ([1], [7]) else voice
    offline = SlidingWindows([model], 8).push(mfcc(clip)).scores[:, 0, :]
    detector = Detector(model)
    streamed = scores_in_blocks(detector, clip, sizes)
    assert streamed.shape == offline.shape
    assert np.abs(streamed - offline).max() < 1e-4


def test_reset_is_exact(make_model, voice: np.ndarray) -> None:
    detector = Detector(make_model())
    first = scores_in_blocks(detector, voice, [1111])
    detector.process(voice[:12_345])
    detector.reset()
    np.testing.assert_array_equal(scores_in_blocks(detector, voice, [1111]), first)


@pytest.mark.parametrize(
    "samples",
    [
        np.full(32_000, np.nan, np.float32),
        np.full(32_000, np.inf, np.float64),
        np.full(32_000, -1e300),
        np.zeros(32_000, np.float32),
        np.sign(np.sin(np.arange(32_000))).astype(np.float32) * 50,
        np.full(32_000, 0.7, np.float32),
        np.full(32_000, -32_768, np.int16),
        np.full(32_000, 255, np.uint8),
    ],
    ids=["nan", "inf", "-1e300", "silence", "clipping", "dc", "int16 floor", "uint8 ceiling"],
)
def test_nothing_makes_a_score_infinite(make_model, samples: np.ndarray) -> None:
    detector = Detector(make_model())
    assert np.isfinite(detector.step(samples).scores).all()
    # ... and it leaves no trace once it has left the windows
    after = detector.step(np.zeros(64_000, np.float32)).scores
    clean = Detector(make_model()).step(np.zeros(64_000, np.float32)).scores
    np.testing.assert_allclose(after[-1], clean[-1], atol=1e-5)


def test_detects_where_the_scores_say(make_model, voice: np.ndarray) -> None:
    model = make_model()
    scores = Detector(model).step(voice).scores[:, 0]
    threshold = float(np.sort(scores)[-4])
    detector = Detector(model, threshold=threshold)
    detections = [d for first in range(0, len(voice), 999) for d in detector.process(voice[first : first + 999])]
    assert detections
    for detection in detections:
        window = round((detection.end_s - 15_920 / 16_000) / 0.08)
        assert detection.score == pytest.approx(scores[window], abs=1e-4)
        assert detection.score >= threshold
        assert detection.end_s - detection.start_s == pytest.approx(0.995)


def test_models_with_two_window_lengths_share_a_detector(make_model, voice: np.ndarray) -> None:
    short, long = make_model("short"), make_model("long", seed=1, spec=FeatureSpec(window_frames=146))
    step = Detector([short, long]).step(voice)
    for column, model in enumerate((short, long)):
        alone = Detector(model).step(voice)
        kept = ~np.isnan(step.scores[:, column])
        np.testing.assert_allclose(step.scores[kept, column], alone.scores[:, 0], atol=1e-5)
        np.testing.assert_allclose(step.window_end_s[kept], alone.window_end_s)


def test_integers_are_scaled_and_channels_averaged(make_model, voice: np.ndarray) -> None:
    as_int = np.round(voice * 32_768).astype(np.int16)
    stereo = np.stack([as_int, as_int], axis=1)
    one = Detector(make_model()).step(as_int / np.float32(32_768)).scores
    np.testing.assert_allclose(Detector(make_model()).step(stereo).scores, one, atol=1e-4)


def test_what_is_no_sound_is_refused(make_model) -> None:
    detector = Detector(make_model())
    for wrong in (np.array(["a"]), np.zeros((2, 2, 2)), np.zeros(5, np.complex64), [0, 1200, -1200]):
        with pytest.raises(AudioError, match="samples must be numbers"):
            detector.process(wrong)


def test_a_model_of_another_rate_is_refused(make_model) -> None:
    with pytest.raises(ModelFileError, match="hears 8000 Hz, not 16000 Hz"):
        Detector(make_model(spec=FeatureSpec(sample_rate=8000, f_max=4000.0)))


def test_an_unknown_point_names_the_ones_there_are(make_model) -> None:
    with pytest.raises(ModelFileError, match="it has: fpr_5, fpr_3, alarms"):
        Detector(make_model(), point="fpr_1")
    assert Detector(make_model(), point="fpr_3").thresholds == [1.0]
    with pytest.raises(ValueError, match="at least one model"):
        Detector([])
