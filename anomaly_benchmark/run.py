"""From a cell and a seed to one row; and many of them, here or on a cluster, each written when it is done."""

from __future__ import annotations

import hashlib
import platform
import subprocess
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch

from anomaly_benchmark import results
from anomaly_benchmark.cells import Cell
from anomaly_benchmark.datasets import DATASETS, Dataset, Part, load, preparer
from anomaly_benchmark.methods import Method, make
from anomaly_benchmark.metrics import METRICS, RULES, selection
from anomaly_benchmark.results import Row
from training.recurrence import instructions
from wakeword.errors import TrainingError, WakewordError
from wakeword.version import __version__

CLUSTER_TIMEOUT_S = 20
BOUNDARY = 0.05  # of the validation normals lie outside of the boundary that a figure draws
SOURCES = ("anomaly_benchmark", "training")
LIBRARIES = ("numpy", "scipy", "scikit-learn", "torch", "joblib")


@dataclass(frozen=True)
class Job:
    """A cell, a seed, and where the data lie (on the machine that runs it)."""

    cell: Cell
    seed: int
    data: Path

    @property
    def key(self) -> str:
        """What identifies the row; where the data lie does not."""
        return self.cell.key(self.seed)


def run_job(job: Job) -> Row:
    """The row of one job. What goes wrong is in the row: status "failed", the error and where it came from."""
    started, cpu = time.perf_counter(), time.process_time()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # jobs share the machine, and sums in one order give the same bits
    row: Row = {"key": job.key, **asdict(job.cell), "seed": job.seed, "rule": RULES[job.cell.metric]}
    try:
        row |= _measured(job) | {"status": "ok"}
    except Exception as error:  # one bad cell must neither stop the others nor vanish from the tables
        where = traceback.extract_tb(error.__traceback__)[-1]
        row |= {
            "status": "failed",
            "error": f"{type(error).__name__}: {error}",
            "where": f"{Path(where.filename).name}:{where.lineno}",
            "expected": isinstance(error, WakewordError),
        }
    finally:
        torch.set_num_threads(threads)
    return row | {
        "seconds": round(time.perf_counter() - started, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        **_provenance(),
    }


def _measured(job: Job) -> dict[str, Any]:
    cell = job.cell
    drawn = job.seed if DATASETS[cell.dataset][1] else 0  # so that seeds share what does not depend on them
    dataset = _dataset(cell.dataset, cell.cls, tuple(sorted(cell.data.items())), job.data, drawn)
    method = make(cell.method, cell.network, cell.settings, job.seed)

    parts = dataset.validation, dataset.test
    peeks: list[float] = []  # F1 on test of all that validation chose from: how much looking at test would have gained

    def judge(score: Callable[[np.ndarray], np.ndarray]) -> float:
        held = score(dataset.validation.x)
        if cell.metric.startswith("f1"):
            peeks.append(METRICS[cell.metric](held, score(dataset.test.x), parts)["f1"])
        return selection(held, dataset.validation, cell.metric)

    method.fit(dataset.train.x, dataset.train.y, judge)
    held, judged = (_scores(method, part) for part in parts)
    if not (np.isfinite(held).all() and np.isfinite(judged).all()):
        raise TrainingError("the method gave a score that is not finite")
    values = {name: round(value, 4) for name, value in METRICS[cell.metric](held, judged, parts).items()}
    if peeks:
        values["best_on_test_f1"] = round(max(*peeks, values["f1"]), 4)
    row: dict[str, Any] = {"metrics": values, "selected_on": method.selected_on, "counts": dataset.counts()}
    if hasattr(method, "chosen"):
        row["chosen"] = method.chosen
    if dataset.probe is not None and job.seed == 0 and not hasattr(method, "told"):
        row["probe"] = [float(f"{value:.4g}") for value in method.score(dataset.probe)]
        row["probe_cut"] = float(np.percentile(held[dataset.validation.y > 0.5], 100 * BOUNDARY))
    return row


def _scores(method: Method, part: Part) -> np.ndarray:
    told = getattr(method, "told", None)
    return told(part.y) if told else method.score(part.x)


@lru_cache(maxsize=2)  # the cells of a data set follow each other
def _dataset(name: str, cls: str, options: tuple[tuple[str, Any], ...], folder: Path, seed: int) -> Dataset:
    return load(name, cls, dict(options), folder, seed)


@cache
def _provenance() -> dict[str, Any]:
    """The code and libraries that made a row; "+" after the commit says that files were changed since."""
    here = Path(__file__).resolve().parent

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=here, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        changed = "+" if git("status", "--porcelain", "--", ":/*.py", ":/*.c", ":/*.h") else ""
        commit = (git("rev-parse", "--short=12", "HEAD") or "unknown") + changed
    except OSError:
        commit = "unknown"
    versions = {"wakeword": __version__, "python": platform.python_version()}
    versions |= {name: version(name) for name in LIBRARIES}
    return {"commit": commit, "source": _source(), "versions": versions, "lstm": instructions()}


def _source() -> str:
    """A hash of the code itself, for where commits are rewritten or there are none."""
    root, digest = Path(__file__).resolve().parent.parent, hashlib.sha256()
    kept = [path for room in SOURCES for path in (root / room).rglob("*") if path.suffix in (".py", ".c")]
    for path in sorted([*kept, root / "wakeword" / "kernel.py", root / "wakeword" / "vectors.h"]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@dataclass(frozen=True)
class Where:
    """jobs: processes on this machine; cluster: address of a Dask scheduler that gets them instead, or None."""

    jobs: int = 1
    cluster: str | None = None


def run(
    jobs: list[Job], folder: Path, where: Where, again: bool = False, say: Callable[[str], None] = lambda text: None
) -> Iterator[Row]:
    """Run what has no good row yet under ``folder`` (all of it if ``again``), yielding each row once it is written.

    ``say`` is told what is spoken before the first job starts. Failed rows are tried again. Raises WakewordError in one
    sentence when the cluster cannot be reached or a process dies; the rows that were done are kept.
    """
    rows = [results.read(folder / f"{table}.jsonl") for table in {job.cell.table for job in jobs}]
    there = {key for found in rows for key, row in found.items() if row["status"] == "ok"}
    todo = [job for job in jobs if again or job.key not in there]
    if where.cluster is None:  # elsewhere each machine has a cache of its own
        _prepare(todo, None if where.jobs < 0 else where.jobs, say)
    for row in _computed(todo, where):
        results.append(folder / f"{row['table']}.jsonl", row)
        yield row


def _prepare(jobs: list[Job], processes: int | None, say: Callable[[str], None]) -> None:
    """What several jobs would each speak for themselves, spoken once before they start."""
    sets = {(job.cell.dataset, job.cell.cls, tuple(sorted(job.cell.data.items())), job.data) for job in jobs}
    for name, cls, options, folder in sorted(sets, key=str):
        with suppress(WakewordError):  # what is wrong with a data set is said in the rows of its jobs
            if prepare := preparer(name):
                say(f"speaking for {name} {cls} what is not in the cache yet")
                prepare(cls, dict(options), folder, processes)


def _computed(jobs: list[Job], where: Where) -> Iterator[Row]:
    calls = [joblib.delayed(run_job)(job) for job in jobs]
    if where.cluster is None:
        try:
            yield from joblib.Parallel(n_jobs=where.jobs, return_as="generator_unordered")(calls)
        except joblib.externals.loky.process_executor.BrokenProcessPool as error:
            raise TrainingError("a process of the run died (out of memory?): run it again with fewer --jobs") from error
        return
    from dask.distributed import Client

    try:
        client = Client(where.cluster, timeout=CLUSTER_TIMEOUT_S)
    except (OSError, ValueError, TimeoutError) as error:
        raise TrainingError(
            f"no Dask scheduler answers at {where.cluster}: start one, or leave out --cluster"
        ) from error
    with client, joblib.parallel_config(backend="dask", wait_for_workers_timeout=60):
        yield from joblib.Parallel(return_as="generator_unordered")(calls)
