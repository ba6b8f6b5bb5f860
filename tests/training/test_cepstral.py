"""Changes made on cepstra, against what the same change of the sound gives."""

from __future__ import annotations

import numpy as np
import pytest

from training.cepstral import CepstralSettings, change_cepstra, style_of, transfer_style, warp_matrix
from wakeword import FeatureSpec, mfcc
from wakeword.features import dct_matrix, mel_filters

SPEC = FeatureSpec()


def noise(clips: int, seed: int = 0) -> np.ndarray:
    return mfcc(np.random.default_rng(seed).normal(0, 0.1, (clips, 16_000)).astype(np.float32))


def test_a_longer_throat_moves_a_formant_down_as_in_the_spectrum() -> None:
    """A band of noise at 2 kHz, warped by 1.2, peaks where one at 2000 / 1.2 Hz does."""

    def band(hertz: float) -> np.ndarray:
        spectrum = np.fft.rfft(np.random.default_rng(1).normal(0, 1, 16_000))
        bins = np.fft.rfftfreq(16_000, 1 / 16_000)
        clip = np.fft.irfft(spectrum * np.exp(-(((bins - hertz) / (0.06 * hertz)) ** 2)))
        return (0.1 * clip / clip.std()).astype(np.float32)

    def peak(cepstra: np.ndarray) -> int:
        return int((cepstra.mean(0) @ dct_matrix(32, 32).T).argmax())

    for factor in (0.84, 1.0, 1.2):
        warped = mfcc(band(2000.0)) @ warp_matrix(factor, SPEC)
        assert abs(peak(warped) - peak(mfcc(band(2000.0 / factor)))) <= 1


def test_no_change_of_throat_is_none() -> None:
    np.testing.assert_allclose(warp_matrix(1.0, SPEC), np.eye(32), atol=1e-5)


def test_an_equaliser_is_a_filter() -> None:
    """Multiplying the power spectrum by a curve over the mel bands adds the curve's cepstra, to the slowest orders."""
    cepstra = noise(1)
    settings = CepstralSettings(throat=0.0, rhythm=0.0, equaliser=1.0)
    changed = change_cepstra(cepstra, SPEC, settings, np.random.default_rng(3))
    curve = (changed - cepstra)[0]
    np.testing.assert_allclose(curve, np.broadcast_to(curve[0], curve.shape), atol=1e-4)
    assert np.abs(curve[0, 1:6]).min() > 1e-3
    np.testing.assert_allclose(curve[0, [0, *range(6, 32)]], 0.0, atol=1e-4)
    gain = np.exp(curve[0].astype(np.float64) @ dct_matrix(32, 32).T)
    power = np.abs(np.random.default_rng(0).normal(size=(5, 201))) @ mel_filters(SPEC)
    np.testing.assert_allclose(
        np.log(power * gain) @ dct_matrix(32, 32), np.log(power) @ dct_matrix(32, 32) + curve[0], atol=1e-4
    )


def test_rhythm_keeps_the_ends_and_the_order_of_frames() -> None:
    ramp = np.broadcast_to(np.arange(98, dtype=np.float32)[None, :, None], (40, 98, 32)).copy()
    settings = CepstralSettings(throat=0.0, equaliser=0.0, rhythm=1.0)
    times = change_cepstra(ramp, SPEC, settings, np.random.default_rng(0))[:, :, 0]
    np.testing.assert_allclose(times[:, 0], 0.0)
    np.testing.assert_allclose(times[:, -1], 97.0)
    assert (np.diff(times, axis=1) >= -1e-4).all()
    assert np.abs(times - np.arange(98)).max() > 2.0
    assert np.abs(times - np.arange(98)).max() < 20.0


def test_chances_are_per_clip_and_none_leaves_all_as_it_was() -> None:
    cepstra = noise(200)
    off = CepstralSettings(throat=0.0, equaliser=0.0, rhythm=0.0)
    np.testing.assert_allclose(change_cepstra(cepstra, SPEC, off, np.random.default_rng(0)), cepstra, atol=1e-4)
    half = CepstralSettings(throat=0.0, equaliser=0.5, rhythm=0.0)
    changed = change_cepstra(cepstra, SPEC, half, np.random.default_rng(0))
    share = (np.abs(changed - cepstra).max((1, 2)) > 1e-3).mean()
    assert share == pytest.approx(0.5, abs=0.12)


def test_a_style_is_the_mean_and_spread_of_the_loud_frames() -> None:
    cepstra = noise(3)
    mean, spread = style_of(cepstra)
    for clip, m, s in zip(cepstra, mean, spread, strict=True):
        loud = clip[clip[:, 0] >= np.quantile(clip[:, 0], 0.6)]
        np.testing.assert_allclose(m, loud.mean(0), rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(s, loud.std(0) + 0.1, rtol=1e-3, atol=1e-3)


def test_a_clip_takes_on_another_style_but_keeps_its_level() -> None:
    cepstra, others = noise(50), noise(20, seed=9) * 1.5 + 2.0
    styles = style_of(others)
    moved = transfer_style(cepstra, styles, 1.0, np.random.default_rng(0))
    np.testing.assert_allclose(moved[:, :, 0], cepstra[:, :, 0], atol=1e-3)
    before, after, goal = style_of(cepstra)[0, :, 1:], style_of(moved)[0, :, 1:], styles[0, :, 1:].mean(0)
    assert np.abs(after - goal).mean() < 0.75 * np.abs(before - goal).mean()
    assert np.abs(after - before).max() <= np.abs(styles[0][:, None] - style_of(cepstra)[0]).max() + 1e-3
    np.testing.assert_allclose(transfer_style(cepstra, styles, 0.0, np.random.default_rng(0)), cepstra, atol=1e-3)
