"""All settings of a method are tried with a few seeds, and the best one alone goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from click.testing import CliRunner

from anomaly_benchmark import results
from anomaly_benchmark.cells import cells
from anomaly_benchmark.cli import cli
from anomaly_benchmark.run import Job
from anomaly_benchmark.tuning import rounds

SLOW, FAST, FASTEST = "rate 0.001", "rate 0.003", "rate 0.006"


def _bce_on_happy(folder: Path) -> list[Job]:
    """All settings of BCE and random scores, on a folder without data; four seeds."""
    found = [cell for cell in cells("audio-ocln", "small") if cell.cls == "happy" and cell.method in ("bce", "random")]
    return [Job(cell, seed, folder) for cell in found for seed in range(4)]


def _row(folder: Path, job: Job, validation: float | None) -> None:
    """A row of the job with this mean on validation, or a failed one."""
    row = {"key": job.key, "seed": job.seed, "status": "failed" if validation is None else "ok"}
    metrics = {} if validation is None else {"metrics": {"validation": validation}}
    results.append(folder / f"{job.cell.table}.jsonl", row | metrics)


def _runs(jobs: list[Job]) -> set[tuple[str, int]]:
    return {(job.cell.variant, job.seed) for job in jobs if job.cell.method == "bce"}


def test_settings_are_tried_with_two_seeds_and_the_best_one_alone_goes_on(tmp_path: Path) -> None:
    jobs = _bce_on_happy(tmp_path)
    going = rounds(jobs, tmp_path, 2)
    first = next(going)
    assert _runs(first) == {(variant, seed) for variant in (SLOW, FAST, FASTEST) for seed in (0, 1)}
    for job in first:
        _row(tmp_path, job, 2.0 if job.cell.variant == SLOW else 1.0)
    second = next(going)
    assert _runs(second) == {(SLOW, 2), (SLOW, 3)}
    assert {job.seed for job in second if job.cell.method == "random"} == {2, 3}
    for job in second:
        _row(tmp_path, job, 0.0)
    assert list(going) == []
    assert list(rounds(jobs, tmp_path, None)) == [jobs]
    mnist = [Job(cell, seed, tmp_path) for cell in cells("mnist-ocln", "small") for seed in range(5)]
    assert next(rounds(mnist, tmp_path, 2)) == mnist  # nothing to choose from there


def test_what_is_run_is_what_the_table_marks_also_where_there_were_rows(tmp_path: Path) -> None:
    """A third seed of a worse setting was there and is good: once the better one has it too, the choice changes."""
    jobs = _bce_on_happy(tmp_path)
    for variant, value in ((FAST, 99.0), (FASTEST, 0.0)):
        _row(tmp_path, next(job for job in jobs if job.cell.variant == variant and job.seed == 2), value)
    going = rounds(jobs, tmp_path, 2)
    for job in next(going):
        _row(tmp_path, job, 2.0 if job.cell.variant == SLOW else 1.0)
    second = next(going)
    assert _runs(second) == {(SLOW, 2), (SLOW, 3)}
    for job in second:
        _row(tmp_path, job, 0.0)
    assert _runs(next(going)) == {(FAST, 2), (FAST, 3)}


def test_a_setting_that_only_fails_is_not_tried_on(tmp_path: Path) -> None:
    jobs = _bce_on_happy(tmp_path)
    going = rounds(jobs, tmp_path, 2)
    for job in next(going):
        _row(tmp_path, job, None if job.cell.variant == SLOW else 1.0)
    assert _runs(next(going)) == {(FAST, 2), (FAST, 3)}


def test_the_command_runs_what_tuning_leaves(monkeypatch, tmp_path: Path) -> None:
    asked = []

    def few(jobs: list[Job], folder: Path, tune: int | None) -> Iterator[list[Job]]:
        asked.append((len(jobs), folder, tune))
        yield jobs[:1]
        yield jobs[1:3]

    monkeypatch.setattr("anomaly_benchmark.tuning.rounds", few)
    command = ["run", "noisy-sine", "--method", "random", "--method", "oracle", "--tune", "1", "--jobs", "1"]
    done = CliRunner().invoke(cli, [*command, "--results", str(tmp_path), "--data", str(tmp_path)])
    assert asked == [(10, tmp_path, 1)]
    assert done.exit_code == 0, done.output
    assert len(results.read(tmp_path / "noisy-sine.jsonl")) == 3
    assert "3 rows in" in done.output
    assert ", 0 were there, 0 failed" in done.output
