"""Several networks of one recipe, trained beside each other on the cores that there are."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from threading import Thread
from typing import Protocol

import joblib
import torch
from threadpoolctl import threadpool_limits

from close_negatives.parallel import in_parallel
from training.checkpoint import Epoch
from training.fit import Fitted
from wakeword.errors import TrainingError

OnEpoch = Callable[[Epoch], None]
Tell = Callable[[tuple[int, Epoch]], None]  # of the network with that index


class Fit(Protocol):
    """Trains one network, telling of its epochs; can be pickled."""

    def __call__(self, *, on_epoch: OnEpoch) -> Fitted: ...


def fit_abreast(fits: Sequence[Fit], epochs: int, on_epoch: OnEpoch) -> list[Fitted]:
    """What each of ``fits`` trains, of at most ``epochs`` epochs; each has torch's number of threads.

    As many at once as the cores have room for, in processes of their own, which changes nothing in what they learn.
    ``on_epoch`` hears of every epoch, numbered by how many are done in all. Raises TrainingError where a process was
    ended by the system.
    """
    threads = torch.get_num_threads()
    jobs = max(1, min(len(fits), joblib.cpu_count() // threads))
    tally, found = _Tally(epochs, on_epoch), {}
    # joblib lays large arrays in a file that all processes read: the corpus is in memory once.
    with _heard_by(tally) if jobs > 1 else contextlib.nullcontext(tally.hear) as tell:
        work = partial(_fit, threads=threads, tell=tell)
        with contextlib.closing(in_parallel(work, list(enumerate(fits)), jobs, "trains", TrainingError)) as answers:
            for index, fitted in answers:
                found[index] = fitted
                tally.ended(index)
    return [found[index] for index in range(len(fits))]


class _Tally:
    """Epochs done in all, those of a run before this one included once their network tells of its next."""

    def __init__(self, epochs: int, on_epoch: OnEpoch) -> None:
        self._epochs, self._on_epoch = epochs, on_epoch
        self._done: dict[int, int] = {}

    def hear(self, told: tuple[int, Epoch]) -> None:
        index, epoch = told
        self._done[index] = epoch.number + 1
        self._on_epoch(replace(epoch, number=sum(self._done.values()) - 1))

    def ended(self, index: int) -> None:
        """Count a network that a run before this one had finished: it told of nothing."""
        self._done.setdefault(index, self._epochs)


@contextlib.contextmanager
def _heard_by(tally: _Tally) -> Generator[Tell, None, None]:
    """What other processes tell a queue, the tally hears."""
    with get_context("spawn").Manager() as manager:
        queue = manager.Queue()

        def listen() -> None:
            for told in iter(queue.get, None):
                tally.hear(told)

        thread = Thread(target=listen, daemon=True)
        thread.start()
        try:
            yield queue.put
        finally:
            queue.put(None)
            thread.join()


def _fit(numbered: tuple[int, Fit], threads: int, tell: Tell) -> tuple[int, Fitted]:
    index, fit = numbered
    torch.set_num_threads(threads)
    # numpy's sums depend on its number of threads too, and one for each core is too many where networks share them.
    with threadpool_limits(threads, user_api="blas"):
        return index, fit(on_epoch=lambda epoch: tell((index, epoch)))
