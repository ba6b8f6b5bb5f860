"""The live view of several lines: it fits, it tells what goes wrong, and redrawing leaves the terminal as it should."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable

import numpy as np
import pytest
from rich.cells import cell_len

from wakeword.cli.bars import Gauge, Look, Reading, Status
from wakeword.cli.meter import Meter, Screen
from wakeword.cli.panel import panel
from wakeword.detector import Detection, Detector, Step

ESCAPE = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]")
LOOK = Look(live=True)
FINE = Status("USB mic, 48000 Hz", cpu_share=0.0123, delay_s=0.004)


def shown(reading: Reading, columns: int = 100, rows: int = 24) -> list[str]:
    return [ESCAPE.sub("", line).rstrip() for line in panel(reading, columns, rows, LOOK)]


def gauges(count: int) -> list[Gauge]:
    return [Gauge(f"word{i}", 1.0, [-3.0, math.nan, 0.9, -123.4][i % 4]) for i in range(count)]


def test_every_word_has_its_line_with_score_threshold_and_history() -> None:
    heard = Gauge("happy", 3.3, 8.3, True, 2, 11.9)
    lines = shown(Reading(3725.0, -23.0, [heard, Gauge("marvin", 5.2, -1.0)], status=FINE))
    assert lines[0] == " 1:02:05  USB mic, 48000 Hz"
    assert re.fullmatch(r" level    ━+─+ +-23 dB", lines[1])
    assert re.fullmatch(r" happy    ━+╋━*─* +8\.3  fires at 3\.3 +2 times, last at 11\.9 s", lines[2])
    assert re.fullmatch(r" marvin   ━+─*┃─+ +-1\.0  fires at 5\.2", lines[3])
    assert lines[4] == " cpu 1.2%   delay 4 ms   dropped 0   reconnects 0"


def test_what_goes_wrong_is_seen() -> None:
    troubled = Status("mic is gone: waiting for it", True, 0.5, 1.25, 9, 7, 3)
    reading = Reading(1.0, -99.0, gauges(1), status=troubled)
    assert shown(reading)[-1] == " cpu 50.0%   delay 1250 ms   dropped 7   overflows 2   reconnects 3"
    raw = panel(reading, 100, 24, LOOK)
    assert "\x1b[1;31mmic is gone: waiting for it" in raw[0]
    assert "\x1b[33m   dropped 7" in raw[-1]
    assert "\x1b[33m" not in panel(Reading(1.0, -99.0, gauges(1), status=FINE), 100, 24, LOOK)[-1]


@pytest.mark.parametrize("columns", [30, 48, 60, 80, 200])
@pytest.mark.parametrize("rows", [3, 6, 7, 24])
@pytest.mark.parametrize("count", [1, 4, 30])
def test_it_fits_every_terminal(columns: int, rows: int, count: int) -> None:
    lines = shown(Reading(86_400.0, -23.4, gauges(count), status=FINE), columns, rows)
    assert max(map(cell_len, lines)) <= columns - 1
    assert len(lines) == 1 or len(lines) <= rows - 2  # a detection's line and the prompt have room
    if len(lines) > 1:
        assert any("word2" in line for line in lines) or count == 1  # the nearest to firing
        hidden = count - (len(lines) - 3)
        assert (f"+{hidden} keywords" in lines[-1]) == (hidden > 0 and columns > 70) or columns <= 70


class Emulator:
    """A terminal that knows what the meter uses: return, newline, up, wipe to the end of line and of screen."""

    def __init__(self) -> None:
        self.lines, self.row, self.column = [""], 0, 0

    def feed(self, text: str) -> None:
        for token in re.findall(r"\x1b\[[?0-9;]*[A-Za-z]|.|\n", text, re.DOTALL):
            if token == "\r":
                self.column = 0
            elif token == "\n":  # as a terminal's driver translates it
                self.row, self.column = self.row + 1, 0
                self.lines += [""] * (self.row + 1 - len(self.lines))
            elif token.endswith("A") and token != "A":
                self.row -= int(token[2:-1])
            elif token == "\x1b[K":
                self.lines[self.row] = self.lines[self.row][: self.column]
            elif token == "\x1b[J":
                self.lines[self.row] = self.lines[self.row][: self.column]
                del self.lines[self.row + 1 :]
            elif not token.startswith("\x1b"):
                line = self.lines[self.row].ljust(self.column)
                self.lines[self.row] = line[: self.column] + token + line[self.column + 1 :]
                self.column += 1


def test_redrawing_keeps_what_was_said_and_one_view_below_it(
    make_model: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    out, clock, terminal = io.StringIO(), [0.0], Emulator()
    detector = Detector(make_model("happy"), threshold=4.0)  # type: ignore[arg-type]
    heights = [3, 3, 5, 2, 4, 1, 3]
    views = [[f"view {turn} line {line}" for line in range(height)] for turn, height in enumerate(heights)]
    waiting = iter(views)
    meter = Meter(
        detector,
        lambda detection: f"heard {detection.score}",
        Screen(out, LOOK, lambda: clock[0]),
        lambda reading, columns, rows, look: next(waiting),
    )
    said: list[str] = []
    with meter:
        for turn, view in enumerate(views):
            clock[0] += 1.0
            found = [Detection("happy", 0.0, 1.0, float(turn))] if turn % 2 else []
            meter.update(clock[0], -20.0, Step(found, np.array([1.0]), np.array([[0.0]], np.float32)))
            said += [f"heard {detection.score}" for detection in found]
            if turn == 4:
                meter.notice("a notice")
                said.append("a notice")
            terminal.feed(out.getvalue())
            out.seek(0)
            out.truncate()
            assert [line.rstrip() for line in terminal.lines] == said + view
    terminal.feed(out.getvalue())
    assert [line.rstrip() for line in terminal.lines] == [*said, ""]
