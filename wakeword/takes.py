"""Takes: where in a stream somebody speaks, cut out and judged."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from wakeword.audio import SAMPLE_RATE
from wakeword.levels import FRAME, clipped_samples, frame_levels, level_db, peak_db

_FRAME_S = FRAME / SAMPLE_RATE


@dataclass(frozen=True)
class TakeSettings:
    """When speech begins and ends, and what is wrong with a take. Levels in dB, times in seconds.

    above_room   speech begins this much above the room, and ends half as much above it
    least_level  and nothing below this is speech: converters hiss
    hang_s       silence after which it is over; shorter pauses lie between the words of a phrase
    margin_s     kept before and after it
    longest_s    a longer one is cut off; shortest_s: a shorter one is a click
    quiet        speech below this level is too quiet, as it is less than ``clear`` above the room
    """

    above_room: float = 10.0
    least_level: float = -60.0
    hang_s: float = 0.6
    margin_s: float = 0.15
    longest_s: float = 3.0
    shortest_s: float = 0.15
    quiet: float = -45.0
    clear: float = 15.0


@dataclass(frozen=True)
class Take:
    """What was said once.

    samples    float32 (T,) at 16 kHz: the speech and a margin around it
    speech_s   its length without the margins
    level_db   of the speech; peak_db its largest sample; room_db the room before it
    problems   one sentence each; none where the take is good
    """

    samples: np.ndarray
    speech_s: float
    level_db: float
    peak_db: float
    room_db: float
    problems: tuple[str, ...]


class TakeFinder:
    """Hears blocks until somebody has spoken. Makes one take; another needs another finder."""

    def __init__(self, settings: TakeSettings | None = None) -> None:
        self._settings = settings or TakeSettings()
        self._rest = np.zeros(0, np.float32)
        self._frames: list[np.ndarray] = []
        self._levels: list[float] = []
        self._waiting_levels: deque[float] = deque(maxlen=round(1.5 / _FRAME_S))
        self._began: int | None = None  # the first frame of speech
        self._last = 0  # the last one so far
        self._room = 0.0

    @property
    def speaking(self) -> bool:
        """Whether somebody is speaking now."""
        return self._began is not None

    def push(self, block: np.ndarray) -> Take | None:
        """float32 (T,) at 16 kHz -> the take once it is complete, else None."""
        samples = np.concatenate((self._rest, block))
        whole = len(samples) // FRAME * FRAME
        self._rest = samples[whole:]
        for frame in samples[:whole].reshape(-1, FRAME):
            if self._frame(frame):
                return self._take()
        return None

    def _frame(self, frame: np.ndarray) -> bool:
        """One frame; whether the take is complete with it."""
        settings = self._settings
        level = float(frame_levels(frame)[0])
        self._frames.append(frame)
        self._levels.append(level)
        if self._began is None:
            self._wait(level)
            return False
        index = len(self._frames) - 1
        if level >= self._bar(0.5):
            self._last = index
        if (index - self._last) * _FRAME_S >= settings.hang_s:
            return True
        return (index - self._began) * _FRAME_S >= settings.longest_s + settings.hang_s

    def _wait(self, level: float) -> None:
        """Before speech: learn the room, and look for three loud frames in a row."""
        if len(self._waiting_levels) >= 10:
            self._room = float(np.percentile(self._waiting_levels, 25))
            if min(self._levels[-3:]) >= self._bar(1.0):
                self._began, self._last = len(self._frames) - 3, len(self._frames) - 1
                return
        self._waiting_levels.append(level)
        keep = self._waiting_levels.maxlen or 0
        del self._frames[:-keep], self._levels[:-keep]

    def _bar(self, share: float) -> float:
        return max(self._settings.least_level, self._room + share * self._settings.above_room)

    def _take(self) -> Take:
        settings, margin = self._settings, round(self._settings.margin_s / _FRAME_S)
        assert self._began is not None
        # The onset of a soft consonant lies below the bar for speech, and above the one for its end.
        first = self._began
        while first > 0 and self._began - first < margin and self._levels[first - 1] >= self._bar(0.5):
            first -= 1
        speech = np.concatenate(self._frames[first : self._last + 1])
        samples = np.concatenate(self._frames[max(0, first - margin) : self._last + 1 + margin])
        seconds = len(speech) / SAMPLE_RATE
        # Pauses are no part of its loudness.
        levels = np.array(self._levels[first : self._last + 1])
        loud = speech.reshape(-1, FRAME)[levels >= self._bar(0.5)]
        level = level_db(loud.reshape(-1))
        problems = _problems(settings, seconds, level, self._room, clipped_samples(speech))
        return Take(samples, seconds, level, peak_db(speech), self._room, problems)


def _problems(settings: TakeSettings, seconds: float, level: float, room: float, clipped: int) -> tuple[str, ...]:
    found: list[tuple[bool, Callable[[], str]]] = [
        (clipped > 0, lambda: "it is clipped: move back, or turn the microphone down"),
        (level < settings.quiet, lambda: "it is too quiet: come closer, or turn the microphone up"),
        (
            level - room < settings.clear,
            lambda: f"it is only {level - room:.0f} dB above the room: find a quieter place",
        ),
        (
            seconds >= settings.longest_s,
            lambda: f"it is too long: say the phrase alone, within {settings.longest_s:g} s",
        ),
        (seconds < settings.shortest_s, lambda: f"it is too short ({seconds:.2f} s): perhaps a click"),
    ]
    return tuple(sentence() for wrong, sentence in found if wrong)
