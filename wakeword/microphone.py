"""A microphone as an iterator of 16 kHz blocks, at whatever rate and with whatever channels the device has.

>>> with Microphone() as microphone:
...     for block in microphone:
...         detections = detector.process(block)

The device is opened at its own rate and resampled here: asked for 16 kHz, many devices answer with the
error -9997, "Invalid sample rate". A device that disappears is waited for and opened again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from wakeword.audio import Resampler, as_samples
from wakeword.capture import Capture, Losses, MicrophoneSettings
from wakeword.devices import Device, choose_device, list_devices, look_again
from wakeword.errors import MicrophoneError
from wakeword.levels import SILENCE_DB, level_db

__all__ = ["SILENCE_DB", "Device", "Microphone", "MicrophoneSettings", "Notice", "level_db", "list_devices"]

#: How often a stream that delivers nothing is asked whether it still runs.
_POLL_S = 0.1
#: The pause between two attempts grows by this factor, up to ten times the first.
_PATIENCE = 1.5


@dataclass(frozen=True)
class Notice:
    """The device came or went; as text, one sentence for people.

    event    "lost": it is waited for; "back": it is heard again; "replaced": another one is heard instead
    device   the name of the device that is meant; after "replaced", the new one
    """

    event: Literal["lost", "back", "replaced"]
    device: str
    sentence: str

    def __str__(self) -> str:
        return self.sentence


class Microphone:
    """Context manager and iterator of float32 (T,) blocks at 16 kHz, mono, in [-1, 1]; T varies a little.

    ``notice`` is told when the device is lost and when it is back. Opening raises MicrophoneError when PortAudio
    or the device is missing or the device cannot be opened; iterating raises it when a lost device is not back
    after ``reconnect_s``. While a device is lost the iterator waits: the sound of that time is missing from the
    stream.
    """

    def __init__(
        self, settings: MicrophoneSettings | None = None, notice: Callable[[Notice], None] | None = None
    ) -> None:
        self.settings = settings or MicrophoneSettings()
        self._notice = notice or (lambda told: None)
        self._wanted = self.settings.device
        self._capture: Capture | None = None
        self._losses = Losses()
        self._level, self._reconnects, self._attempts = SILENCE_DB, 0, 0
        self._delay = self._longest_delay = 0.0
        self._heard_at: float | None = None  # on the monotonic clock; None while it is closed
        self._lost: str | None = None  # the name of the device that is waited for

    @property
    def device(self) -> Device:
        """The device that is open, or was last."""
        return self._device

    @property
    def rate(self) -> int:
        """The rate the device runs at, in Hz; the blocks are at 16 kHz whatever it is."""
        return self._resampler.rate

    @property
    def overflows(self) -> int:
        """How often sound was lost, in the driver or because the blocks were not read in time."""
        return self._losses.driver + self._losses.dropped

    @property
    def dropped_blocks(self) -> int:
        """The part of the overflows that a slow reader caused: blocks of ``block_s`` that were thrown away."""
        return self._losses.dropped

    @property
    def delay_s(self) -> float:
        """How long the last block waited between the driver and the reader, in seconds."""
        return self._delay

    @property
    def longest_delay_s(self) -> float:
        """The longest of these waits since the microphone was opened."""
        return self._longest_delay

    @property
    def reconnects(self) -> int:
        """How often the device was lost and came back."""
        return self._reconnects

    @property
    def level(self) -> float:
        """Loudness of the last block: its rms in dB below full scale (1.0); SILENCE_DB is silence."""
        return self._level

    def __enter__(self) -> Microphone:
        self._open()
        self._heard_at = time.monotonic()
        return self

    def __exit__(self, *error: object) -> None:
        self._heard_at = None
        self._close()

    def __iter__(self) -> Iterator[np.ndarray]:
        return self

    def __next__(self) -> np.ndarray:
        if self._heard_at is None:
            raise RuntimeError("a Microphone is read inside its with statement")
        while True:
            taken = self._wait()
            if taken is None:
                self._recover()
                continue
            block, self._delay = taken
            self._longest_delay = max(self._longest_delay, self._delay)
            self._heard_at = time.monotonic()
            if self._lost is not None:
                self._tell_return(self._lost)
            samples = self._resampler.push(as_samples(block))
            if len(samples):  # a resampler's first blocks can be empty
                self._level = level_db(samples)
                return samples

    def discard(self) -> None:
        """Throw away the sound that waits: what comes next is heard from now on. Nothing is counted as lost."""
        if self._capture is not None:
            self._capture.discard()
            self._resampler.reset()

    def _wait(self) -> tuple[np.ndarray, float] | None:
        """The device's next block at its own rate and its wait; None when the stream is lost."""
        capture = self._capture
        if capture is None:
            return None
        until = time.monotonic() + (self.settings.start_s if capture.fresh else self.settings.silent_s)
        while time.monotonic() < until:
            taken = capture.take(_POLL_S)
            if taken is not None:
                return taken
            if not capture.running:
                return None
        return None

    def _recover(self) -> None:
        """One attempt to open the lost device again; raises MicrophoneError once the time for it is over."""
        limit, name = self.settings.reconnect_s, self._lost or self._device.name
        if self._heard_at is None or time.monotonic() - self._heard_at > limit:
            raise MicrophoneError(
                f"the microphone {name!r} is gone and was not back within {limit:g} s: connect it again"
            )
        if self._lost is None:
            self._lost, self._attempts = name, 0
            patience = "" if math.isinf(limit) else f" up to {limit:g} s"
            self._notice(Notice("lost", name, f"microphone {name!r} is gone: waiting{patience} for it"))
        self._close()
        try:
            look_again()
            self._open()
        except MicrophoneError:
            time.sleep(self.settings.retry_s * min(10.0, _PATIENCE**self._attempts))
            self._attempts = min(self._attempts + 1, 100)

    def _tell_return(self, lost: str) -> None:
        self._lost, name = None, self._device.name
        self._reconnects += 1
        if name == lost:
            self._notice(Notice("back", name, f"microphone {name!r} is back"))
        else:  # the system's default may be another device by now
            self._notice(Notice("replaced", name, f"microphone {name!r} is heard instead of {lost!r}"))

    def _open(self) -> None:
        self._device = device = choose_device(self._wanted)
        self._capture = Capture(device, self.settings, self._losses)
        self._resampler = Resampler(self._capture.rate)
        if str(self._wanted).strip().isdecimal():
            self._wanted = device.name  # an index means another device once one of them is gone

    def _close(self) -> None:
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.close()
