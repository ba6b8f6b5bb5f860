"""Raw PCM bytes -> the Detector's samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from wakeword.audio import Resampler, as_samples
from wakeword.errors import AudioError

RATES = range(8_000, 192_001)
WIDTHS = (1, 2, 3, 4)
CHANNELS = range(1, 17)
#: Sound decoded at a time, in parts of a second: a message of minutes must not hold up the other streams.
_SLICES_A_SECOND = 10


@dataclass(frozen=True)
class PcmFormat:
    """rate in Hz, width in bytes a sample, channels; little-endian, 8 bits unsigned, interleaved, as in a WAV file.

    Raises AudioError on what no sound card delivers.
    """

    rate: int = 16_000
    width: int = 2
    channels: int = 1

    def __post_init__(self) -> None:
        for name, allowed in (("rate", RATES), ("width", WIDTHS), ("channels", CHANNELS)):
            value = getattr(self, name)
            if type(value) is not int or value not in allowed:  # a bool is no number here
                shown = repr(value)[:40]
                raise AudioError(f"the {name} of the sound is between {allowed[0]} and {allowed[-1]}, not {shown}")

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of all channels."""
        return self.width * self.channels


class PcmStream:
    """One stream of bytes -> float32 blocks at 16 kHz, mono, in [-1, 1], with no seam between pushes."""

    def __init__(self, format: PcmFormat) -> None:
        self.format = format
        self._resampler = Resampler(format.rate)

    def push(self, data: bytes) -> Iterator[np.ndarray]:
        """Whole frames -> blocks of about a tenth of a second. Raises AudioError when the last frame is incomplete."""
        frame = self.format.frame_bytes
        if len(data) % frame:
            raise AudioError(f"{len(data)} bytes of sound are not whole frames of {frame} bytes")
        step = self.format.rate // _SLICES_A_SECOND * frame
        for first in range(0, len(data), step):
            yield self._resampler.push(as_samples(self._decoded(data[first : first + step])))

    def flush(self) -> np.ndarray:
        """What the resampler still holds; the stream is over."""
        return self._resampler.push(np.zeros(0, np.float32), last=True)

    def _decoded(self, data: bytes) -> np.ndarray:
        """(T, channels) in the integers of the format's width."""
        width = self.format.width
        if width == 3:
            wide = np.zeros((len(data) // 3, 4), np.uint8)
            wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
            samples = wide.view("<i4")
        else:
            samples = np.frombuffer(data, {1: "u1", 2: "<i2", 4: "<i4"}[width])
        return samples.reshape(-1, self.format.channels)
