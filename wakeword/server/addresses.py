"""Whether a service can be at an address, and why not."""

from __future__ import annotations

import errno
import os
import socket
import stat
from typing import TextIO

#: How long a service has to answer at a socket that is to be taken over.
_ANSWER_S = 1.0


def why_not(error: OSError | UnicodeError) -> str:
    """Why nobody can listen at an address, in a few words."""
    if isinstance(error, UnicodeError):
        return "no host can have such a name"
    return (error.strerror or str(error)).split(": ")[-1]


def can_wait(stream: TextIO) -> bool:
    """Whether an event loop can wait for the stream: a pipe, a socket or a terminal, neither a file nor /dev/null."""
    mode = os.fstat(stream.fileno()).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stream.isatty()


def refuse_if_taken(path: str) -> None:
    """Raises OSError where a service answers at the socket; nobody does at one that a killed service left."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(_ANSWER_S)
        try:
            asking.connect(path)
        except (ConnectionRefusedError, FileNotFoundError):
            return
    raise OSError(errno.EADDRINUSE, "another service answers there")
