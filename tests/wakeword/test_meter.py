"""The meter: what it draws at every width, how often, and that a pipe gets detections and nothing else."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable

import numpy as np
import pytest
from rich.cells import cell_len

from wakeword.cli.bars import Gauge, Look, Reading, compose
from wakeword.cli.meter import REDRAWS_PER_SECOND, Meter, Screen
from wakeword.cli.text import as_text
from wakeword.detector import Detection, Detector, Step

ESCAPE = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]")
COLOR = re.compile(r"\x1b\[(?:[0-9]+;)*3[0-9]")
HIT = Detection("happy", 11.48, 12.48, 9.3081)
LOOK = Look(live=True)


class Clock:
    """Stands until it is set."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def plain(line: str) -> str:
    return ESCAPE.sub("", line)


def step(score: float, *detections: Detection) -> Step:
    return Step(list(detections), np.array([1.0]), np.array([[score]], np.float32))


def gauges(*scores: float) -> list[Gauge]:
    return [Gauge(f"word{index}", 1.0, score) for index, score in enumerate(scores)]


@pytest.fixture
def detector(make_model: Callable[..., object]) -> Detector:
    return Detector(make_model("happy"), threshold=4.0)  # type: ignore[arg-type]


def meter_on(stream: io.StringIO, detector: Detector, live: bool, clock: Clock | None = None) -> Meter:
    return Meter(detector, screen=Screen(stream, Look(live), clock or Clock()))


def test_a_detection_is_a_line() -> None:
    assert as_text(HIT) == "  12.48 s  happy   score 9.31"


def test_a_keyword_cannot_steer_the_terminal(make_model: Callable[..., object]) -> None:
    assert as_text(Detection("a\x1b[2Jb\n", 0.0, 1.0, 0.0)) == "   1.00 s  a?[2Jb?   score 0.00"
    out = io.StringIO()
    foreign = Detector(make_model("a\x1b[2Jb"), threshold=4.0)  # type: ignore[arg-type]
    with meter_on(out, foreign, live=True) as meter:
        meter.update(1.0, -20.0, step(0.0))
    assert "\x1b[2J" not in out.getvalue()
    assert "a?[2Jb" in out.getvalue()


def test_a_pipe_gets_the_detections_and_nothing_else(detector: Detector) -> None:
    out, clock = io.StringIO(), Clock()
    with meter_on(out, detector, live=False, clock=clock) as meter:
        for block in range(50):
            clock.now += 0.08
            meter.update(block * 0.08, -20.0, step(9.3, HIT) if block == 20 else step(0.0))
    assert out.getvalue() == "  12.48 s  happy   score 9.31\n"


def test_a_detection_is_flushed_at_once(detector: Detector) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8")  # type: ignore[arg-type,type-var]
    with Meter(detector, screen=Screen(stream, Look(live=False), Clock())) as meter:
        meter.update(1.0, -20.0, step(9.3, HIT))
        assert raw.getvalue() == b"  12.48 s  happy   score 9.31\n"


def test_notices_keep_a_pipe_clean(detector: Detector, capsys: pytest.CaptureFixture[str]) -> None:
    out = io.StringIO()
    meter_on(out, detector, live=False).notice("microphone gone")
    assert (out.getvalue(), capsys.readouterr().err) == ("", "microphone gone\n")


def test_a_terminal_keeps_detections_above_the_line_and_is_left_clean(detector: Detector) -> None:
    out, clock = io.StringIO(), Clock()
    with meter_on(out, detector, live=True, clock=clock) as meter:
        meter.update(12.4, -20.0, step(1.0))
        clock.now += 1.0
        meter.update(12.5, -20.0, step(9.3, HIT))
    text = out.getvalue()
    assert text.count("\n") == 1
    assert plain(text.split("\n")[0]).rstrip().endswith("  12.48 s  happy   score 9.31")
    assert text.startswith("\x1b[?25l")
    assert text.endswith("\r\x1b[K\x1b[?25h")  # the line is wiped and the cursor is back


def test_redraws_are_few_however_fast_the_blocks_come(detector: Detector) -> None:
    out, clock = io.StringIO(), Clock()
    with meter_on(out, detector, live=True, clock=clock) as meter:
        for block in range(1000):
            clock.now = block / 1000
            meter.update(block * 0.08, -20.0, step(0.0))
    assert 10 <= out.getvalue().count("\r") - 1 <= REDRAWS_PER_SECOND == 15


def test_a_peak_between_two_redraws_is_not_lost(detector: Detector) -> None:
    out, clock = io.StringIO(), Clock()
    with meter_on(out, detector, live=True, clock=clock) as meter:
        meter.update(1.0, -20.0, step(0.0))
        for now, score in ((0.01, 2.0), (0.02, 7.7), (0.03, 1.0), (0.2, -1.0)):
            clock.now = now
            meter.update(1.0 + now, -20.0, step(score))
        assert plain(out.getvalue().rsplit("\r", 1)[1]).endswith("7.7")
        clock.now = 0.4
        meter.update(1.4, -20.0, Step([], np.zeros(0), np.zeros((0, 1), np.float32)))
        assert plain(out.getvalue().rsplit("\r", 1)[1]).endswith("7.7")  # no window since: it stays


def test_the_highlight_lasts_a_second_of_sound(detector: Detector) -> None:
    out, clock = io.StringIO(), Clock()
    green = []
    with meter_on(out, detector, live=True, clock=clock) as meter:
        for heard in (0.9, 1.0, 1.9, 2.1):
            clock.now += 1.0
            meter.update(heard, -20.0, step(0.0, HIT) if heard == 1.0 else step(0.0))
            green.append("\x1b[1;32m  happy" in out.getvalue().rsplit("\r", 1)[1])
    assert green == [False, True, True, False]


@pytest.mark.parametrize("columns", [40, 41, 55, 70, 71, 80, 100, 200])
@pytest.mark.parametrize("count", [1, 2, 4, 12])
@pytest.mark.parametrize("heard_s", [0.1, 86_400.0])
def test_the_line_fits_every_terminal(columns: int, count: int, heard_s: float) -> None:
    scores = [0.0, -123.4, math.nan, 5.0] * 3
    reading = Reading(heard_s, -23.4, gauges(*scores[:count]), '"backward"')
    line = compose(reading, columns, LOOK)
    assert cell_len(plain(line)) <= columns - 1
    assert ("word3" if count > 3 else "word0") in plain(line)  # the nearest to firing
    assert "╋" in line or "┃" in line


def test_wide_characters_are_counted_as_two_cells() -> None:
    reading = Reading(1.0, -20.0, [Gauge("你好小智同学", 1.0, 0.0)] * 3)
    for columns in (40, 60, 80):
        assert cell_len(plain(compose(reading, columns, LOOK))) <= columns - 1


def test_what_does_not_fit_is_counted_and_the_nearest_to_firing_is_shown() -> None:
    line = plain(compose(Reading(1.0, -20.0, gauges(-9.0, math.nan, 0.9, -3.0)), 40, LOOK))
    assert "word2" in line
    assert line.endswith("+3")
    fired = Gauge("late", 1.0, -8.0, detected=True)
    assert "late" in plain(compose(Reading(1.0, -20.0, [*gauges(0.9, 0.8), fired]), 40, LOOK))


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize(("score", "reached"), [(3.99, False), (4.0, True), (99.0, True), (math.nan, False)])
def test_the_bar_passes_the_mark_exactly_at_the_threshold(columns: int, score: float, reached: bool) -> None:
    line = compose(Reading(1.0, -20.0, [Gauge("happy", 4.0, score)]), columns, LOOK)
    assert ("╋" in line, "┃" in line) == (reached, not reached)


def test_the_head_makes_room_for_keywords() -> None:
    one, two = (plain(compose(Reading(1.0, -20.0, gauges(*[0.0] * n), '"cat"'), 80, LOOK)) for n in (1, 2))
    assert '-20 dB  "cat"' in one
    assert re.search("word0.*word1", two)
    assert "dB" not in two


def test_bars_grow_with_level_and_score() -> None:
    def filled(level: float, score: float) -> int:
        return compose(Reading(1.0, level, [Gauge("happy", 4.0, score)]), 80, LOOK).count("━")

    levels = [filled(level, -math.inf) for level in (-120.0, -60.0, -30.0, 0.0)]
    assert levels == [0, 0, 5, 10]
    scores = [filled(-120.0, score) for score in (-20.0, -4.0, 0.0, 3.9)]
    assert scores == sorted(set(scores))


def test_clipping_is_red() -> None:
    assert "\x1b[31m" in compose(Reading(1.0, -1.0, gauges(0.0)), 80, LOOK)
    assert "\x1b[31m" not in compose(Reading(1.0, -20.0, gauges(0.0)), 80, LOOK)


def test_no_color_keeps_the_highlight_without_colours() -> None:
    lit = Reading(1.0, -1.0, [Gauge("happy", 4.0, 9.0, detected=True)])
    line = compose(lit, 80, Look(live=True, color=False))
    assert COLOR.search(compose(lit, 80, LOOK))
    assert not COLOR.search(line)
    assert "\x1b[1m  happy" in line


class Terminal(io.StringIO):
    def __init__(self, encoding: str, terminal: bool = True) -> None:
        super().__init__()
        self._encoding, self._terminal = encoding, terminal

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return self._terminal


def test_the_look_follows_stream_and_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert Look.of(Terminal("utf-8")) == Look(True, True, "━─╋┃")
    assert Look.of(Terminal("ascii")) == Look(True, True, "#-|:")
    assert not Look.of(Terminal("utf-8", terminal=False)).live
    monkeypatch.setenv("FORCE_COLOR", "1")  # colours in a pipe are one thing, a moving cursor another
    assert not Look.of(Terminal("utf-8", terminal=False)).live
    monkeypatch.setenv("NO_COLOR", "1")
    assert not Look.of(Terminal("utf-8")).color
    monkeypatch.setenv("TERM", "dumb")
    assert not Look.of(Terminal("utf-8")).live
