"""What a page may say first on a connection, and how much of everything it may send.

A connection is one stream. Its first message is JSON text and names the words to listen for:

    {"kind": "live", "rate": 48000, "words": ["happy"], "point": null}
    {"kind": "file", "bytes": 123456, "name": "talk.mp3", "words": ["happy"], "point": "fpr_3"}

After "live" every message is 16-bit little-endian mono sound at that rate. After "file" they are the bytes of a sound
file, in order, in pieces of any size. The answers are JSON text ("ready", "scores", "detection", "end", "error") and,
as binary messages, what strip.py draws.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wakeword.detector import Detector
from wakeword.model import WakeWordModel

#: Close codes of RFC 6455 and of its registry.
UNSUPPORTED, POLICY, TOO_BIG, TRY_AGAIN = 1003, 1008, 1009, 1013


class Refused(Exception):
    """What the other side did is not allowed: a close code and one sentence."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code, self.sentence = code, sentence


@dataclass(frozen=True)
class Limits:
    """clients        connections at once
    message_bytes  the longest message: two and a half seconds of sound at 48 kHz
    file_bytes     the largest file, and all_files_bytes that of all being sent at once
    file_s         the longest recording, in seconds of sound
    idle_s         a connection that says nothing for so long is closed
    upload_s       and so is one that has not sent its whole file by then
    burst_s, pace  live sound may come ``pace`` times as fast as it is spoken, and a burst of it ahead of that
    message_s      each live message counts as at least so much sound, so that empty ones are not free
    """

    clients: int = 8
    message_bytes: int = 2**18
    file_bytes: int = 64 * 2**20
    all_files_bytes: int = 128 * 2**20
    file_s: float = 1800.0
    idle_s: float = 30.0
    upload_s: float = 120.0
    burst_s: float = 10.0
    pace: float = 1.25
    message_s: float = 0.002
    rates: tuple[int, int] = (8_000, 192_000)


@dataclass(frozen=True)
class Wanted:
    """The words to listen for and the operating point (None is each model's default)."""

    words: tuple[str, ...]
    point: str | None


@dataclass(frozen=True)
class Live:
    """A microphone at ``rate`` Hz."""

    rate: int
    wanted: Wanted


@dataclass(frozen=True)
class File:
    """A sound file of ``size`` bytes."""

    size: int
    name: str
    wanted: Wanted


class Words:
    """The models a page can choose from, loaded once and shared: a Detector's state is its own."""

    def __init__(self, models: Mapping[str, WakeWordModel]) -> None:
        if not models:
            raise ValueError("there must be a word to listen for")
        self._models = dict(models)

    @classmethod
    def of(cls, detector: Detector) -> Words:
        """The words of a detector."""
        return cls({model.keyword: model for model in detector.models})

    def describe(self) -> list[dict[str, Any]]:
        """Each word with its default threshold and point and the thresholds of all points, as JSON values."""
        return [
            {
                "word": word,
                "threshold": model.rule().threshold,
                "point": model.card.get("default_point"),
                "points": {name: float(point["threshold"]) for name, point in model.operating_points.items()},
            }
            for word, model in self._models.items()
        ]

    def detector(self, wanted: Wanted) -> Detector:
        """A new detector of the wanted words. Raises ModelFileError where a model lacks the point."""
        return Detector([self._models[word] for word in wanted.words], point=wanted.point)

    def wanted(self, message: Mapping[str, Any]) -> Wanted:
        """The words and the point a first message names. Raises Refused."""
        words, point = message.get("words"), message.get("point")
        if not isinstance(words, list) or not words or any(not isinstance(word, str) for word in words):
            raise Refused(POLICY, "the first message needs a list of words")
        if len(set(words)) < len(words) or not set(words) <= set(self._models):
            raise Refused(POLICY, f"words are each named once and among: {', '.join(self._models)}")
        if not isinstance(point, str | None):
            raise Refused(POLICY, "the operating point is a name or null")
        if point is not None and any(point not in self._models[word].operating_points for word in words):
            raise Refused(POLICY, "not every one of these words has that operating point")
        return Wanted(tuple(words), point)


def parse_first(message: str | bytes, words: Words, limits: Limits) -> Live | File:
    """The first message of a connection. Raises Refused on anything but the two kinds above."""
    if not isinstance(message, str):
        raise Refused(UNSUPPORTED, "the first message is text and says what follows")
    try:
        first = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise Refused(POLICY, "the first message is not JSON") from error
    if not isinstance(first, dict):
        raise Refused(POLICY, "the first message is a JSON object")
    if first.get("kind") == "live":
        low, high = limits.rates
        return Live(_whole(first, "rate", low, high), words.wanted(first))
    if first.get("kind") == "file":
        name = first.get("name")
        if not isinstance(name, str) or len(name) > 1024:
            raise Refused(POLICY, "the first message needs the file's name, of at most 1024 characters")
        if isinstance(first.get("bytes"), int) and first["bytes"] > limits.file_bytes:
            raise Refused(TOO_BIG, f"a file of more than {limits.file_bytes >> 20} MiB is not taken")
        return File(_whole(first, "bytes", 1, limits.file_bytes), name, words.wanted(first))
    raise Refused(POLICY, "the first message is of the kind live or file")


def _whole(message: Mapping[str, Any], name: str, low: int, high: int) -> int:
    value = message.get(name)
    if type(value) is not int or not low <= value <= high:  # True is an int too
        raise Refused(POLICY, f"the first message needs {name}, a whole number from {low} to {high}")
    return value
