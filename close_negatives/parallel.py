"""Work in several processes, a chunk at a time."""

from __future__ import annotations

import contextlib
import os
import signal
import warnings
from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

from wakeword.errors import SynthesisError, WakewordError

_Chunk = TypeVar("_Chunk")
_Answer = TypeVar("_Answer")


def in_parallel(
    work: Callable[[_Chunk], _Answer],
    chunks: Sequence[_Chunk],
    jobs: int | None,
    doing: str = "speaks or listens",
    error: type[WakewordError] = SynthesisError,
) -> Generator[_Answer, None, None]:
    """``work`` of each chunk, as they are done, by ``jobs`` processes (None: one a core; 1: this one alone).

    To be closed where it is not read to its end. Where they run is joblib's business: a cluster is set up with
    ``joblib.parallel_config``. Raises ``error`` where a process, which ``doing`` says the purpose of, was killed.
    """
    if jobs == 1 or len(chunks) < 2:
        yield from map(work, chunks)
        return
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    # Engines keep memory, and joblib replaces a worker that has grown: nothing is lost by it, and nobody need know.
    warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given", category=UserWarning)
    workers = Parallel(n_jobs=jobs or -1, return_as="generator_unordered", pre_dispatch="4*n_jobs", batch_size=1)
    answers = workers(delayed(_work)(work, chunk, os.getpid()) for chunk in chunks)
    try:
        for answer in answers:  # noqa: UP028, because "yield from" would close them with a warning
            yield answer
    except TerminatedWorkerError as killed:
        raise error(
            f"a process that {doing} was ended by the system, most often for want of memory: run again with "
            "fewer jobs, and it goes on where it was"
        ) from killed
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that work is given up, where an error ended the run
            answers.close()


def _work(work: Callable[[_Chunk], _Answer], chunk: _Chunk, started: int) -> _Answer:
    # Ctrl-C is for the process that was started; the workers, and their helpers after them, are ended by it. On a
    # single core joblib works in that process itself.
    if os.getpid() != started:
        with contextlib.suppress(ValueError):  # some backends of joblib work in threads, which may not say
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    return work(chunk)
