"""The meter in one line: time, level, and a bar for each keyword with a mark at its threshold.

   12.5 s  mic ━━━━━━────  -23 dB  happy ━━━━━━━━━━━━━━━━━━╋━━───    9.3

The heavy part of a bar is filled; a score that passes the mark has reached the threshold.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TextIO

from rich.cells import cell_len, set_cell_size

#: A score's bar spans so many logits; the threshold is at _MARK_AT of it.
_SPAN, _MARK_AT = 16.0, 0.75
_LEVEL_FLOOR_DB = -60.0
#: From this width on there is room for the level in dB and for the caption.
_WIDE = 70
_SCORE_CELLS = 7
_LONGEST_BAR = 24

BOLD, DIM, GREEN, YELLOW, RED, CYAN = "1", "2", "32", "33", "31", "36"
#: A piece of text and how it is shown (SGR parameters; empty is plain).
Piece = tuple[str, str]


@dataclass(frozen=True)
class Look:
    """What the output can show.

    live     it is a terminal that can move its cursor: otherwise only detections are printed
    color    colours are wanted (NO_COLOR is not set); bold and dim are used either way
    glyphs   the characters of the bars: filled, rest, mark in the filled part, mark in the rest
    """

    live: bool
    color: bool = True
    glyphs: str = "━─╋┃"

    @classmethod
    def of(cls, stream: TextIO | None) -> Look:
        """The look of a stream (None is a closed one), from what it is and from the environment."""
        glyphs = cls.glyphs
        try:
            glyphs.encode(getattr(stream, "encoding", None) or "ascii")
        except (UnicodeEncodeError, LookupError):
            glyphs = "#-|:"
        live = stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
        return cls(live, not os.environ.get("NO_COLOR"), glyphs)


@dataclass(frozen=True)
class Gauge:
    """One keyword: threshold and last score (logits; NaN = none yet), and whether it was just detected.

    count, last_s   how often it was detected, and when last, in seconds of sound (NaN = never)
    """

    keyword: str
    threshold: float
    score: float = math.nan
    detected: bool = False
    count: int = 0
    last_s: float = math.nan


@dataclass(frozen=True)
class Status:
    """How the microphone and the machine are doing.

    microphone   its name and rate, or that it is gone
    cpu_share    processor time a second of time, of one core
    delay_s      how long sound waits between driver and detector
    overflows    how often sound was lost, and the blocks among it that were dropped here
    reconnects   how often the microphone came back
    """

    microphone: str
    lost: bool = False
    cpu_share: float = math.nan
    delay_s: float = 0.0
    overflows: int = 0
    dropped_blocks: int = 0
    reconnects: int = 0


@dataclass(frozen=True)
class Reading:
    """What is shown: seconds heard, level in dBFS, a word on what goes on, the gauges, and the status if there is."""

    heard_s: float
    level_db: float
    gauges: Sequence[Gauge]
    caption: str = ""
    status: Status | None = None


def compose(reading: Reading, columns: int, look: Look) -> str:
    """The line for a terminal of ``columns``, at most columns - 1 cells wide, with its colours.

    Where keywords do not fit, those nearest to firing are shown, in their usual order, and the rest counted.
    """
    count = len(reading.gauges)
    for wide, longest_name in ((True, 12), (False, 12), (False, 6)):
        if wide and columns <= _WIDE:
            continue
        pieces = _head(reading, wide, look)
        room = columns - 1 - sum(cell_len(text) for text, _ in pieces)  # the last column would wrap somewhere
        longest = max(cell_len(gauge.keyword) for gauge in reading.gauges)
        name_cells = min(longest, longest_name)
        least_bar = 8 if wide else 4
        least = 2 + name_cells + 1 + least_bar + _SCORE_CELLS
        if count * least <= room:  # otherwise the head makes room for keywords
            break
    fit = count
    if count * least > room:
        room -= 4  # for the count of those not shown
        fit = max(1, room // least)
    cells = min(max(room // fit - least, 0) + least_bar, _LONGEST_BAR)
    for gauge in nearest(reading.gauges, fit):
        pieces += _gauge(gauge, name_cells, cells, look)
    if fit < count:
        pieces.append((f" +{count - fit}", DIM))
    return render(pieces, columns - 1, look)


def _head(reading: Reading, wide: bool, look: Look) -> list[Piece]:
    """Time and level; where it is wide, the level in dB and the caption too."""
    time = (f"{reading.heard_s:7.1f} s  ", "")
    level = level_bar(reading.level_db, 10 if wide else 5, look)
    if not wide:
        return [time, *level]
    caption = [(f"  {set_cell_size(reading.caption, 10)}", DIM)] if reading.caption else []
    return [time, ("mic ", ""), *level, (f"{max(reading.level_db, -99.0):5.0f} dB", DIM), *caption]


def nearest(gauges: Sequence[Gauge], count: int) -> list[Gauge]:
    """The ``count`` gauges nearest to firing, in their usual order."""

    def urgency(index: int) -> tuple[bool, float]:
        gauge = gauges[index]
        return gauge.detected, -math.inf if math.isnan(gauge.score) else gauge.score - gauge.threshold

    chosen = sorted(range(len(gauges)), key=urgency, reverse=True)[:count]
    return [gauges[index] for index in sorted(chosen)]


def level_bar(level_db: float, cells: int, look: Look) -> list[Piece]:
    """The level's bar, yellow and red where it comes near full scale."""
    share = 1.0 - level_db / _LEVEL_FLOOR_DB
    color = RED if level_db > -3.0 else YELLOW if level_db > -9.0 else CYAN
    return _bar(share, cells, None, color, look)


def _gauge(gauge: Gauge, name_cells: int, cells: int, look: Look) -> list[Piece]:
    style = f"{BOLD};{GREEN}" if gauge.detected else CYAN
    name = set_cell_size(gauge.keyword, name_cells)
    score = "" if math.isnan(gauge.score) else f"{gauge.score:.1f}"
    return [
        (f"  {name} ", style if gauge.detected else ""),
        *score_bar(gauge, cells, look),
        (f"{score:>{_SCORE_CELLS}}", style if gauge.detected else ""),
    ]


def score_bar(gauge: Gauge, cells: int, look: Look) -> list[Piece]:
    """A score's bar with the mark at its threshold."""
    share = (gauge.score - gauge.threshold) / _SPAN + _MARK_AT
    return _bar(share, cells, int(_MARK_AT * cells), f"{BOLD};{GREEN}" if gauge.detected else CYAN, look)


def _bar(share: float, cells: int, mark: int | None, style: str, look: Look) -> list[Piece]:
    """A bar filled to ``share`` (any number; NaN is empty), with the threshold's mark at cell ``mark``."""
    filled, rest, mark_filled, mark_rest = tuple(look.glyphs)
    full = 0 if math.isnan(share) else int(min(max(share, 0.0), 1.0) * cells)
    if mark is not None:  # rounding must not say that a threshold is reached when it is not
        full = max(full, mark + 1) if share >= _MARK_AT else min(full, mark)

    def cell(index: int) -> Piece:
        if index < full:
            return (mark_filled if index == mark else filled), style
        return (mark_rest, "") if index == mark else (rest, DIM)

    runs = groupby((cell(index) for index in range(cells)), key=lambda piece: piece[1])
    return [("".join(glyph for glyph, _ in run), shown) for shown, run in runs]


def render(pieces: Sequence[Piece], columns: int, look: Look) -> str:
    """Pieces -> text with escape sequences, cut to ``columns`` cells."""
    out, left = [], columns
    for text, style in pieces:
        if cell_len(text) > left:
            text = set_cell_size(text, max(left, 0))
        left -= cell_len(text)
        if not look.color:  # bold and dim are not colours
            style = ";".join(code for code in style.split(";") if code in (BOLD, DIM))
        out.append(f"\x1b[{style}m{text}\x1b[0m" if style and text else text)
    return "".join(out)
