"""Draws docs/listen.svg: what a terminal shows while `wakeword listen` hears the demo recording.

    python scripts/listen_picture.py

Nothing is staged: the recording is delivered by a virtual microphone (benchmarks/virtual_microphone.py, so PulseAudio
must be installed), and the picture is the command's own output at a moment after a detection.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from virtual_microphone import RATE, VirtualMicrophone  # noqa: E402

from wakeword.audio import read_mono  # noqa: E402

COLUMNS, ROWS = 96, 20
#: The stretch of the recording that is heard: it ends in the next word, while the last of three keywords is still lit.
FROM_S, TO_S = 29.4, 36.85


def terminal_output(microphone: VirtualMicrophone) -> str:
    """Everything `wakeword listen` writes to a terminal until the stretch is over."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {name: value for name, value in microphone.env.items() if name != "NO_COLOR"}
    command = [sys.executable, "-m", "wakeword", "listen", "--device", "pulse"]
    listening = subprocess.Popen(command, cwd=ROOT, env={**environment, "TERM": "xterm"}, stdout=theirs)
    parts: list[bytes] = []

    def read() -> None:
        with contextlib.suppress(OSError):  # the end of a pseudo-terminal is an error
            while part := os.read(ours, 1 << 16):
                parts.append(part)

    threading.Thread(target=read, daemon=True).start()
    while not parts:
        time.sleep(0.1)
    microphone.play(read_mono(ROOT / "demo" / "recordings" / "happy.flac")[round(FROM_S * RATE) : round(TO_S * RATE)])
    seen = b"".join(parts).decode()
    listening.send_signal(signal.SIGINT)
    listening.wait(timeout=10)
    return seen.replace("\r\n", "\n")


def main() -> None:
    """Write the picture."""
    with tempfile.TemporaryDirectory(prefix="pulse") as folder, VirtualMicrophone(Path(folder)) as microphone:
        seen = terminal_output(microphone)
    # Every redraw starts with going up to the view's first line; what was said stands above the view.
    first, *redraws = re.split(r"\r\x1b\[\d+A", seen)
    height = first.count("\n") + 1
    said = [line for redraw in redraws for line in redraw.split("\n")[:-height]]
    view = next(redraw for redraw in reversed(redraws) if redraw.count("\n") + 1 >= height).split("\n")[-height:]
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="standard")
    for line in ("\x1b[2m$\x1b[0m wakeword listen", *said, *view):
        console.print(Text.from_ansi(re.sub(r"\x1b\[K", "", line)), no_wrap=True)
    picture = console.export_svg(title="wakeword listen")
    picture = re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL)  # no picture fetches fonts
    (ROOT / "docs").mkdir(exist_ok=True)
    (ROOT / "docs" / "listen.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
