"""The front end against its definition, written out slowly, and against torchaudio and librosa."""

from __future__ import annotations

import numpy as np
import pytest

from wakeword.features import FeatureSpec, FeatureStream, dct_matrix, mel_filters, mfcc


def slow_mfcc(samples: np.ndarray, spec: FeatureSpec) -> np.ndarray:
    """The definition, one frame and one bin at a time, in float64."""
    rows = []
    n = np.arange(spec.frame_length)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * n / spec.frame_length)
    bins = np.arange(spec.n_fft // 2 + 1)
    dft = np.exp(-2j * np.pi * np.outer(bins, n) / spec.n_fft)
    k = np.arange(spec.n_mels)
    for start in range(0, len(samples) - spec.frame_length + 1, spec.hop_length):
        frame = samples[start : start + spec.frame_length].astype(np.float64) * hann
        power = np.abs(dft @ frame) ** 2
        log_mel = np.log(power @ mel_filters(spec) + spec.log_offset)
        scale = np.full(spec.n_cepstra, np.sqrt(2 / spec.n_mels))
        scale[0] = np.sqrt(1 / spec.n_mels)
        rows.append(
            [
                scale[c] * np.sum(log_mel * np.cos(np.pi * c * (2 * k + 1) / (2 * spec.n_mels)))
                for c in range(spec.n_cepstra)
            ]
        )
    return np.array(rows)


def test_one_second_is_98_frames_of_32() -> None:
    assert mfcc(np.zeros(16_000, np.float32)).shape == (98, 32)
    assert FeatureSpec().frames_in(16_000) == 98
    assert FeatureSpec().window_samples == 15_920


@pytest.mark.parametrize(
    "spec",
    [
        FeatureSpec(),
        FeatureSpec(n_cepstra=13, n_mels=40, n_fft=512, f_min=20.0, f_max=7600.0, hop_length=200),
    ],
)
def test_equals_the_slow_definition(voice: np.ndarray, spec: FeatureSpec) -> None:
    clip = voice[:8000]
    np.testing.assert_allclose(mfcc(clip, spec), slow_mfcc(clip, spec), atol=1e-3)


def test_agrees_with_torchaudio(voice: np.ndarray) -> None:
    torch = pytest.importorskip("torch")
    transforms = pytest.importorskip("torchaudio.transforms")
    reference = transforms.MFCC(
        16_000, 32, log_mels=True, melkwargs={"n_fft": 400, "hop_length": 160, "n_mels": 32, "center": False}
    )
    for clip in (voice, voice * 1e-3, np.random.default_rng(0).uniform(-1, 1, 16_000).astype(np.float32)):
        theirs = reference(torch.from_numpy(clip)).numpy().T
        assert np.abs(mfcc(clip) - theirs).max() < 1e-3


def test_mel_filters_are_librosas() -> None:
    librosa = pytest.importorskip("librosa")
    spec = FeatureSpec()
    theirs = librosa.filters.mel(sr=16_000, n_fft=400, n_mels=32, fmin=0.0, fmax=8000.0, htk=True, norm=None)
    np.testing.assert_allclose(mel_filters(spec), theirs.T, atol=1e-6)


def test_dct_is_orthonormal() -> None:
    dct = dct_matrix(32, 32)
    np.testing.assert_allclose(dct.T @ dct, np.eye(32), atol=1e-12)


def test_a_batch_is_its_clips(voice: np.ndarray) -> None:
    batch = voice.reshape(2, 3, -1)
    together = mfcc(batch)
    assert together.shape == (2, 3, 98, 32)
    for i in range(2):
        for j in range(3):
            np.testing.assert_allclose(together[i, j], mfcc(batch[i, j]), atol=1e-5)


def test_a_long_clip_is_its_blocks() -> None:
    long = np.random.default_rng(1).uniform(-0.1, 0.1, 16_000 * 12).astype(np.float32)
    frames = mfcc(long)
    np.testing.assert_allclose(frames[700:798], mfcc(long[700 * 160 : 700 * 160 + 16_000]), atol=1e-5)


def test_less_than_a_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="399 samples are less than one frame"):
        mfcc(np.zeros(399, np.float32))


@pytest.mark.parametrize("block", [1, 7, 160, 399, 400, 401, 1280, 16_000])
def test_streaming_equals_offline(voice: np.ndarray, block: int) -> None:
    clip = voice[: 16_000 if block < 100 else None]
    stream = FeatureStream()
    frames = np.concatenate([stream.push(clip[i : i + block]) for i in range(0, len(clip), block)])
    np.testing.assert_allclose(frames, mfcc(clip), atol=1e-5)


def test_parallel_streams_and_reset(voice: np.ndarray) -> None:
    pair = voice.reshape(2, -1)
    stream = FeatureStream(streams=2)
    stream.push(pair[:, :777])
    stream.reset()
    frames = np.concatenate([stream.push(pair[:, i : i + 1000]) for i in range(0, pair.shape[1], 1000)], axis=1)
    np.testing.assert_allclose(frames, mfcc(pair), atol=1e-5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"hop_length": 0},
        {"window_frames": 10**9},
        {"hop_length": 401},
        {"n_fft": 256},
        {"n_cepstra": 33},
        {"f_max": 9000.0},
        {"log_offset": 0.0},
        {"n_mels": 2.5},
    ],
)
def test_an_impossible_spec_is_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="FeatureSpec"):
        FeatureSpec(**wrong)
