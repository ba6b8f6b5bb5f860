"""Makes docs/terminal.svg: what a terminal shows while ``wakeword demo`` runs, after the fourth detection.

    python scripts/terminal_picture.py

The command runs in a pseudo-terminal at the speed of the recording; what it printed is the picture.
"""

from __future__ import annotations

import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from fcntl import ioctl
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
COLUMNS, ROWS = 84, 24
DETECTIONS = 4
LOUD_DB = 26
#: Around the text, in the picture's units.
MARGIN = 14
#: What rich draws, without the font it would fetch from elsewhere.
FORMAT = """<svg viewBox="0 0 WIDTH HEIGHT" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs>
{lines}
</defs>
<rect width="WIDTH" height="HEIGHT" rx="10" fill="#14191b"/>
<g transform="translate(MARGIN, MARGIN)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
NORMAL = [(20, 25, 27), (255, 120, 120), (120, 220, 130), (235, 200, 100), (110, 170, 255), (210, 140, 230)]
THEME = TerminalTheme((20, 25, 27), (226, 232, 234), [*NORMAL, (83, 211, 191), (226, 232, 234)])


def printed(command: list[str]) -> list[str]:
    """The lines of the terminal, with their colours, a moment after the last awaited detection."""
    main, end = pty.openpty()
    ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(command, cwd=ROOT, stdout=end, stderr=end, env=environment, close_fds=True)
    os.close(end)
    seen = b""
    while not _worth_a_picture(seen):
        seen += os.read(main, 4096)
    process.send_signal(signal.SIGINT)
    process.wait()
    os.close(main)
    lines = seen.decode().replace("\x1b[?25l", "").replace("\r\n", "\n").split("\n")
    # A line is drawn over and over from its beginning; the last drawing is what stays.
    return [line.replace("\x1b[K", "").split("\r")[-1] for line in lines]


def _worth_a_picture(seen: bytes) -> bool:
    """Whether enough was detected and, just now, somebody speaks."""
    enough = len(re.findall(rb"s  happy   score", seen)) >= DETECTIONS
    level = re.search(rb"-(\d+) dB", seen[seen.rfind(b"\r") :])
    return enough and seen.endswith(b"\x1b[K") and level is not None and int(level[1]) < LOUD_DB


def main() -> None:
    """Run the command and write the picture."""
    lines = printed([sys.executable, "-m", "wakeword", "demo"])
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115
    console.print(Text("$ wakeword demo", "bold"))
    for line in lines:
        console.print(Text.from_ansi(line), no_wrap=True, crop=True)
    svg = console.export_svg(theme=THEME, code_format=FORMAT, unique_id="wakeword")
    # rich makes a cell 12.2 wide and a line 24.4 high.
    size = {"WIDTH": 12.2 * COLUMNS + 2 * MARGIN, "HEIGHT": 24.4 * (len(lines) + 1) + 2 * MARGIN, "MARGIN": MARGIN}
    for name, value in size.items():
        svg = svg.replace(name, f"{value:g}")
    (ROOT / "docs").mkdir(exist_ok=True)
    (ROOT / "docs" / "terminal.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
