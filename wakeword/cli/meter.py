"""A live line of level and scores with the detections above it; on a pipe, nothing but the detections."""

from __future__ import annotations

import math
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TextIO

import click
import numpy as np

from wakeword.cli.bars import BOLD, GREEN, Gauge, Look, Reading, compose, render
from wakeword.cli.text import as_text, printable
from wakeword.detector import Detection, Detector, Step

#: Redraws a second at most: more is flicker and processor time, and nobody reads faster.
REDRAWS_PER_SECOND = 15.0
#: For so many seconds of sound a keyword stays highlighted after its detection.
HIGHLIGHT_S = 1.0


@dataclass(frozen=True)
class Screen:
    """Where the meter prints: a stream, what it can show, and the clock (seconds) that paces the redraws."""

    stream: TextIO
    look: Look
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def standard_output(cls) -> Screen:
        """Standard output as it is now."""
        return cls(sys.stdout, Look.of(sys.stdout))

    def plain(self) -> Screen:
        """The same stream without the live line, whatever it could show."""
        return replace(self, look=replace(self.look, live=False))


class Meter:
    """Prints detections as they come and, on a terminal, keeps a live line below them. A context manager.

    detector   whose keywords and thresholds are shown
    describe   a detection as a line of text
    screen     standard output unless given

    >>> with Meter(detector) as meter:
    ...     for block in microphone:
    ...         heard_s += len(block) / 16_000
    ...         meter.update(heard_s, microphone.level, detector.step(block))
    """

    def __init__(
        self,
        detector: Detector,
        describe: Callable[[Detection], str] = as_text,
        screen: Screen | None = None,
    ) -> None:
        self._screen = screen or Screen.standard_output()
        self._look, self._describe = self._screen.look, describe
        self._keywords = [printable(model.keyword) for model in detector.models]
        self._thresholds = detector.thresholds
        self._shown = np.full(len(self._keywords), np.nan, dtype=np.float32)
        self._peak = self._shown.copy()
        self._detected_at: dict[str, float] = {}
        self._drawn_at = -math.inf
        self._line = ""

    def __enter__(self) -> Meter:
        if self._look.live:
            self._write("\x1b[?25l")  # a cursor running along the line is unquiet
        return self

    def __exit__(self, *error: object) -> None:
        if self._look.live:
            self._write("\r\x1b[K\x1b[?25h")

    def update(self, heard_s: float, level_db: float, step: Step, caption: str = "") -> None:
        """Show what one block brought: detections at once, the line when it is due.

        heard_s, level_db   seconds of sound so far, and its loudness now in dBFS
        caption             a word on what goes on, shown where there is room
        """
        for detection in step.detections:
            self._detected_at[printable(detection.keyword)] = heard_s
            self.say(self._describe(detection), highlight=True)
        if not self._look.live:
            return
        if len(step.scores):  # the highest since the last drawing: a word's peak is shorter than that
            self._peak = np.fmax(self._peak, np.fmax.reduce(step.scores, axis=0))
        if self._screen.clock() - self._drawn_at < 1.0 / REDRAWS_PER_SECOND:
            return
        self._drawn_at = self._screen.clock()
        self._shown = np.where(np.isnan(self._peak), self._shown, self._peak)
        self._peak = np.full_like(self._shown, np.nan)
        reading = Reading(heard_s, level_db, self._gauges(heard_s), caption)
        self._line = compose(reading, shutil.get_terminal_size().columns, self._look)
        self._write(f"\r{self._line}\x1b[K")

    def say(self, line: str, highlight: bool = False) -> None:
        """Print a line for good, above the live one."""
        if not self._look.live:
            self._write(f"{line}\n")
            return
        if highlight:
            line = render([(line, f"{BOLD};{GREEN}")], 10_000, self._look)
        self._write(f"\r{line}\x1b[K\n{self._line}")

    def notice(self, line: str) -> None:
        """Print what is no detection: above the live line, or on standard error to keep a pipe clean."""
        if self._look.live:
            self.say(line)
        else:
            click.echo(line, err=True)

    def _gauges(self, heard_s: float) -> list[Gauge]:
        since = [heard_s - self._detected_at.get(keyword, -math.inf) for keyword in self._keywords]
        lit = [seconds < HIGHLIGHT_S for seconds in since]
        rows = zip(self._keywords, self._thresholds, self._shown.tolist(), lit, strict=True)
        return [Gauge(*row) for row in rows]

    def _write(self, text: str) -> None:
        # click flushes, and on Windows it translates the escape sequences a terminal does not know.
        click.echo(text, file=self._screen.stream, nl=False, color=self._look.live)
