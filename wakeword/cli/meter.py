"""A live view of level and scores with the detections above it; on a pipe, nothing but the detections."""

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

from wakeword.cli.bars import BOLD, GREEN, Gauge, Look, Reading, Status, render
from wakeword.cli.panel import one_line
from wakeword.cli.text import as_text, printable
from wakeword.detector import Detection, Detector, Step

#: Redraws a second at most: more is flicker and processor time, and nobody reads faster.
REDRAWS_PER_SECOND = 15.0
#: (reading, columns, rows, look) -> the lines of the live view
Layout = Callable[[Reading, int, int, Look], list[str]]
#: For so many seconds of sound a keyword stays highlighted after its detection.
HIGHLIGHT_S = 1.0
_WIPE_BELOW = "\x1b[J"


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
    """Prints detections as they come and, on a terminal, keeps a live view below them. A context manager.

    detector   whose keywords and thresholds are shown
    describe   a detection as a line of text
    screen     standard output unless given
    layout     what the live view looks like

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
        layout: Layout = one_line,
    ) -> None:
        self._screen = screen or Screen.standard_output()
        self._look, self._describe, self._layout = self._screen.look, describe, layout
        self._keywords = [printable(model.keyword) for model in detector.models]
        self._thresholds = detector.thresholds
        self._shown = np.full(len(self._keywords), np.nan, dtype=np.float32)
        self._peak = self._shown.copy()
        self._detected_at: dict[str, float] = {}
        self._counts = dict.fromkeys(self._keywords, 0)
        self._drawn_at = -math.inf
        self._lines: list[str] = []

    def __enter__(self) -> Meter:
        if self._look.live:
            self._write("\x1b[?25l")  # a cursor running along the line is unquiet
        return self

    def __exit__(self, *error: object) -> None:
        if self._look.live:
            self._write(f"{self._to_the_top()}\x1b[K{'' if len(self._lines) < 2 else _WIPE_BELOW}\x1b[?25h")

    def update(
        self, heard_s: float, level_db: float, step: Step, caption: str = "", status: Status | None = None
    ) -> None:
        """Show what one block brought: detections at once, the view when it is due.

        heard_s, level_db   seconds of sound so far, and its loudness now in dBFS
        caption             a word on what goes on, shown where there is room
        status              how the microphone is doing, shown where the layout has a place for it
        """
        for detection in step.detections:
            keyword = printable(detection.keyword)
            self._detected_at[keyword] = heard_s
            self._counts[keyword] += 1
            self.say(self._describe(detection), highlight=True)
        if not self._look.live:
            return
        if len(step.scores):  # the highest since the last drawing: a word's peak is shorter than that
            self._peak = np.fmax(self._peak, np.fmax.reduce(step.scores, axis=0))
        if self._screen.clock() - self._drawn_at < 1.0 / REDRAWS_PER_SECOND:
            return
        self._shown = np.where(np.isnan(self._peak), self._shown, self._peak)
        self._peak = np.full_like(self._shown, np.nan)
        self.draw(Reading(heard_s, level_db, self.gauges(heard_s), caption, status))

    def draw(self, reading: Reading) -> None:
        """Draw the live view now."""
        if not self._look.live:
            return
        self._drawn_at = self._screen.clock()
        size = shutil.get_terminal_size()
        top = self._to_the_top()
        fewer = len(self._lines)
        self._lines = self._layout(reading, size.columns, size.lines, self._look)
        wipe = _WIPE_BELOW if len(self._lines) < fewer else ""
        self._write(f"{top}{self._view()}{wipe}")

    def say(self, line: str, highlight: bool = False) -> None:
        """Print a line for good, above the live view."""
        if not self._look.live:
            self._write(f"{line}\n")
            return
        if highlight:
            line = render([(line, f"{BOLD};{GREEN}")], 10_000, self._look)
        self._write(f"{self._to_the_top()}{line}\x1b[K\n{self._view()}")

    def notice(self, line: object) -> None:
        """Print what is no detection: above the live view, or on standard error to keep a pipe clean."""
        if self._look.live:
            self.say(str(line))
        else:
            click.echo(str(line), err=True)

    def gauges(self, heard_s: float) -> list[Gauge]:
        """The keywords with the scores that were last shown."""
        gauges = []
        for keyword, threshold, score in zip(self._keywords, self._thresholds, self._shown.tolist(), strict=True):
            last_s = self._detected_at.get(keyword, math.nan)
            lit = heard_s - last_s < HIGHLIGHT_S
            gauges.append(Gauge(keyword, threshold, score, lit, self._counts[keyword], last_s))
        return gauges

    def _to_the_top(self) -> str:
        """From the end of the live view to its first cell."""
        return "\r" + (f"\x1b[{len(self._lines) - 1}A" if len(self._lines) > 1 else "")

    def _view(self) -> str:
        return "\n".join(f"{line}\x1b[K" for line in self._lines)

    def _write(self, text: str) -> None:
        # click flushes, and on Windows it translates the escape sequences a terminal does not know.
        click.echo(text, file=self._screen.stream, nl=False, color=self._look.live)
