"""Sound in: files and arrays of any rate, channels and sample format -> 16 kHz mono float32 blocks."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from wakeword.errors import AudioError

SAMPLE_RATE = 16_000
#: What is taken for sound in a folder; libsndfile reads them all.
_SUFFIXES = frozenset((".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff", ".au", ".caf", ".w64"))
#: Blocks read from a file: short enough that a day-long file needs no more memory than a second.
_READ_SECONDS = 0.5
#: And never more numbers than this in one block, whatever rate and channels a file claims.
_READ_VALUES = 2**21
#: No converter is faster; a damaged header may claim any rate, and a resampler from one of 2 GHz takes seconds to make.
_HIGHEST_RATE = 2**20


def as_samples(array: np.ndarray) -> np.ndarray:
    """Any numeric array of samples -> float32 in [-1, 1], mono, all finite.

    array: (T,) or (T, channels); integers are scaled by their type's range, channels are averaged, NaN
    becomes silence and what exceeds full scale is clipped, so that nothing a driver or a broken file hands
    over can make a score infinite. Raises AudioError on another shape or kind, and on 64-bit integers, which
    are counts or Python's own numbers and never come from a converter.
    """
    array = np.asarray(array)
    usable = array.dtype.kind == "f" or (array.dtype.kind in "iu" and array.dtype.itemsize <= 4)
    if array.ndim not in (1, 2) or array.shape[1:] == (0,) or not usable:
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
    when the file is missing, is no sound file, is damaged in the middle, or holds no sample. A wav or ogg file
    that was cut short is read as far as it goes, because libsndfile does not tell.
    """
    path = Path(path)
    try:
        if not path.is_file():
            raise AudioError(f"{path} is not a file" if path.exists() else f"{path}: there is no such file")
    except OSError as error:  # such as a name that is too long
        raise AudioError(f"{path} cannot be read as sound ({error.strerror or error})") from error
    # As bytes, because soundfile refuses a name that is not UTF-8; Windows has no such names.
    yield from _blocks(str(path) if os.name == "nt" else os.fsencode(path), str(path))


def memory_blocks(content: bytes, name: str) -> Iterator[np.ndarray]:
    """Like file_blocks, of the bytes of a sound file that is on no disk; ``name`` is what messages call it."""
    yield from _blocks(io.BytesIO(content), name)


def _blocks(source: str | bytes | io.BytesIO, name: str) -> Iterator[np.ndarray]:
    import soundfile  # here, because listening and training from arrays do without it

    heard = 0
    try:
        with _open(source, name) as sound:
            if sound.samplerate > _HIGHEST_RATE:
                raise AudioError(f"{name} claims {sound.samplerate} samples a second: it is damaged")
            resampler = Resampler(sound.samplerate)
            # A file may claim any rate and any number of channels: neither decides how much memory is asked for.
            frames = max(1, min(int(_READ_SECONDS * sound.samplerate), _READ_VALUES // sound.channels))
            while len(block := sound.read(frames, dtype="float32")):
                heard += len(block)
                yield resampler.push(as_samples(block))
            tail = resampler.push(np.zeros(0, np.float32), last=True)
    except (soundfile.LibsndfileError, OSError) as error:
        reason = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
        raise AudioError(f"{name} cannot be read as sound ({reason.strip().rstrip('.')})") from error
    if not heard:
        raise AudioError(f"{name} holds no sound: it is empty")
    if len(tail):
        yield tail


def _open(source: str | bytes | io.BytesIO, name: str) -> Any:
    """The file as a soundfile.SoundFile that is only read forwards."""
    import soundfile

    try:
        sound = soundfile.SoundFile(source)
    except TypeError as error:  # by its suffix it is raw samples, whose rate and format nobody has told
        raise AudioError(f"{name} cannot be read as sound (raw samples without a header)") from error
    # After every read soundfile seeks in what it takes for seekable: the mp3 decoder then prints errors, and a flac
    # stream of unknown length cannot be read at all.
    sound.seekable = lambda: False
    return sound


def sound_files(folder: Path) -> list[Path]:
    """The sound files in a folder and in those below it, by name; raises AudioError where there is none."""
    if not folder.is_dir():
        raise AudioError(f"{folder}: there is no such folder of recordings")
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
    if not files:
        raise AudioError(f"{folder} holds no sound file ({', '.join(sorted(_SUFFIXES))})")
    return files


def read_mono(path: str | Path) -> np.ndarray:
    """A whole sound file as float32 (T,) at 16 kHz, mono, in [-1, 1]. Raises AudioError like file_blocks."""
    return np.concatenate(list(file_blocks(path)))
