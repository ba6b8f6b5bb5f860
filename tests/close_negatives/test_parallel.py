"""Work in several processes leaves the one that was started as it was."""

from __future__ import annotations

import os
import signal

import pytest
from joblib import parallel_config

from close_negatives.parallel import in_parallel


def what_ctrl_c_does(chunk: int) -> tuple[int, bool]:
    return os.getpid(), signal.getsignal(signal.SIGINT) is signal.SIG_IGN


@pytest.mark.parametrize("backend", ["sequential", "loky"])
def test_ctrl_c_is_ignored_by_workers_and_not_by_the_process_that_started_them(backend: str) -> None:
    before = signal.getsignal(signal.SIGINT)
    # A single core, to joblib, is "sequential": the work is done in this process.
    with parallel_config(backend=backend, n_jobs=2):
        found = list(in_parallel(what_ctrl_c_does, [1, 2, 3], None if backend == "sequential" else 2))
    assert signal.getsignal(signal.SIGINT) is before
    assert len(found) == 3
    for process, ignored in found:
        assert ignored == (process != os.getpid())
    assert any(process == os.getpid() for process, _ in found) == (backend == "sequential")
