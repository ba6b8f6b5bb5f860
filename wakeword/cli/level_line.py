"""A live line with the microphone's level, on a terminal; elsewhere nothing."""

from __future__ import annotations

import shutil
import sys
import time

import click

from wakeword.cli.bars import DIM, Look, level_bar, render

_REDRAWS_PER_SECOND = 15.0


class LevelLine:
    """Context manager: the line is wiped at its end.

    >>> with LevelLine() as line:
    ...     for block in microphone:
    ...         line.show(microphone.level, "waiting")
    """

    def __init__(self) -> None:
        self._look = Look.of(sys.stdout)
        self._drawn_at = -1.0

    def __enter__(self) -> LevelLine:
        return self

    def __exit__(self, *error: object) -> None:
        self.clear()

    def show(self, level: float, caption: str) -> None:
        """Draw the level (dBFS) with a word beside it, if it is time to."""
        if not self._look.live or time.monotonic() - self._drawn_at < 1.0 / _REDRAWS_PER_SECOND:
            return
        self._drawn_at = time.monotonic()
        columns = shutil.get_terminal_size().columns - 1
        pieces = [
            ("   ", ""), *level_bar(level, 30, self._look), (f"{max(level, -99.0):5.0f} dB  ", DIM), (caption, "")
        ]  # fmt: skip
        click.echo(f"\r{render(pieces, columns, self._look)}\x1b[K", nl=False, color=True)

    def clear(self) -> None:
        """Wipe the line, before something else is printed."""
        if self._look.live:
            click.echo("\r\x1b[K", nl=False, color=True)
