"""One opened sound input: PortAudio's callback fills a bounded queue, and what is lost on the way is counted."""

from __future__ import annotations

import contextlib
import math
import queue
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from wakeword.audio import SAMPLE_RATE
from wakeword.devices import Device, end_stream, load_portaudio
from wakeword.errors import MicrophoneError


@dataclass(frozen=True)
class MicrophoneSettings:
    """device       index, name or part of a name; None is the system's default
    block_s      length of the blocks asked of the device
    queue_s      sound that waits for a slow reader before the oldest is dropped and counted as an overflow
    silent_s     a stream that delivers nothing for so long is lost
    start_s      the same for a stream that has not delivered anything yet: some devices wake up slowly
    retry_s      pause before a lost device is opened again; it grows tenfold while the device stays away
    reconnect_s  a device that is not back after so long is given up; infinity waits for ever
    """

    device: int | str | None = None
    block_s: float = 0.08
    queue_s: float = 4.0
    silent_s: float = 2.0
    start_s: float = 5.0
    retry_s: float = 0.5
    reconnect_s: float = math.inf

    def __post_init__(self) -> None:
        if min(self.block_s, self.silent_s, self.start_s, self.retry_s) <= 0.0 or self.queue_s < self.block_s:
            raise ValueError(f"a microphone's times are above 0, and queue_s is at least block_s: {self}")


@dataclass
class Losses:
    """What was lost since the microphone was opened, through every reconnect.

    driver   how often the driver had to throw sound away
    dropped  blocks thrown away because the reader was slow
    """

    driver: int = 0
    dropped: int = 0


class Capture:
    """A running stream of one device; its blocks wait in a queue of its own.

    Raises MicrophoneError where the device can be opened at no rate and with no number of channels.
    """

    def __init__(self, device: Device, settings: MicrophoneSettings, losses: Losses) -> None:
        self.device, self._settings, self._losses = device, settings, losses
        self.fresh = True  # it has not delivered anything yet
        self._queue: queue.Queue[tuple[np.ndarray, float]] = queue.Queue(
            max(1, round(settings.queue_s / settings.block_s))
        )
        self._portaudio = load_portaudio()
        self._stream, self.rate = self._open()

    def take(self, timeout: float) -> tuple[np.ndarray, float] | None:
        """The oldest block, float32 (T, channels) at ``rate``, and how long it waited in seconds; None if none came."""
        try:
            block, came = self._queue.get(timeout=timeout)
        except queue.Empty:
            return None
        self.fresh = False
        return block, time.monotonic() - came

    def discard(self) -> None:
        """Throw away what waits, uncounted."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._queue.get_nowait()

    @property
    def running(self) -> bool:
        """Whether PortAudio takes the stream for alive."""
        try:
            return bool(self._stream.active)
        except self._portaudio.PortAudioError:
            return False

    def close(self) -> None:
        """Stop and give the device back; a device that is gone is no error."""
        end_stream(self._stream)

    def _open(self) -> tuple[Any, int]:
        """(stream, rate): the fewest channels and the device's own rate are tried first."""
        native = [self.device.native_rate] if self.device.native_rate else []
        failure: Exception | None = None
        for channels in dict.fromkeys((1, min(2, self.device.channels), self.device.channels)):
            for rate in dict.fromkeys((*native, SAMPLE_RATE, 48_000, 44_100)):
                try:
                    return self._start(channels, rate), rate
                except (self._portaudio.PortAudioError, ValueError) as error:
                    failure = failure or error
        reason = str(failure).strip().rstrip(".")
        raise MicrophoneError(
            f"the microphone {self.device.name!r} cannot be opened ({reason}): another program may hold it, or it "
            "needs permission; the command  wakeword devices  lists the others"
        ) from failure

    def _start(self, channels: int, rate: int) -> Any:
        stream = self._portaudio.InputStream(
            device=self.device.index,
            channels=channels,
            samplerate=rate,
            dtype="float32",
            blocksize=round(self._settings.block_s * rate),
            callback=self._heard,
        )
        try:
            stream.start()
        except self._portaudio.PortAudioError:
            stream.close()
            raise
        return stream

    def _heard(self, block: np.ndarray, frames: int, when: Any, status: Any) -> None:
        """PortAudio's callback, on its own thread: copy and leave."""
        if status.input_overflow:
            self._losses.driver += 1
        item = block.copy(), time.monotonic()  # PortAudio uses the memory again
        while True:
            try:
                self._queue.put_nowait(item)
                return
            except queue.Full:
                self._losses.dropped += 1
                with contextlib.suppress(queue.Empty):  # the reader may just have taken it
                    self._queue.get_nowait()
