"""One connection's stream: sound in, messages for the page out. No socket is touched here."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Generator
from typing import Any

import numpy as np

from wakeword.audio import SAMPLE_RATE, Resampler, as_samples, memory_blocks
from wakeword.detector import Detector, Step
from wakeword.errors import AudioError
from wakeword.recording import hear
from wakeword.server.strip import Strip
from wakeword.server.web_protocol import POLICY, TOO_BIG, UNSUPPORTED, File, Limits, Live, Refused, Words

#: What is sent to the page: JSON text, or bytes to draw.
Message = str | bytes


class Pace:
    """How fast live sound may come: a bucket of seconds that fills with time and that every message takes from."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self._limits, self._clock = limits, clock
        self._left, self._at = limits.burst_s, clock()

    def take(self, seconds: float) -> None:
        """Count a message of so much sound. Raises Refused when it came too early."""
        limits, now = self._limits, self._clock()
        self._left = min(limits.burst_s, self._left + limits.pace * (now - self._at))
        self._at = now
        self._left -= max(seconds, limits.message_s)
        if self._left < 0.0:
            raise Refused(POLICY, "live sound came faster than anybody speaks")


class _Reporter:
    """Turns what a detector found into messages, and counts the samples it heard: that is the clock."""

    def __init__(self, detector: Detector) -> None:
        self.detector = detector
        self._strip = Strip(detector.models[0])
        self._limits = {m.keyword: t for m, t in zip(detector.models, detector.thresholds, strict=True)}
        self.samples = self.detections = 0

    def ready(self) -> Message:
        """What the page needs to know before the first of the others."""
        spec = self.detector.models[0].spec
        words = [{"word": word, "threshold": limit} for word, limit in self._limits.items()]
        return _text("ready", words=words, hop_s=spec.hop_length / spec.sample_rate)

    def report(self, block: np.ndarray, step: Step) -> list[Message]:
        """Messages about a block float32 (T,) at 16 kHz and the step it brought."""
        self.samples += len(block)
        self.detections += len(step.detections)
        messages: list[Message] = list(self._strip.push(block))
        # A model with another window has no score at some ends; JSON has no NaN.
        scores = [[round(score, 3) if np.isfinite(score) else None for score in row] for row in step.scores.tolist()]
        ends = [round(end, 4) for end in step.window_end_s.tolist()]
        messages.append(_text("scores", heard_s=self.heard_s, end_s=ends, scores=scores))
        for found in step.detections:
            times = {"start_s": round(found.start_s, 3), "end_s": round(found.end_s, 3)}
            limit = self._limits[found.keyword]
            messages.append(_text("detection", word=found.keyword, **times, score=round(found.score, 3), limit=limit))
        return messages

    @property
    def heard_s(self) -> float:
        """Seconds of sound since the stream began."""
        return self.samples / SAMPLE_RATE


class LiveStream:
    """A microphone's sound as it comes."""

    def __init__(self, first: Live, words: Words, pace: Pace) -> None:
        self._rate, self._pace = first.rate, pace
        self._resampler = Resampler(first.rate)
        self._reporter = _Reporter(words.detector(first.wanted))

    def ready(self) -> Message:
        """The answer to the first message."""
        return self._reporter.ready()

    def push(self, message: str | bytes) -> list[Message]:
        """16-bit little-endian mono sound -> messages. Raises Refused on text, half a sample, or too much."""
        if isinstance(message, str):
            raise Refused(UNSUPPORTED, "after the first message of a live stream only sound is taken")
        if len(message) % 2:
            raise Refused(POLICY, "sound is 16-bit samples, and half of one arrived")
        self._pace.take(len(message) / 2 / self._rate)
        heard = self._resampler.push(as_samples(np.frombuffer(message, "<i2")))
        return self._reporter.report(heard, self._reporter.detector.step(heard))


class FileStream:
    """A sound file: its bytes are gathered in memory, then heard as ``wakeword detect`` hears it."""

    def __init__(self, first: File, words: Words, limits: Limits) -> None:
        self._first, self._limits = first, limits
        self._content = io.BytesIO()
        self._reporter = _Reporter(words.detector(first.wanted))

    def ready(self) -> Message:
        """The answer to the first message."""
        return self._reporter.ready()

    def add(self, message: str | bytes) -> bool:
        """Another piece -> whether the file is whole now. Raises Refused on text and on more than was announced."""
        if isinstance(message, str):
            raise Refused(UNSUPPORTED, "after the first message of a file only its bytes are taken")
        if self._content.tell() + len(message) > self._first.size:
            raise Refused(TOO_BIG, "the file is longer than the first message said")
        self._content.write(message)
        return self._content.tell() == self._first.size

    def hear(self) -> Generator[list[Message], None, None]:
        """Messages about half a second of the file at a time, the last of them "end"; or one "error" it ends with."""
        reporter, name = self._reporter, self._first.name
        try:
            for block, step in hear(reporter.detector, memory_blocks(self._content.getvalue(), name)):
                yield reporter.report(block, step)
                if reporter.heard_s > self._limits.file_s:
                    minutes = self._limits.file_s / 60
                    yield [error_text(f"only the first {minutes:g} minutes of {name} were heard", "too-long")]
                    return
        except AudioError as error:
            yield [error_text(str(error), "unreadable")]
            return
        yield [_text("end", heard_s=reporter.heard_s, detections=reporter.detections)]


def error_text(sentence: str, reason: str = "refused") -> Message:
    """The message that something is wrong: one sentence for people, one word for the page."""
    return _text("error", sentence=sentence, reason=reason)


def _text(kind: str, **values: Any) -> str:
    return json.dumps({"kind": kind, **values}, allow_nan=False)
