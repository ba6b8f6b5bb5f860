"""Sound in: files and arrays of any rate, channels and sample format -> 16 kHz mono float32 blocks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from wakeword.errors import AudioError

SAMPLE_RATE = 16_000
#: Blocks read from a file: short enough that a day-long file needs no more memory than a second.
_READ_SECONDS = 0.5


def as_samples(array: np.ndarray) -> np.ndarray:
    """Any numeric array of samples -> float32 in [-1, 1], mono, all finite.

    array: (T,) or (T, channels); integers are scaled by their type's range, channels are averaged, NaN
    becomes silence and what exceeds full scale is clipped, so that nothing a driver or a broken file hands
    over can make a score infinite. Raises AudioError on an array of another shape or kind.
    """
    array = np.asarray(array)
    if array.ndim > 2 or array.dtype.kind not in "fiu":
        raise AudioError(f"samples must be numbers of shape (T,) or (T, channels), not {array.dtype} {array.shape}")
    if array.dtype.kind == "i":
        samples = array.astype(np.float32) / -float(np.iinfo(array.dtype).min)
    elif array.dtype.kind == "u":
        middle = (np.iinfo(array.dtype).max + 1) // 2
        samples = (array.astype(np.float32) - middle) / middle
    else:
        samples = np.clip(array, -1.0, 1.0).astype(np.float32)  # before float32, which would overflow
        if np.isnan(samples).any():
            samples = np.nan_to_num(samples, nan=0.0)
    return samples.mean(axis=1, dtype=np.float32) if samples.ndim == 2 else samples


class Resampler:
    """A stream at ``rate`` Hz -> the same stream at 16 kHz, block by block, with no seam between blocks."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.reset()

    def reset(self) -> None:
        """Forget everything heard."""
        self._soxr = None
        if self.rate != SAMPLE_RATE:
            import soxr  # here, because most streams never need it

            self._soxr = soxr.ResampleStream(self.rate, SAMPLE_RATE, 1, dtype="float32")

    def push(self, block: np.ndarray, last: bool = False) -> np.ndarray:
        """float32 (T,) at ``rate`` -> float32 (about T * 16000 / rate,); ``last`` flushes the filter's tail."""
        if self._soxr is None:
            return block
        # The filter may ring beyond full scale; the front end expects [-1, 1].
        return np.clip(self._soxr.resample_chunk(block, last=last), -1.0, 1.0)


def file_blocks(path: str | Path) -> Iterator[np.ndarray]:
    """The blocks of a sound file as float32 (T,) at 16 kHz, mono, in order.

    Reads whatever libsndfile reads (wav, flac, ogg, opus, mp3, aiff, ...). Raises AudioError in one sentence
    when the file is missing, is no sound file, breaks off in the middle, or holds no sample.
    """
    import soundfile  # here, because listening and training from arrays do without it

    path = Path(path)
    if not path.is_file():
        raise AudioError(f"{path}: there is no such file" if not path.exists() else f"{path} is not a file")
    heard = 0
    try:
        with soundfile.SoundFile(path) as sound:
            resampler = Resampler(sound.samplerate)
            for block in sound.blocks(max(1, int(_READ_SECONDS * sound.samplerate)), dtype="float32"):
                heard += len(block)
                yield resampler.push(as_samples(block))
            tail = resampler.push(np.zeros(0, np.float32), last=True)
    except (soundfile.LibsndfileError, OSError) as error:
        reason = getattr(error, "error_string", None) or str(error)
        raise AudioError(f"{path} cannot be read as sound ({reason.strip().rstrip('.')})") from error
    if not heard:
        raise AudioError(f"{path} holds no sound: it is empty")
    if len(tail):
        yield tail


def read_mono(path: str | Path) -> np.ndarray:
    """A whole sound file as float32 (T,) at 16 kHz, mono, in [-1, 1]. Raises AudioError like file_blocks."""
    return np.concatenate(list(file_blocks(path)))
