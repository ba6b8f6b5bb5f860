"""What is worth running: all settings of a method with a few seeds, and the best one alone with the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from anomaly_benchmark import results
from anomaly_benchmark.run import Job
from anomaly_benchmark.tables import chooses, chosen


def rounds(jobs: list[Job], folder: Path, tune: int | None) -> Iterator[list[Job]]:
    """The jobs to run, one round after another; a round's rows must be in ``folder`` before the next is asked for.

    With ``tune``, and in tables whose variants are settings to choose from, all variants have the seeds below ``tune``,
    and the others only what is then best on validation. Without it there is one round.
    """
    if tune is None:
        yield jobs
        return
    later = [job for job in jobs if job.seed >= tune and chooses(job.cell.table)]
    yield [job for job in jobs if job not in later]
    best = []
    for table in {job.cell.table for job in later}:
        tried = {key: row for key, row in results.read(folder / f"{table}.jsonl").items() if row["seed"] < tune}
        best += chosen({job.cell.key(0): job.cell for job in later if job.cell.table == table}.values(), tried)
    yield [job for job in later if job.cell in best]
