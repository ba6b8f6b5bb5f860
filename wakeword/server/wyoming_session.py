"""One client's conversation: Wyoming events in, Wyoming events out, without a socket."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe
from wyoming.ping import Ping, Pong
from wyoming.wake import Detect, Detection, NotDetected

from wakeword.audio import SAMPLE_RATE
from wakeword.detector import Detector
from wakeword.errors import AudioError
from wakeword.server.catalogue import Catalogue
from wakeword.server.pcm import PcmFormat, PcmStream
from wakeword.server.wyoming_info import info

#: Silence heard after an audio-stop: a decision takes several windows, which sound cut close after the word lacks.
TAIL_S = 0.5

_LOGGER = logging.getLogger(__name__)


class Session:
    """What one connection is doing. It shares nothing but the models with any other.

    A stream begins at audio-start, or at a first audio-chunk without one, and ends at audio-stop. The names of the
    last detect hold until the next. A stream that cannot be heard is answered with one error and then passed over.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._names = catalogue.names(None)
        self._detector: Detector | None = None
        self._detecting: tuple[str, ...] | None = None  # what the stream is heard for so far
        self._stream: _Stream | None = None

    def handle(self, event: Event) -> Iterator[Event | None]:
        """The answers to an event, none to an unknown one; None is a moment in which other clients may go on."""
        for is_type, answer in _ANSWERS:
            if is_type(event.type):
                yield from answer(self, event)
                return
        _LOGGER.debug("ignored: %.80r", event.type)

    def _describe(self, event: Event) -> Iterator[Event | None]:
        yield info(self._catalogue).event()

    def _ping(self, event: Event) -> Iterator[Event | None]:
        text = event.data.get("text")
        yield Pong(_sendable(text) if isinstance(text, str) else None).event()

    def _detect(self, event: Event) -> Iterator[Event | None]:
        names = event.data.get("names")
        wanted = [name for name in names if isinstance(name, str)] if isinstance(names, list) else None
        if names and not wanted:
            yield Error("the names of a detect are a list of texts", "detect").event()
            return
        self._names = self._catalogue.names(wanted)
        if not self._names:
            known = ", ".join(self._catalogue.offers)
            _LOGGER.warning("a client asks for %.200r, which is not among the models: %s", wanted, known)

    def _start(self, event: Event) -> Iterator[Event | None]:
        yield from self._format(self._begin(_milliseconds(event.data.get("timestamp"))), event.data)

    def _begin(self, at: int | None) -> _Stream:
        self._stream, self._detecting = _Stream(at or 0), None
        return self._stream

    def _chunk(self, event: Event) -> Iterator[Event | None]:
        stamp = _milliseconds(event.data.get("timestamp"))
        stream = self._stream or self._begin(stamp)
        yield from self._format(stream, event.data)
        stream.stamp = stamp
        if stream.pcm is None:
            return
        try:
            for block in stream.pcm.push(event.payload or b""):
                yield from self._hear(stream, block)
                yield None
        except AudioError as error:
            yield from self._refused(stream, error)

    def _stop(self, event: Event) -> Iterator[Event | None]:
        stream, self._stream = self._stream, None
        if stream is None:
            return
        if stream.pcm is not None:
            yield from self._hear(stream, stream.pcm.flush())
            yield from self._hear(stream, np.zeros(int(TAIL_S * SAMPLE_RATE), np.float32))
        if not stream.detections:
            yield NotDetected().event()

    def _format(self, stream: _Stream, data: dict[str, Any]) -> Iterator[Event | None]:
        """Take the format of an event; where it changes, what the old resampler still held is heard first."""
        if stream.refused:
            return
        told = {name: data[name] for name in ("rate", "width", "channels") if data.get(name) is not None}
        try:
            format = replace(stream.pcm.format if stream.pcm else PcmFormat(), **told)
        except AudioError as error:
            yield from self._refused(stream, error)
            return
        if stream.pcm is None or stream.pcm.format != format:
            old, stream.pcm = stream.pcm, PcmStream(format)
            if old is not None:
                yield from self._hear(stream, old.flush())

    def _refused(self, stream: _Stream, error: AudioError) -> Iterator[Event | None]:
        stream.refused, stream.pcm = True, None
        yield Error(f"{error}; the rest of this stream is not heard", "audio").event()

    def _hear(self, stream: _Stream, block: np.ndarray) -> Iterator[Event | None]:
        if self._detecting != self._names:
            self._listen_for(self._names)
            stream.origin = stream.samples
        stream.samples += len(block)
        if self._detector is None:
            return
        for detection in self._detector.process(block):
            stream.detections += 1
            end_s = stream.origin / SAMPLE_RATE + detection.end_s
            _LOGGER.info("heard %r at %.2f s, score %.2f", detection.keyword, end_s, detection.score)
            # By the protocol it is the chunk's time; a client that does not tell it gets the stream's own clock.
            at = stream.stamp if stream.stamp is not None else stream.began + round(end_s * 1000)
            yield Detection(name=detection.keyword, timestamp=at).event()

    def _listen_for(self, names: tuple[str, ...]) -> None:
        """A Detector of these names that has heard nothing; None where no name is known."""
        self._detecting = names
        if self._detector is not None and names == tuple(model.keyword for model in self._detector.models):
            self._detector.reset()
        else:
            self._detector = self._catalogue.detector(names) if names else None


#: Of the class, not of a session: one that held its own methods would keep itself, and its detector's megabytes, alive.
_ANSWERS: tuple[tuple[Callable[[str], bool], Callable[[Session, Event], Iterator[Event | None]]], ...] = (
    (AudioChunk.is_type, Session._chunk),
    (AudioStart.is_type, Session._start),
    (AudioStop.is_type, Session._stop),
    (Detect.is_type, Session._detect),
    (Describe.is_type, Session._describe),
    (Ping.is_type, Session._ping),
)


class _Stream:
    """From audio-start to audio-stop; times in ms, counts in samples at 16 kHz.

    origin   the sample at which the Detector's clock began; later than 0 when the names changed in the middle
    """

    def __init__(self, began: int) -> None:
        self.began = began
        self.stamp: int | None = None
        self.pcm: PcmStream | None = None
        self.samples = self.origin = self.detections = 0
        self.refused = False


def _milliseconds(told: Any) -> int | None:
    """A timestamp that any client can take, or None."""
    return told if type(told) is int and abs(told) < 2**53 else None


def _sendable(text: str) -> str:
    """Without lone surrogates, which JSON can carry and UTF-8 cannot."""
    return text.encode("utf-8", "replace").decode()
