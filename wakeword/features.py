"""The one front end: samples -> MFCC frames, offline and streaming, for training and for listening.

The paper's setting (DROCC, section 5, audio): 32 mel filters, 25 ms frames every 10 ms, so one second of
16 kHz audio is 98 frames of 32 cepstra. The definition is torchaudio.transforms.MFCC with log_mels=True and
center=False (HTK mel scale, triangular filters without area normalisation, orthonormal DCT-II). There is no
centre padding and no clip-relative floor, because a stream has neither a middle nor a loudest moment.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from functools import lru_cache

import numpy as np

#: Of the arithmetic: what keeps frames between runs keeps none of another revision. Raised with every changed bit.
REVISION = 2
#: Frames are transformed in blocks of about this many, so that a long file needs no more memory than a short one.
_FRAMES_PER_BLOCK = 512
#: No front end for speech comes near this; a damaged model file could ask for any amount of memory.
_LARGEST = 8192


@dataclass(frozen=True)
class FeatureSpec:
    """Every parameter of the front end; it travels inside the model file.

    Lengths are in samples, frequencies in Hz. ``window_frames`` is how many frames one decision sees:
    98 frames are exactly one second.
    """

    sample_rate: int = 16_000
    frame_length: int = 400
    hop_length: int = 160
    n_fft: int = 400
    n_mels: int = 32
    n_cepstra: int = 32
    f_min: float = 0.0
    f_max: float = 8_000.0
    log_offset: float = 1e-6
    window_frames: int = 98

    def __post_init__(self) -> None:
        whole = [f.name for f in fields(self) if f.type == "int"]
        if any(not isinstance(getattr(self, name), int) or getattr(self, name) < 1 for name in whole):
            raise ValueError(f"every length and count of a FeatureSpec is a whole number above 0: {self}")
        if max(self.n_fft, self.n_mels, self.window_frames) > _LARGEST:
            raise ValueError(f"a FeatureSpec with a size above {_LARGEST} is a damaged one: {self}")
        if not self.hop_length <= self.frame_length <= self.n_fft or self.n_cepstra > self.n_mels:
            raise ValueError(f"a FeatureSpec needs hop_length <= frame_length <= n_fft and n_cepstra <= n_mels: {self}")
        if not 0.0 <= self.f_min < self.f_max <= self.sample_rate / 2 or not self.log_offset > 0.0:
            raise ValueError(f"a FeatureSpec needs 0 <= f_min < f_max <= rate/2 and log_offset > 0: {self}")

    @property
    def window_samples(self) -> int:
        """Samples under one window: 98 frames -> (98 - 1) * 160 + 400 = 15,920."""
        return (self.window_frames - 1) * self.hop_length + self.frame_length

    def frames_in(self, samples: int) -> int:
        """How many whole frames ``samples`` samples hold: 16,000 -> 98."""
        return max(0, (samples - self.frame_length) // self.hop_length + 1)

    def to_dict(self) -> dict[str, int | float]:
        """The parameters as plain JSON values."""
        return asdict(self)


def mel_filters(spec: FeatureSpec) -> np.ndarray:
    """Triangular mel filters, HTK scale, peak 1: float64 (n_fft // 2 + 1, n_mels).

    Equal to librosa.filters.mel(htk=True, norm=None) transposed and to torchaudio's melscale_fbanks.
    """
    bins = np.linspace(0.0, spec.sample_rate / 2, spec.n_fft // 2 + 1)
    lowest, highest = (2595.0 * np.log10(1.0 + f / 700.0) for f in (spec.f_min, spec.f_max))
    corners = 700.0 * (10.0 ** (np.linspace(lowest, highest, spec.n_mels + 2) / 2595.0) - 1.0)
    rising = (bins[:, None] - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - bins[:, None]) / (corners[2:] - corners[1:-1])
    return np.maximum(0.0, np.minimum(rising, falling))


def dct_matrix(n_in: int, n_out: int) -> np.ndarray:
    """Orthonormal DCT-II as a matrix: float64 (n_in, n_out); ``log_mel @ dct_matrix`` are the cepstra."""
    k = np.arange(n_out)
    basis = np.cos(np.pi / n_in * (np.arange(n_in)[:, None] + 0.5) * k) * np.sqrt(2.0 / n_in)
    basis[:, 0] /= np.sqrt(2.0)
    return basis


@lru_cache(maxsize=16)
def _tables(spec: FeatureSpec) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(Hann window float32, mel filters and DCT float64) of a spec, read-only because they are shared."""
    hann = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(spec.frame_length) / spec.frame_length)
    tables = (hann.astype(np.float32), mel_filters(spec), dct_matrix(spec.n_mels, spec.n_cepstra))
    for table in tables:
        table.flags.writeable = False
    return tables


def _cepstra(frames: np.ndarray, spec: FeatureSpec) -> np.ndarray:
    """Frames of samples float32 (..., F, frame_length) -> cepstra float32 (..., F, n_cepstra)."""
    hann, mel, dct = _tables(spec)
    spectrum = np.fft.rfft(frames * hann, n=spec.n_fft)
    power = np.square(spectrum.real)
    power += np.square(spectrum.imag)
    # Both products in float64: in float32 a BLAS may sum a frame in another order in a block of another length, and
    # the same frame would differ by 1e-5.
    log_mel = (power @ mel).astype(np.float32)
    log_mel += np.float32(spec.log_offset)
    return (np.log(log_mel, out=log_mel) @ dct).astype(np.float32)


def _framed(samples: np.ndarray, spec: FeatureSpec) -> np.ndarray:
    """A view (C, F, frame_length) of the whole frames in ``samples``, C-contiguous (C, T); no copy.

    The plain constructor checks the bounds as sliding_window_view does, in a fiftieth of the time: of a block of 80 ms
    the latter took a third.
    """
    clips, length = samples.shape
    row, item = samples.strides
    shape = (clips, spec.frames_in(length), spec.frame_length)
    return np.ndarray(shape, samples.dtype, samples, strides=(row, spec.hop_length * item, item))


def mfcc(samples: np.ndarray, spec: FeatureSpec = FeatureSpec()) -> np.ndarray:
    """MFCC of one clip or of a batch.

    samples: (..., T) in [-1, 1] at spec.sample_rate, T >= frame_length. Returns float32 (..., F, n_cepstra)
    with F = spec.frames_in(T): 16,000 samples -> (98, 32). Raises ValueError on a shorter clip.
    """
    samples = np.ascontiguousarray(samples, dtype=np.float32)
    if samples.shape[-1] < spec.frame_length:
        raise ValueError(f"{samples.shape[-1]} samples are less than one frame of {spec.frame_length}")
    framed = _framed(samples.reshape(-1, samples.shape[-1]), spec)
    clips, frames = framed.shape[:2]
    if clips * frames <= _FRAMES_PER_BLOCK:
        return _cepstra(framed, spec).reshape(*samples.shape[:-1], frames, spec.n_cepstra)
    out = np.empty((clips, frames, spec.n_cepstra), dtype=np.float32)
    clips_at_once = max(1, _FRAMES_PER_BLOCK // frames)
    for clip in range(0, clips, clips_at_once):
        for frame in range(0, frames, _FRAMES_PER_BLOCK):
            block = np.s_[clip : clip + clips_at_once, frame : frame + _FRAMES_PER_BLOCK]
            out[block] = _cepstra(framed[block], spec)
    return out.reshape(*samples.shape[:-1], frames, spec.n_cepstra)


class FeatureStream:
    """The same frames from blocks of any length; ``streams`` parallel streams share one call.

    >>> stream = FeatureStream()
    >>> [stream.push(np.zeros(n, np.float32)).shape for n in (399, 1, 160, 320)]
    [(0, 32), (1, 32), (1, 32), (2, 32)]
    """

    def __init__(self, spec: FeatureSpec | None = None, streams: int | None = None) -> None:
        self.spec = spec or FeatureSpec()
        self._lead = () if streams is None else (streams,)
        self.reset()

    def reset(self) -> None:
        """Forget everything heard: the next sample is the first."""
        self._rest = np.zeros((*self._lead, 0), dtype=np.float32)

    def push(self, block: np.ndarray) -> np.ndarray:
        """Samples (T,), or (streams, T), in [-1, 1] -> the frames they complete, (F, n_cepstra) with the same lead."""
        block = np.asarray(block, dtype=np.float32)
        heard = np.concatenate((self._rest, block), axis=-1) if self._rest.shape[-1] else block
        frames = self.spec.frames_in(heard.shape[-1])
        if not frames:
            self._rest = heard.copy()
            return np.zeros((*self._lead, 0, self.spec.n_cepstra), dtype=np.float32)
        cepstra = mfcc(heard, self.spec)
        self._rest = heard[..., frames * self.spec.hop_length :].copy()
        return cepstra
