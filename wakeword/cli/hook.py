"""``--exec``: a command of the user's for every detection, which neither delays the sound nor reads untrusted text."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

from wakeword.cli.text import printable
from wakeword.detector import Detection

#: Commands that may run at a time; a detection beyond that is told and gets none.
MOST_AT_ONCE = 8


class Hook:
    """Runs ``command`` in the shell for every detection, with the detection in the environment and nowhere else.

    WAKEWORD_KEYWORD, WAKEWORD_TIME (seconds of sound when it was heard), WAKEWORD_SCORE and WAKEWORD_THRESHOLD. The
    keyword comes from a model file, which is somebody else's: it is never a part of what the shell parses. The
    command's output goes to standard error; it outlives this program where it is still running. ``tell`` gets one
    sentence where a command could not be run or failed.
    """

    def __init__(self, command: str, tell: Callable[[str], None]) -> None:
        self._command, self._tell = command, tell
        self._running: list[subprocess.Popen[bytes]] = []

    def run(self, detection: Detection, threshold: float) -> None:
        """Start the command and return at once."""
        self.reap()
        if len(self._running) >= MOST_AT_ONCE:
            self._tell(f"{MOST_AT_ONCE} commands of --exec are still running: none was started for this detection")
            return
        environment = {
            **os.environ,
            "WAKEWORD_KEYWORD": printable(detection.keyword),
            "WAKEWORD_TIME": f"{detection.end_s:.3f}",
            "WAKEWORD_SCORE": f"{detection.score:.4f}",
            "WAKEWORD_THRESHOLD": f"{threshold:.4f}",
        }
        try:
            started = subprocess.Popen(
                self._command,
                shell=True,  # the command is the user's own words; what is not is in the environment
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=_standard_error(),
                stderr=_standard_error(),
                start_new_session=True,  # Ctrl-C ends the listening, not what was begun by it
            )
        except OSError as error:
            self._tell(f"the command of --exec cannot be run: {error.strerror or error}")
            return
        self._running.append(started)

    def reap(self) -> None:
        """Look after the commands that have ended."""
        for process in self._running:
            code = process.poll()
            if code:
                self._tell(f"the command of --exec ended with code {code}")
        self._running = [process for process in self._running if process.returncode is None]

    def close(self) -> None:
        """Leave what still runs to itself."""
        self.reap()
        for process in self._running:
            process.returncode = 0  # or Python would warn of a child that is meant to go on
        self._running = []


def _standard_error() -> int:
    """The descriptor of standard error as Python has it: in a live view, the C libraries' is silenced."""
    try:
        return sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):
        return subprocess.DEVNULL
