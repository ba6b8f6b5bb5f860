"""A child process that holds a native speech library, so that what the library remembers, prints, leaks or
crashes on stays out of this one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

from close_negatives.engines.base import EngineError

_CHILD = Path(__file__).with_name("_child.py")
_PATIENCE = 60.0  # seconds; the slowest clip takes well under one, a hung library takes for ever
_FAREWELL = 2.0


class Helper:
    """One child a process, started when first asked and again after a crash; threads take turns.

    speaker: a key of ``SPEAKERS`` in _child.py; once: whether each question gets a fresh child, for libraries that
    can neither be reloaded nor forked.
    """

    def __init__(self, speaker: str, once: bool = False) -> None:
        self._speaker, self._once = speaker, once
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._finalizer: weakref.finalize[..., Helper] | None = None

    def ask(self, question: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """The answer's header and what followed it (int16 samples, native byte order). Raises EngineError."""
        with self._lock:
            process = self._running()
            timer = threading.Timer(_PATIENCE, process.kill)
            timer.start()
            try:
                header, payload = _converse(process, question)
            except (OSError, ValueError):
                self._stop()
                raise EngineError(f"the library of '{self._speaker}' crashed or hung on {question}") from None
            finally:
                timer.cancel()
            if self._once:
                self._stop()
        if "error" in header:
            raise EngineError(f"the speech engine '{self._speaker}' failed: {header['error']}")
        return header, payload

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._owner != os.getpid():  # a forked worker must not share its parent's pipes
            self._process = subprocess.Popen(
                # -P: the adapters beside the script are named like the packages that they adapt
                [sys.executable, "-P", str(_CHILD), self._speaker],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            self._owner = os.getpid()
            self._finalizer = weakref.finalize(self, _end, self._process)
        return self._process

    def _stop(self) -> None:
        if self._finalizer is not None:
            self._finalizer()
        self._process = None


def _converse(process: subprocess.Popen[bytes], question: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(question).encode() + b"\n")
    process.stdin.flush()
    header = json.loads(process.stdout.readline())  # an empty line, from a dead child, is a ValueError
    payload = process.stdout.read(header.get("bytes", 0))
    if len(payload) != header.get("bytes", 0):
        raise ValueError("the child died while it answered")
    return header, payload


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let the child leave, which it does when its questions end; a child that hangs is killed."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:  # what could not be written to a dead child
                continue
    try:
        process.wait(timeout=_FAREWELL)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
