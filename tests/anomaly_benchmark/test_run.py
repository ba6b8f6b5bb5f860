"""Rows: the same again, failed ones visible, resumed, and the same from a Dask cluster."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from anomaly_benchmark import results
from anomaly_benchmark.cells import TABLES, cells
from anomaly_benchmark.cli import cli
from anomaly_benchmark.datasets import keyword, synthesized
from anomaly_benchmark.run import Job, Where, run, run_job
from wakeword.errors import DataError, SynthesisError, TrainingError

ROOT = Path(__file__).resolve().parent.parent.parent
TIMES = {"seconds", "cpu_seconds"}


def without_times(row: dict) -> dict:
    return {name: value for name, value in row.items() if name not in TIMES}


def test_the_same_cell_and_seed_give_the_same_row_and_another_seed_another(small_cells, tmp_path: Path) -> None:
    for cell in small_cells:
        first, again, other = (run_job(Job(cell, seed, tmp_path)) for seed in (0, 0, 1))
        assert first["status"] == "ok", first
        assert without_times(first) == without_times(again)
        assert first["metrics"] != other["metrics"]
        assert json.loads(json.dumps(first)) == first


def test_a_row_says_what_made_it(small_cells, tmp_path: Path) -> None:
    row = run_job(Job(small_cells[0], 0, tmp_path))
    assert {"metrics", "rule", "selected_on", "seconds", "versions", "commit", "settings", "counts"} <= row.keys()
    assert row["counts"]["train"] == {"far": 128, "normal": 1024}
    assert row["versions"]["torch"]
    assert len(row["probe"]) == 61 * 43


def test_a_failed_cell_is_a_row_and_the_next_run_tries_it_again(small_cells, tmp_path: Path) -> None:
    bad = dataclasses.replace(small_cells[0], settings={**small_cells[0].settings, "radius": -1.0})
    jobs = [Job(bad, 0, tmp_path), Job(small_cells[2], 0, tmp_path)]
    rows = list(run(jobs, tmp_path, Where()))
    assert [row["status"] for row in rows] == ["failed", "ok"]
    assert "radius must be a positive number" in rows[0]["error"]
    assert rows[0]["where"].startswith("projection.py:")
    again = list(run(jobs, tmp_path, Where()))
    assert [row["key"] for row in again] == [jobs[0].key]
    assert len((tmp_path / "noisy-sine.jsonl").read_text().splitlines()) == 3


def test_a_run_goes_on_where_a_killed_one_stopped(small_cells, tmp_path: Path) -> None:
    jobs = [Job(cell, 0, tmp_path) for cell in small_cells]
    running = run(jobs, tmp_path, Where())
    kept = next(running)
    running.close()
    path = tmp_path / "noisy-sine.jsonl"
    with path.open("a") as file:
        file.write('{"key": "abc", "sta')  # a write that was cut off
    rest = list(run(jobs, tmp_path, Where()))
    assert sorted(row["key"] for row in [kept, *rest]) == sorted(job.key for job in jobs)
    assert results.read(path).keys() == {job.key for job in jobs}
    assert list(run(jobs, tmp_path, Where())) == []
    assert len(list(run(jobs[:1], tmp_path, Where(), again=True))) == 1


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("not\nrows\nat all\n")
    with pytest.raises(DataError, match="no results file"):
        results.read(tmp_path / "rows.jsonl")


@contextmanager
def dask_cluster(folder: Path) -> Iterator[str]:
    """A scheduler and two workers, each a process of its own; yields the address."""
    dask = [sys.executable, "-m", "dask"]
    where, log = folder / "scheduler.json", (folder / "dask.log").open("w")
    base = {"cwd": ROOT, "stdout": log, "stderr": log}
    commands = [
        [*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(where)]
    ]
    worker = [*dask, "worker", "--scheduler-file", str(where), "--nthreads", "1", "--no-dashboard"]
    commands += [[*worker, "--local-directory", str(folder), "--name", f"worker-{k}"] for k in range(2)]
    processes = [subprocess.Popen(command, **base) for command in commands]
    try:
        deadline = time.monotonic() + 60
        while not where.exists() or not where.read_text():
            assert time.monotonic() < deadline, (folder / "dask.log").read_text()
            time.sleep(0.1)
        yield json.loads(where.read_text())["address"]
    finally:
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            process.wait(30)
        log.close()


def test_a_dask_cluster_gives_the_rows_of_this_machine(small_cells, tmp_path: Path) -> None:
    from dask.distributed import Client

    jobs = [Job(cell, seed, tmp_path) for cell in small_cells for seed in range(2)]
    with dask_cluster(tmp_path) as address:
        with Client(address) as client:
            client.wait_for_workers(2, timeout=60)
            assert sorted(info["name"] for info in client.scheduler_info()["workers"].values()) == [
                "worker-0",
                "worker-1",
            ]
        there = {row["key"]: without_times(row) for row in run(jobs, tmp_path / "there", Where(cluster=address))}
    here = {row["key"]: without_times(row) for row in run(jobs, tmp_path / "here", Where())}
    assert there == here
    assert len(there) == 6


def test_a_cluster_that_is_not_there_is_one_sentence(small_cells, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("anomaly_benchmark.run.CLUSTER_TIMEOUT_S", 1)
    with pytest.raises(TrainingError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        list(run([Job(small_cells[2], 0, tmp_path)], tmp_path, Where(cluster="tcp://127.0.0.1:9")))


@pytest.mark.parametrize("budget", ["small", "paper"])
def test_every_cell_can_be_made_and_has_a_key_of_its_own(budget: str) -> None:
    from anomaly_benchmark.datasets import DATASETS
    from anomaly_benchmark.methods import make
    from anomaly_benchmark.metrics import METRICS

    keys = [cell.key(seed) for table in TABLES for cell in cells(table, budget) for seed in (0, 1)]
    assert len(keys) == len(set(keys))
    for table in TABLES:
        for cell in cells(table, budget):
            make(cell.method, cell.network, cell.settings, 0)
            assert cell.dataset in DATASETS
            assert cell.metric in METRICS
            json.dumps(dataclasses.asdict(cell))
        assert {"random", "oracle"} <= {cell.method for cell in cells(table, budget)} or table == "ablation"


def test_the_command_lists_runs_tabulates_and_draws(tmp_path: Path) -> None:
    def call(*arguments: str) -> str:
        out = CliRunner().invoke(cli, [*arguments, "--results", str(tmp_path)])
        assert out.exit_code == 0, (out.output, out.exception)
        return out.output

    assert "0/30 rows" in call("list")
    say = call("run", "noisy-sine", "--method", "random", "--method", "oracle", "--seeds", "2", "--jobs", "1")
    assert "4 rows" in say
    assert "4 were there" in call("run", "noisy-sine", "--method", "random", "--method", "oracle", "--seeds", "2")
    assert "oracle: 2/5" in call("list", "noisy-sine")
    table = call("tables", "noisy-sine")
    assert "| oracle | 2 | 100.00 ± 0.00 |" in table
    assert "| drocc-lf | 0 | missing |" in table
    assert (tmp_path / "noisy-sine.md").read_text().strip() == table.strip()
    with pytest.raises(DataError, match="has no small rows of noisy-sine"):
        CliRunner().invoke(cli, ["figures", "noisy-sine", "--results", str(tmp_path)], catch_exceptions=False)


def test_wakeword_bench_is_the_same_command() -> None:
    out = subprocess.run(
        [sys.executable, "-m", "wakeword", "bench", "list", "noisy-sine"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "noisy-sine drocc-lf:" in out.stdout


def test_what_is_unknown_is_one_sentence(tmp_path: Path) -> None:
    out = subprocess.run(
        [sys.executable, "-m", "anomaly_benchmark", "list", "table-99"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert out.returncode == 2
    assert out.stderr.startswith("python -m anomaly_benchmark: there is no table 'table-99'; choose mnist-ocln")


def test_what_a_data_set_speaks_is_spoken_once_before_its_jobs(monkeypatch, small_cells, tmp_path: Path) -> None:
    happened: list[tuple] = []
    said: list[str] = []
    monkeypatch.setattr(keyword, "prepare", lambda *given: happened.append(given))
    monkeypatch.setattr(keyword, "load", lambda cls, *_: happened.append((cls,)))
    bce = next(cell for cell in cells("audio-ocln", "small") if cell.cls == "happy" and cell.method == "bce")
    jobs = [*[Job(bce, seed, tmp_path) for seed in range(2)], Job(small_cells[2], 0, tmp_path)]
    rows = list(run(jobs, tmp_path, Where(), say=said.append))
    assert said == ["speaking for keyword happy what is not in the cache yet"]
    assert happened[0] == ("happy", dict(bce.data), tmp_path, 1)
    assert set(happened[1:]) == {("happy",)}
    assert [row["status"] for row in rows] == ["failed", "failed", "ok"]  # what was loaded here is no data set


def test_what_is_spoken_beforehand_is_what_a_data_set_loads(monkeypatch, tmp_path: Path) -> None:
    asked: list[tuple] = []

    def speak(requests: list, jobs: int | None) -> None:
        asked.append((tuple(requests), jobs))
        raise SynthesisError("enough")

    monkeypatch.setattr(synthesized, "speak", speak)
    monkeypatch.setattr(keyword, "read_folder", lambda folder: [])
    options = next(cell.data for cell in cells("audio-ocln", "small") if cell.cls == "seven")
    with pytest.raises(SynthesisError):
        keyword.prepare("seven", options, tmp_path, None)
    with pytest.raises(SynthesisError):
        keyword.load("seven", options, tmp_path, 0)
    assert asked[0][0] == asked[1][0] != ()
    assert [jobs for _, jobs in asked] == [None, 1]
