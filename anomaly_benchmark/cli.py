"""The commands: list, run, tables, figures."""

from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path

import click

from anomaly_benchmark import results
from anomaly_benchmark.cells import BUDGETS, SEEDS, TABLES, cells
from anomaly_benchmark.results import Row
from wakeword.errors import WakewordError

ROOT = Path(__file__).resolve().parent.parent

_budget = click.option(
    "--budget", type=click.Choice(BUDGETS), default="small", show_default=True, help="How much of it."
)
_results = click.option(
    "--results", "folder", type=click.Path(path_type=Path), default=results.FOLDER, help="Folder of the rows."
)
_tables = click.argument("tables", nargs=-1, metavar="[TABLE]...")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """What DROCC-LF is worth: the paper's experiments, rerun. No TABLE means all of them."""


@cli.command("list")
@_tables
@_budget
@_results
def list_(tables: tuple[str, ...], budget: str, folder: Path) -> None:
    """List the tables, or the cells of some, with how many of their seeds have a row."""
    for name in tables or TABLES:
        found = cells(name, budget)
        rows = results.read(folder / f"{name}.jsonl")
        states = {key: row["status"] for key, row in rows.items()}
        done = [[states.get(cell.key(seed)) for seed in SEEDS] for cell in found]
        total = sum(state == "ok" for line in done for state in line)
        seconds = sum(row["seconds"] for row in rows.values() if row["budget"] == budget)
        spent = f"{seconds / 60:.0f} core-minutes so far"
        click.echo(f"{name}: {TABLES[name].title}; {len(found)} cells, {total}/{len(found) * len(SEEDS)} rows, {spent}")
        if tables:
            for cell, states_ in zip(found, done, strict=True):
                failed = f", {states_.count('failed')} failed" if "failed" in states_ else ""
                click.echo(f"  {cell}: {states_.count('ok')}/{len(SEEDS)}{failed}")
        if budget == "small":
            click.echo(f"  small: {TABLES[name].small}")


@cli.command("run")
@_tables
@_budget
@_results
@click.option(
    "--data", type=click.Path(path_type=Path), default=ROOT.parent / "shared" / "data", help="Folder of the data."
)
@click.option("--seeds", type=click.IntRange(1), default=len(SEEDS), show_default=True, help="Seeds 0 to N - 1.")
@click.option("--class", "classes", multiple=True, metavar="CLASS", help="Only this keyword or class; may be repeated.")
@click.option("--method", "methods", multiple=True, metavar="METHOD", help="Only this method; may be repeated.")
@click.option("--variant", "variants", multiple=True, metavar="TEXT", help="Only this variant; may be repeated.")
@click.option("--jobs", type=int, default=-1, show_default=True, help="Processes; -1 = one a core.")
@click.option("--cluster", metavar="ADDRESS", help="Send the jobs to this Dask scheduler (tcp://host:8786).")
@click.option(
    "--tune",
    type=click.IntRange(1),
    metavar="N",
    help="audio-ocln: every setting of a method with seeds 0 to N - 1, "
    "and with the other seeds only the one that is best on validation.",
)
@click.option("--again", is_flag=True, help="Also what has a row.")
def run_(
    tables: tuple[str, ...],
    budget: str,
    folder: Path,
    data: Path,
    seeds: int,
    classes: tuple[str, ...],
    methods: tuple[str, ...],
    variants: tuple[str, ...],
    jobs: int,
    cluster: str | None,
    tune: int | None,
    again: bool,
) -> None:
    """Run the cells that have no row yet; exit code 1 if one failed. A killed run goes on where it was."""
    from anomaly_benchmark.run import Job, Where, run
    from anomaly_benchmark.tuning import rounds

    def wanted(value: str, names: tuple[str, ...]) -> bool:
        return not names or value in names

    todo = [
        Job(cell, seed, data.resolve())
        for name in tables or TABLES
        for cell in cells(name, budget)
        if wanted(cell.cls, classes) and wanted(cell.method, methods) and wanted(cell.variant, variants)
        for seed in range(seeds)
    ]
    started, failed, done, asked = time.perf_counter(), 0, 0, 0
    for part in rounds(todo, folder, tune):
        asked += len(part)
        for row in run(part, folder, Where(jobs, cluster), again, partial(click.echo, err=True)):
            done += 1
            failed += row["status"] == "failed"
            click.echo(_line(row))
    minutes = (time.perf_counter() - started) / 60
    click.echo(f"{done} rows in {minutes:.1f} min, {asked - done} were there, {failed} failed; in {folder}")
    sys.exit(1 if failed else 0)


def _line(row: Row) -> str:
    name = " ".join(part for part in (row["table"], row["cls"], row["method"], row["variant"]) if part)
    if row["status"] == "failed":
        return f"FAILED {name}, seed {row['seed']}: {row['error']} ({row['where']})"
    main = TABLES[row["table"]].metrics[0]
    return f"{name}, seed {row['seed']}: {main} {row['metrics'][main]:.2f} in {row['seconds']:.0f} s"


@cli.command("tables")
@_tables
@_budget
@_results
def tables_(tables: tuple[str, ...], budget: str, folder: Path) -> None:
    """Write each table as Markdown beside its rows, and print it."""
    from anomaly_benchmark.tables import write_table

    for name in tables or TABLES:
        click.echo(write_table(name, budget, folder))


@cli.command("figures")
@_tables
@_budget
@_results
def figures_(tables: tuple[str, ...], budget: str, folder: Path) -> None:
    """Draw each table's figure (PNG) beside its rows."""
    from anomaly_benchmark.figures import draw

    for name in tables or TABLES:
        click.echo(draw(name, budget, folder))


def main(args: list[str] | None = None, prog_name: str = "python -m anomaly_benchmark") -> None:
    """Run the command line; every error of the user's world is one sentence and exit code 2."""
    try:
        cli.main(args, prog_name=prog_name, standalone_mode=True)
    except WakewordError as error:
        click.echo(f"{prog_name}: {error}", err=True)
        sys.exit(2)
    except ModuleNotFoundError as error:
        click.echo(f"{prog_name}: this needs {error.name}: install it with  pip install 'wakeword[bench]'", err=True)
        sys.exit(2)
