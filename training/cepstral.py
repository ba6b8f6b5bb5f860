"""Changes of a voice, a microphone and a rhythm, made on the cepstra themselves: cheap enough for every clip.

A cepstrum of a square front end (n_cepstra = n_mels) is its log-mel spectrum in another basis, so whatever is linear
in log-mel bands is one small matrix product here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from wakeword.features import FeatureSpec, dct_matrix

_SPREAD_SHARE = 0.7  # a spread that is taken over whole makes noise of what is almost constant in a clip
_BLOCK = 1024  # clips that are worked on at once: an epoch has so many that a few copies of it are gigabytes
_STEPS = 25  # throats between the shortest and the longest: finer steps could not be told apart


@dataclass(frozen=True)
class CepstralSettings:
    """How far each change goes; chances are per clip.

    throat        chance of another vocal-tract length (Jaitly and Hinton, 2013), its factor from ``throats`` (normal
                  around the middle of the range, which is about no change)
    equaliser     chance of another microphone or loudspeaker: a smooth curve over frequency, ``equaliser_level`` (in
                  nepers of power, the unit of log-mel) for the slowest part of it and less for the faster ones
    rhythm        chance of another rhythm: ``knots`` moments of the window move by ``drift`` frames each
    style         chance that a clip's mean and spread of each cepstrum move towards those of a recorded one
    """

    throat: float = 0.7
    throats: tuple[float, float] = (0.84, 1.2)
    equaliser: float = 0.7
    equaliser_level: float = 3.0
    equaliser_order: int = 5
    rhythm: float = 0.5
    knots: int = 6
    drift: float = 3.0
    style: float = 0.0


def warp_matrix(factor: float, spec: FeatureSpec) -> np.ndarray:
    """M with cepstra @ M = the cepstra of a throat ``factor`` times as long: float32 (n_cepstra, n_cepstra).

    Formants at f move to f / factor: each mel band takes what was heard at ``factor`` times its centre, between the
    two bands next to that. Needs n_cepstra = n_mels.
    """
    mel = np.linspace(_mel(spec.f_min), _mel(spec.f_max), spec.n_mels + 2)[1:-1]
    source = _mel(np.minimum(_hertz(mel) * factor, spec.f_max))
    place = np.clip((source - mel[0]) / (mel[1] - mel[0]), 0.0, spec.n_mels - 1)
    low = np.minimum(place.astype(int), spec.n_mels - 2)
    bands = np.zeros((spec.n_mels, spec.n_mels))
    bands[low, np.arange(spec.n_mels)] += 1.0 - (place - low)
    bands[low + 1, np.arange(spec.n_mels)] += place - low
    dct = dct_matrix(spec.n_mels, spec.n_cepstra)
    return (dct.T @ bands @ dct).astype(np.float32)


@lru_cache(maxsize=4)
def _throats(spec: FeatureSpec, shortest: float, longest: float) -> np.ndarray:
    return np.stack([warp_matrix(factor, spec) for factor in np.linspace(shortest, longest, _STEPS)])


def change_cepstra(
    cepstra: np.ndarray, spec: FeatureSpec, settings: CepstralSettings, rng: np.random.Generator
) -> np.ndarray:
    """Throat, equaliser and rhythm of float32 (B, F, C) cepstra, each clip its own; a new array."""
    changed = _change_throats(cepstra, spec, settings, rng)
    changed[:, :, 1 : settings.equaliser_order + 1] += _equaliser_curves(len(cepstra), settings, rng)[:, None]
    return _change_rhythm(changed, settings, rng)


def _change_throats(
    cepstra: np.ndarray, spec: FeatureSpec, settings: CepstralSettings, rng: np.random.Generator
) -> np.ndarray:
    middle = (_STEPS - 1) / 2
    step = np.clip(np.round(rng.normal(middle, middle / 2.4, len(cepstra))), 0, _STEPS - 1).astype(int)
    chosen = np.flatnonzero(rng.random(len(cepstra)) < settings.throat)
    changed = cepstra.copy()
    for part in np.split(chosen, range(_BLOCK, len(chosen), _BLOCK)):
        changed[part] = cepstra[part] @ _throats(spec, *settings.throats)[step[part]]
    return changed


def _equaliser_curves(count: int, settings: CepstralSettings, rng: np.random.Generator) -> np.ndarray:
    """What a filter adds to cepstra 1 .. order, float32 (count, order): a filter is a sum in the log domain."""
    order = settings.equaliser_order
    curves = rng.normal(0.0, settings.equaliser_level, (count, order)) / np.arange(1, order + 1)
    return (curves * (rng.random((count, 1)) < settings.equaliser)).astype(np.float32)


def _change_rhythm(cepstra: np.ndarray, settings: CepstralSettings, rng: np.random.Generator) -> np.ndarray:
    """Frames taken at times that run unevenly from the first frame to the last."""
    clips, frames, _ = cepstra.shape
    even = np.linspace(0.0, frames - 1.0, settings.knots)
    moved = even + rng.normal(0.0, settings.drift, (clips, settings.knots))
    moved[:, 0], moved[:, -1] = 0.0, frames - 1.0
    moved = np.sort(np.clip(moved, 0.0, frames - 1.0), axis=1)
    moved[rng.random(clips) >= settings.rhythm] = even
    times = np.stack([np.interp(np.arange(frames), even, knots) for knots in moved])
    before = np.minimum(times.astype(int), frames - 2)
    share = (times - before).astype(np.float32)[:, :, None]
    changed = np.empty_like(cepstra)
    for rows in _blocks(clips):
        row = np.arange(clips)[rows, None]
        changed[rows] = cepstra[row, before[rows]] * (1.0 - share[rows]) + cepstra[row, before[rows] + 1] * share[rows]
    return changed


def style_of(cepstra: np.ndarray) -> np.ndarray:
    """Mean and standard deviation of each cepstrum over a clip's louder frames: (B, F, C) -> float32 (2, B, C).

    They tell the voice, the microphone and the synthesizer more than the word.
    """
    styles = [_style_of(cepstra[rows]) for rows in _blocks(len(cepstra))]
    return np.concatenate(styles, axis=1) if styles else np.zeros((2, 0, cepstra.shape[2]), np.float32)


def _style_of(cepstra: np.ndarray) -> np.ndarray:
    loudness = cepstra[:, :, 0]
    loud = (loudness >= np.quantile(loudness, 0.6, axis=1, keepdims=True))[:, :, None]
    count = loud.sum(axis=1)
    mean = (cepstra * loud).sum(axis=1) / count
    spread = np.sqrt((np.square(cepstra - mean[:, None]) * loud).sum(axis=1) / count) + 0.1
    return np.stack([mean, spread]).astype(np.float32)


def transfer_style(cepstra: np.ndarray, styles: np.ndarray, chance: float, rng: np.random.Generator) -> np.ndarray:
    """Clips (B, F, C) with their style moved part of the way to another's, of ``styles`` (2, N, C); a new array.

    As MixStyle (Zhou et al., 2021), on the input instead of inside the network: where synthesized and recorded clips
    share their styles, style does not tell a synthesized keyword from recorded other words. The level (c0) stays.
    """
    mean, spread = style_of(cepstra)
    other = rng.integers(0, styles.shape[1], len(cepstra))
    share = (rng.random(len(cepstra)) * (rng.random(len(cepstra)) < chance)).astype(np.float32)[:, None]
    new_mean = mean + share * (styles[0, other] - mean)
    scale = (styles[1, other] / spread) ** (_SPREAD_SHARE * share)
    new_mean[:, 0], scale[:, 0] = mean[:, 0], 1.0
    moved = np.empty_like(cepstra)
    for rows in _blocks(len(cepstra)):
        moved[rows] = (cepstra[rows] - mean[rows, None]) * scale[rows, None] + new_mean[rows, None]
    return moved


def _blocks(clips: int) -> list[slice]:
    return [slice(first, first + _BLOCK) for first in range(0, clips, _BLOCK)]


def _mel(hertz: np.ndarray | float) -> np.ndarray:
    return 2595.0 * np.log10(1.0 + np.asarray(hertz) / 700.0)


def _hertz(mel: np.ndarray) -> np.ndarray:
    return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
