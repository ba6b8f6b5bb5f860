"""Memory that a training step frees is kept for the next one."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h
_LARGEST = 32 << 20  # bytes: no more is taken for _M_MMAP_THRESHOLD


@cache
def keep_freed_memory() -> None:
    """Let glibc keep blocks up to 32 MB instead of giving them back to the system; elsewhere nothing.

    A step frees and asks for the same tens of megabytes, and the system clears each page anew: a quarter of the time of
    an LSTM's backward pass. What the process holds at most does not change.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # musl has none
        mallopt(_M_MMAP_THRESHOLD, _LARGEST)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
