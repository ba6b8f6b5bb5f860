"""The live view where there is room for it: a line for the microphone, one for every keyword, one for the machine.

0:00:12  USB mic, 48000 Hz
level    ━━━━━━━━━━━━━━━━──────────────────────   -23 dB
happy    ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╋━━─────     9.3  fires at 3.3   2 times, last at 11.9 s
cpu 0.9 %   delay 4 ms   dropped 0   reconnects 0
"""

from __future__ import annotations

import math

from rich.cells import cell_len, set_cell_size

from wakeword.cli.bars import (
    BOLD,
    DIM,
    GREEN,
    RED,
    YELLOW,
    Gauge,
    Look,
    Piece,
    Reading,
    Status,
    compose,
    level_bar,
    nearest,
    render,
    score_bar,
)

#: Below these the view is one line.
_NARROWEST, _LINES_BESIDE_KEYWORDS = 48, 3
_LONGEST_NAME, _SHORTEST_BAR, _LONGEST_BAR = 16, 10, 40
_SCORE_CELLS, _LIMIT_CELLS, _HISTORY_CELLS = 8, 18, 30


def one_line(reading: Reading, columns: int, rows: int, look: Look) -> list[str]:
    """The meter that fits everywhere."""
    return [compose(reading, columns, look)]


def panel(reading: Reading, columns: int, rows: int, look: Look) -> list[str]:
    """The lines for a terminal of ``columns`` x ``rows``, each at most columns - 1 cells wide.

    Where there are more keywords than rows, those nearest to firing are shown; where it is too small for any of
    this, the one line.
    """
    status = reading.status
    fit = min(len(reading.gauges), rows - _LINES_BESIDE_KEYWORDS - 2)  # the row of the prompt, and a detection's
    if status is None or columns < _NARROWEST or fit < 1:
        return one_line(reading, columns, rows, look)
    gauges = nearest(reading.gauges, fit)
    name_cells = min(_LONGEST_NAME, max(8, *(cell_len(gauge.keyword) for gauge in gauges)))
    room = columns - 1 - (1 + name_cells + 1) - _SCORE_CELLS
    extra = (_LIMIT_CELLS, _HISTORY_CELLS)
    shown = next((n for n in (2, 1, 0) if room - sum(extra[:n]) >= _SHORTEST_BAR + 6), 0)
    cells = min(_LONGEST_BAR, room - sum(extra[:shown]))
    lines = [_head(reading, status), _level(reading, name_cells, cells, look)]
    lines += [_gauge(gauge, name_cells, cells, shown, look) for gauge in gauges]
    lines.append(_machine(status, len(reading.gauges) - len(gauges)))
    return [render(pieces, columns - 1, look) for pieces in lines]


def _head(reading: Reading, status: Status) -> list[Piece]:
    seconds = int(reading.heard_s)
    time = f" {seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}  "
    return [(time, BOLD), (status.microphone, f"{BOLD};{RED}" if status.lost else "")]


def _level(reading: Reading, name_cells: int, cells: int, look: Look) -> list[Piece]:
    name = set_cell_size("level", name_cells)
    level = f"{max(reading.level_db, -99.0):.0f} dB"
    return [(f" {name} ", ""), *level_bar(reading.level_db, cells, look), (f"{level:>{_SCORE_CELLS}}", DIM)]


def _gauge(gauge: Gauge, name_cells: int, cells: int, shown: int, look: Look) -> list[Piece]:
    style = f"{BOLD};{GREEN}" if gauge.detected else ""
    score = "" if math.isnan(gauge.score) else f"{gauge.score:.1f}"
    limit = f"  fires at {gauge.threshold:.1f}"
    history = f"{gauge.count} {'time' if gauge.count == 1 else 'times'}, last at {gauge.last_s:.1f} s"
    return [
        (f" {set_cell_size(gauge.keyword, name_cells)} ", style),
        *score_bar(gauge, cells, look),
        (f"{score:>{_SCORE_CELLS}}", style),
        (f"{limit:<{_LIMIT_CELLS}}" if shown > 0 else "", DIM),
        (history if shown > 1 and gauge.count else "", style or DIM),
    ]


def _machine(status: Status, hidden: int) -> list[Piece]:
    cpu = "" if math.isnan(status.cpu_share) else f" cpu {status.cpu_share:.1%}  "
    driver = status.overflows - status.dropped_blocks
    return [
        (cpu, DIM),
        (f" delay {1000.0 * status.delay_s:.0f} ms", DIM if status.delay_s < 0.5 else YELLOW),
        (f"   dropped {status.dropped_blocks}", YELLOW if status.dropped_blocks else DIM),
        (f"   overflows {driver}" if driver else "", YELLOW),
        (f"   reconnects {status.reconnects}", YELLOW if status.reconnects else DIM),
        (f"   +{hidden} keywords" if hidden > 0 else "", DIM),
    ]
