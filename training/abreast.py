"""Several networks of one recipe, trained beside each other on the cores that there are."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from multiprocessing import get_context
from threading import Thread
from typing import Protocol

import joblib
import torch
from threadpoolctl import threadpool_limits

from training.fit import Epoch, Fitted
from wakeword.errors import TrainingError

OnEpoch = Callable[[Epoch], None]


class Fit(Protocol):
    """Trains one network, telling of its epochs; can be pickled."""

    def __call__(self, *, on_epoch: OnEpoch) -> Fitted: ...


def fit_abreast(fits: Sequence[Fit], epochs: int, on_epoch: OnEpoch) -> list[Fitted]:
    """What each of ``fits`` trains, of at most ``epochs`` epochs; each has torch's number of threads.

    As many at once as the cores have room for, in processes of their own, which changes nothing in what they learn.
    ``on_epoch`` hears of every epoch, numbered by how many are done in all. Raises TrainingError where a process was
    ended by the system.
    """
    tally = _Tally(epochs, on_epoch)
    jobs = min(len(fits), joblib.cpu_count() // torch.get_num_threads())
    if jobs < 2:
        return [tally.ended(index, _fit(fit, tally.heard_by(index))) for index, fit in enumerate(fits)]
    with _told(tally) as queue:
        calls = [
            joblib.delayed(_fit_here)(index, fit, queue, torch.get_num_threads()) for index, fit in enumerate(fits)
        ]
        found = {}
        # joblib lays large arrays in a file that all processes read: the corpus is in memory once.
        answers = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(calls)
        try:
            for index, fitted in answers:
                found[index] = tally.ended(index, fitted)
        except joblib.externals.loky.process_executor.TerminatedWorkerError as error:
            raise TrainingError(
                "a process that trains was ended by the system, most often for want of memory: run again, and it goes "
                "on where it was"
            ) from error
        finally:
            answers.close()
    return [found[index] for index in range(len(fits))]


class _Tally:
    """Epochs done in all, those of a run before this one included once their network tells of its next."""

    def __init__(self, epochs: int, on_epoch: OnEpoch) -> None:
        self._epochs, self._on_epoch = epochs, on_epoch
        self._done: dict[int, int] = {}

    def heard_by(self, index: int) -> OnEpoch:
        return lambda epoch: self.hear(index, epoch)

    def hear(self, index: int, epoch: Epoch) -> None:
        self._done[index] = epoch.number + 1
        self._on_epoch(replace(epoch, number=sum(self._done.values()) - 1))

    def ended(self, index: int, fitted: Fitted) -> Fitted:
        self._done[index] = self._epochs
        return fitted


@contextlib.contextmanager
def _told(tally: _Tally) -> Generator[object, None, None]:
    """A queue for (index, epoch) from other processes, which the tally hears."""
    with get_context("spawn").Manager() as manager:
        queue = manager.Queue()

        def listen() -> None:
            for index, epoch in iter(queue.get, None):
                tally.hear(index, epoch)

        thread = Thread(target=listen, daemon=True)
        thread.start()
        try:
            yield queue
        finally:
            queue.put(None)
            thread.join()


def _fit_here(index: int, fit: Fit, queue: object, threads: int) -> tuple[int, Fitted]:
    # Ctrl-C is for the process that was started, which ends the others.
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(threads)
    return index, _fit(fit, lambda epoch: queue.put((index, epoch)))  # type: ignore[attr-defined]


def _fit(fit: Fit, on_epoch: OnEpoch) -> Fitted:
    # numpy's sums depend on its number of threads too, and one for each core is too many where networks share them.
    with threadpool_limits(torch.get_num_threads(), user_api="blas"):
        return fit(on_epoch=on_epoch)
