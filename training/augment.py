"""Making one recording into many: tempo, pitch, place, neighbours, level, noise, masks.

Each step imitates something that happens between a mouth and a model in use. Randomness comes from one
numpy Generator per epoch, so that an epoch's examples depend on (seed, epoch) and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import torch
import torchaudio
from torch import Tensor

from training.cepstral import CepstralSettings
from training.clips import active_range
from wakeword.features import dct_matrix

#: Ratios with small terms, because torchaudio's resampler is quick only for those.
_RATES = tuple(Fraction(n, 20) for n in (17, 18, 19, 20, 21, 22, 23))
_FADE = 80  # samples (5 ms): a join without a fade is a click, and a click is a feature


@dataclass(frozen=True)
class AugmentSettings:
    """How far each change goes. Probabilities are per clip, except tempo and pitch, which a group shares."""

    change_voice: float = 0.6  # chance that tempo and pitch change at all
    independent_pitch: float = 0.1  # of those: pitch apart from tempo (phase vocoder) instead of both at once
    slack: int = 800  # samples of the keyword's quiet edges that a shift may cut off
    neighbour: float = 0.5  # chance that the gap a shift leaves is filled with another word instead of silence
    gain_db: tuple[float, float] = (-18.0, 6.0)
    noise: float = 0.75
    noise_snr_db: tuple[float, float] = (0.0, 30.0)
    babble: float = 0.4  # of those: several people talking instead of a noise recording
    time_masks: int = 1
    time_mask_frames: int = 8
    mel_masks: int = 1
    mel_mask_bands: int = 4
    masks: float = 0.5  # chance of masks on a clip
    room: float = 0.3  # chance of a simulated room
    cepstral: CepstralSettings = field(default_factory=CepstralSettings)


def change_voice(clips: Tensor, settings: AugmentSettings, rng: np.random.Generator) -> Tensor:
    """One random tempo and pitch for a group of clips float32 (B, T); the length changes with the tempo."""
    if rng.random() >= settings.change_voice:
        return clips
    rate = _RATES[rng.integers(len(_RATES))]
    if rng.random() < settings.independent_pitch:
        clips = stretch(clips, float(rate))
        rate = 1 / rate if rng.random() < 0.5 else _RATES[rng.integers(len(_RATES))]
    # Played ``rate`` times as fast: tempo and pitch both rise by it.
    return torchaudio.functional.resample(clips, rate.numerator, rate.denominator)


def stretch(clips: Tensor, rate: float) -> Tensor:
    """Tempo times ``rate`` at the same pitch, by phase vocoder: (B, T) -> (B, about T / rate)."""
    n_fft, hop = 512, 128
    window = torch.hann_window(n_fft)
    spectrum = torch.stft(clips, n_fft, hop, window=window, return_complex=True)
    advance = torch.linspace(0, np.pi * hop, n_fft // 2 + 1)[:, None]
    stretched = torchaudio.functional.phase_vocoder(spectrum, rate, advance)
    return torch.istft(stretched, n_fft, hop, window=window, length=int(clips.shape[-1] / rate))


def place_keyword(clip: np.ndarray, samples: int, slack: int, rng: np.random.Generator) -> int:
    """A random offset at which a window of ``samples`` starts so that the keyword stays inside it."""
    start, end = active_range(clip)
    lowest, highest = end - slack - samples, start + slack
    if lowest > highest:  # the word is longer than the window: keep its end, which decides
        return end - samples
    return int(rng.integers(lowest, highest + 1))


def cut_window(clip: np.ndarray, offset: int, samples: int, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """clip[offset : offset + samples], float32 (samples,), with gaps filled from ``before`` and ``after``.

    ``before`` ends and ``after`` begins where the clip does; either may be empty, which leaves silence.
    """
    window = np.zeros(samples, dtype=np.float32)
    first, last = max(0, -offset), min(samples, len(clip) - offset)
    if last > first:
        window[first:last] = clip[offset + first : offset + last]
    fade = np.linspace(0.0, 1.0, _FADE, dtype=np.float32)
    if first > 0 and last - first >= _FADE:
        window[first : first + _FADE] *= fade
    if last < samples and last - first >= _FADE:
        window[last - _FADE : last] *= fade[::-1]
    if len(before) and first:
        piece = before[-first:]
        window[first - len(piece) : first] = piece
    if len(after) and last < samples:
        piece = after[: samples - last]
        window[last : last + len(piece)] = piece
    return window


def add_noise(clips: Tensor, noise: Tensor, settings: AugmentSettings, rng: np.random.Generator) -> Tensor:
    """Random levels, then noise (B, T) at random signal-to-noise ratios on a random part of clips (B, T)."""
    gain = torch.from_numpy(rng.uniform(*settings.gain_db, len(clips)).astype(np.float32))
    snr = torch.from_numpy(rng.uniform(*settings.noise_snr_db, len(clips)).astype(np.float32))
    usable = (noise.square().mean(-1) > 1e-9) & (clips.square().mean(-1) > 1e-9)
    noisy = usable & torch.from_numpy(rng.random(len(clips)) < settings.noise)
    mixed = clips.clone()
    if noisy.any():
        mixed[noisy] = torchaudio.functional.add_noise(clips[noisy], noise[noisy], snr[noisy])
    peak = mixed.abs().amax(-1).clamp_min(1e-4)
    loudest = 20.0 * torch.log10(1.0 / peak)  # a gain beyond this would clip; a little clipping does happen
    return (mixed * 10.0 ** (torch.minimum(gain, loudest + 3.0) / 20.0)[:, None]).clamp(-1.0, 1.0)


def mask_features(cepstra: np.ndarray, settings: AugmentSettings, rng: np.random.Generator) -> np.ndarray:
    """SpecAugment (Park et al., 2019) on float32 (B, F, C) cepstra, with frequency masks in the mel domain.

    A cepstrum has no bands to mask, but the orthonormal DCT of a square front end (n_cepstra = n_mels) is
    undone exactly. A masked stretch takes the clip's mean, so that nothing new is heard in it.
    """
    chosen = np.flatnonzero(rng.random(len(cepstra)) < settings.masks)
    n_coefficients = cepstra.shape[2]
    dct = dct_matrix(n_coefficients, n_coefficients).astype(np.float32)
    masked = cepstra.copy()
    for index in chosen:
        log_mel = cepstra[index] @ dct.T
        level = float(torch.from_numpy(log_mel).mean())
        for axis, masks, width in (
            (0, settings.time_masks, settings.time_mask_frames),
            (1, settings.mel_masks, settings.mel_mask_bands),
        ):
            for _ in range(masks):
                size = int(rng.integers(0, width + 1))
                start = int(rng.integers(0, log_mel.shape[axis] - size + 1))
                log_mel[(slice(None),) * axis + (slice(start, start + size),)] = level
        masked[index] = log_mel @ dct
    return masked
