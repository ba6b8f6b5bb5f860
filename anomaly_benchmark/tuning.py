"""What is worth running: all settings of a method with a few seeds, and the best one alone with the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from anomaly_benchmark import results
from anomaly_benchmark.cells import Cell, cells
from anomaly_benchmark.run import Job
from anomaly_benchmark.tables import chooses, chosen


def rounds(jobs: list[Job], folder: Path, tune: int | None) -> Iterator[list[Job]]:
    """The jobs to run, one round after another; a round's rows must be in ``folder`` before the next is asked for.

    With ``tune``, in tables whose variants are settings to choose from, every variant is run with the seeds below
    ``tune``, and with the other seeds only the variant that the table would mark. That may change as rows are added to
    a folder that had some: then the other one has its turn too. Without ``tune`` there is one round.
    """
    later = [job for job in jobs if tune is not None and job.seed >= tune and chooses(job.cell.table)]
    yield [job for job in jobs if job not in later]
    while later:
        best = [cell for kind in {(job.cell.table, job.cell.budget) for job in later} for cell in _best(*kind, folder)]
        now = [job for job in later if job.cell in best]
        if not now:
            return
        later = [job for job in later if job not in now]
        yield now


def _best(table: str, budget: str, folder: Path) -> list[Cell]:
    return chosen(cells(table, budget), results.read(folder / f"{table}.jsonl"))
