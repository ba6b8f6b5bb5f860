"""A microphone as an iterator of 16 kHz blocks, at whatever rate and with whatever channels the device has.

>>> with Microphone() as microphone:
...     for block in microphone:
...         detections = detector.process(block)

The device is opened at its own rate and resampled here: asked for 16 kHz, many devices answer with the
error -9997, "Invalid sample rate". A device that disappears is waited for and opened again.
"""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from wakeword.audio import SAMPLE_RATE, Resampler, as_samples
from wakeword.devices import Device, choose_device, list_devices, load_portaudio, look_again
from wakeword.errors import MicrophoneError

__all__ = ["SILENCE_DB", "Device", "Microphone", "MicrophoneSettings", "level_db", "list_devices"]

#: The level of silence; a logarithm has to end somewhere.
SILENCE_DB = -120.0
#: How often a stream that delivers nothing is asked whether it still runs.
_POLL_S = 0.1


@dataclass(frozen=True)
class MicrophoneSettings:
    """device       index, name or part of a name; None is the system's default
    block_s      length of the blocks asked of the device
    queue_s      sound that waits for a slow reader before the oldest is dropped and counted as an overflow
    silent_s     a stream that delivers nothing for so long is lost
    start_s      the same for a stream that has not delivered anything yet: some devices wake up slowly
    retry_s      pause between two attempts to open a lost device again
    reconnect_s  a device that is not back after so long is given up
    """

    device: int | str | None = None
    block_s: float = 0.08
    queue_s: float = 4.0
    silent_s: float = 2.0
    start_s: float = 5.0
    retry_s: float = 0.5
    reconnect_s: float = 30.0

    def __post_init__(self) -> None:
        if min(self.block_s, self.silent_s, self.start_s, self.retry_s) <= 0.0 or self.queue_s < self.block_s:
            raise ValueError(f"a microphone's times are above 0, and queue_s is at least block_s: {self}")


class Microphone:
    """Context manager and iterator of float32 (T,) blocks at 16 kHz, mono, in [-1, 1]; T varies a little.

    ``notice`` is told in one sentence when the device is lost and when it is back. Opening raises
    MicrophoneError when PortAudio or the device is missing or the device cannot be opened; iterating raises
    it when a lost device is not back after ``reconnect_s``. While a device is lost the iterator waits: the
    sound of that time is missing from the stream.
    """

    def __init__(self, settings: MicrophoneSettings | None = None, notice: Callable[[str], None] | None = None) -> None:
        self.settings = settings or MicrophoneSettings()
        self._notice = notice or (lambda sentence: None)
        self._wanted = self.settings.device
        self._stream: Any = None
        self._overflows = self._reconnects = 0
        self._level = SILENCE_DB
        self._heard_at: float | None = None  # on the monotonic clock; None while it is closed
        self._lost: str | None = None  # the name of the device that is waited for
        self._fresh = True  # the stream has not delivered anything yet

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
        return self._overflows

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
            block = self._wait()
            if block is None:
                self._recover()
                continue
            self._heard_at = time.monotonic()
            if self._lost is not None:
                lost, name = self._lost, self._device.name
                self._lost = None
                self._reconnects += 1
                # The system's default may be another device by now.
                other = f"microphone {name!r} is heard instead of {lost!r}"
                self._notice(f"microphone {name!r} is back" if name == lost else other)
            samples = self._resampler.push(as_samples(block))
            if len(samples):  # a resampler's first blocks can be empty
                self._level = level_db(samples)
                return samples

    def _wait(self) -> np.ndarray | None:
        """The device's next block, float32 (T, channels) at its own rate; None when the stream is lost."""
        until = time.monotonic() + (self.settings.start_s if self._fresh else self.settings.silent_s)
        while self._stream is not None and time.monotonic() < until:
            try:
                block = self._queue.get(timeout=_POLL_S)
                self._fresh = False
                return block
            except queue.Empty:
                if not self._running():
                    return None
        return None

    def _running(self) -> bool:
        try:
            return bool(self._stream.active)
        except load_portaudio().PortAudioError:
            return False

    def _recover(self) -> None:
        """One attempt to open the lost device again; raises MicrophoneError once the time for it is over."""
        limit, name = self.settings.reconnect_s, self._lost or self._device.name
        if self._heard_at is None or time.monotonic() - self._heard_at > limit:
            raise MicrophoneError(
                f"the microphone {name!r} is gone and was not back within {limit:g} s: connect it again"
            )
        if self._lost is None:
            self._lost = name
            self._notice(f"microphone {name!r} is gone: waiting up to {limit:g} s for it")
        self._close()
        try:
            look_again()
            self._open()
        except MicrophoneError:
            time.sleep(self.settings.retry_s)

    def _open(self) -> None:
        """Open the wanted device; tries the fewest channels and its own rate first."""
        portaudio = load_portaudio()
        self._device = device = choose_device(self._wanted)
        if str(self._wanted).strip().isdecimal():
            self._wanted = device.name  # an index means another device once one of them is gone
        native = [device.native_rate] if device.native_rate else []
        failure: Exception | None = None
        for channels in dict.fromkeys((1, min(2, device.channels), device.channels)):
            for rate in dict.fromkeys((*native, SAMPLE_RATE, 48_000, 44_100)):
                try:
                    self._stream = self._start(portaudio, channels, rate)
                    self._resampler = Resampler(rate)
                    self._fresh = True
                    return
                except (portaudio.PortAudioError, ValueError) as error:
                    failure = failure or error
        reason = str(failure).strip().rstrip(".")
        raise MicrophoneError(
            f"the microphone {device.name!r} cannot be opened ({reason}): another program may hold it, or it "
            "needs permission; the command  wakeword devices  lists the others"
        ) from failure

    def _start(self, portaudio: Any, channels: int, rate: int) -> Any:
        """A running stream that fills a new queue; raises PortAudioError."""
        settings = self.settings
        # A queue for each stream: what a lost one left behind is at another rate.
        self._queue: queue.Queue[np.ndarray] = queue.Queue(max(1, round(settings.queue_s / settings.block_s)))
        stream = portaudio.InputStream(
            device=self._device.index,
            channels=channels,
            samplerate=rate,
            dtype="float32",
            blocksize=round(settings.block_s * rate),
            callback=partial(self._heard, self._queue),
        )
        try:
            stream.start()
        except portaudio.PortAudioError:
            stream.close()
            raise
        return stream

    def _heard(self, blocks: queue.Queue[np.ndarray], block: np.ndarray, frames: int, when: Any, status: Any) -> None:
        """PortAudio's callback, on its own thread: copy and leave."""
        if status.input_overflow:
            self._overflows += 1
        while True:
            try:
                blocks.put_nowait(block.copy())  # PortAudio uses the memory again
                return
            except queue.Full:
                self._overflows += 1
                with contextlib.suppress(queue.Empty):  # the reader may just have taken it
                    blocks.get_nowait()

    def _close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            with contextlib.suppress(load_portaudio().PortAudioError):  # a lost device cannot be stopped
                stream.abort()
            with contextlib.suppress(load_portaudio().PortAudioError):
                stream.close()


def level_db(samples: np.ndarray) -> float:
    """Root mean square of float32 (T,) in dB relative to full scale 1.0, at least SILENCE_DB."""
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    return max(SILENCE_DB, 10.0 * float(np.log10(max(power, 1e-30))))
