"""What the tests of the services share: the shipped recording, and a real server in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

ROOT = Path(__file__).resolve().parents[2]
RECORDING = ROOT / "demo" / "recordings" / "happy.flac"


@dataclass(frozen=True)
class Served:
    """A running ``wakeword serve``: its process, the port it has, the file of what it says."""

    process: subprocess.Popen[bytes]
    port: int
    said: Path

    def rss_mb(self) -> float:
        """Resident memory of the process."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


@contextlib.contextmanager
def served(folder: Path, *options: str) -> Iterator[Served]:
    """``wakeword serve`` on a free port of 127.0.0.1; at the end SIGTERM must end it with 0 and without a traceback."""
    said = folder / f"served-{time.monotonic_ns()}.txt"
    command = [sys.executable, "-m", "wakeword", "serve", "--uri", "tcp://127.0.0.1:0", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with said.open("wb") as stream, subprocess.Popen(command, cwd=folder, stderr=stream, env=environment) as process:
        try:
            until = time.monotonic() + 60
            while " at tcp://127.0.0.1:" not in said.read_text():
                assert process.poll() is None, said.read_text()
                assert time.monotonic() < until
                time.sleep(0.05)
            yield Served(process, int(said.read_text().split(" at tcp://127.0.0.1:")[1].split()[0]), said)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
            assert "Traceback" not in said.read_text(), said.read_text()
        finally:
            process.kill()


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., AbstractContextManager[Served]]:
    """served, as a fixture, because test modules do not import each other."""
    return lambda *options: served(tmp_path_factory.mktemp("served"), *options)


@pytest.fixture(scope="session")
def server(serve: Callable[..., AbstractContextManager[Served]]) -> Iterator[Served]:
    """One server with the bundled models for all tests that leave it as it is."""
    with serve() as running:
        yield running


@pytest.fixture(scope="session")
def recording() -> np.ndarray:
    """The shipped recording of real people: int16 (T,) at 16 kHz."""
    samples, rate = soundfile.read(RECORDING, dtype="int16")
    assert rate == 16_000
    return samples


@pytest.fixture(scope="session")
def truth() -> list[tuple[float, float]]:
    """Start and end in seconds of every "happy" in it."""
    words = json.loads(RECORDING.with_suffix(".json").read_text())
    return [(word["start_s"], word["end_s"]) for word in words if word["word"] == "happy"]
