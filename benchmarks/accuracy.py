"""How well the deploy recipe does: keywords x objectives x seeds, through the code of ``wakeword train``.

    python benchmarks/accuracy.py --data words --speech talk --noise noise \\
        [--keywords happy right left zero] [--objectives drocc-lf] [--units 256] [--seeds 0 1 2] [--jobs 2]
    python benchmarks/accuracy.py --tables            # the tables again, from the rows that are there

Each run trains a model under runs/ and appends ONE row to benchmarks/results/accuracy.jsonl; a row that is there is not
made again, and a killed run goes on from its checkpoint. Thresholds come from validation; every figure is of the test
split (unseen speakers). The tables are also written to benchmarks/results/accuracy.md.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from _rows import Rows

from training.gathering import Run
from training.metrics import rate
from training.pipeline import train
from training.recipes import RECIPES

FPRS = ("fpr_3", "fpr_1", "fpr_0.5")
POINTS = ("fpr_5", "fpr_3", "alarms")
#: What makes a row unique, in the order of the rows.
KEY = ("keyword", "objective", "units", "seed")


@dataclass(frozen=True)
class Cell:
    """One run: a keyword, an objective, a seed, and where its data and its model are."""

    keyword: str
    objective: str
    units: int
    seed: int
    data: Path
    speech: tuple[Path, ...]
    noise: tuple[Path, ...]
    runs: Path

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes a row unique."""
        return tuple(getattr(self, name) for name in KEY)


def measure(cell: Cell) -> dict[str, Any]:
    """Train one cell and return its row."""
    torch.set_num_threads(1)
    recipe = RECIPES["deploy"](cell.keyword).changed(objective=cell.objective, units=cell.units)
    out = cell.runs / ("-".join(map(str, cell.key)) + ".wakeword")
    log = out.with_suffix(".log").open("a", buffering=1)
    run = Run(cell.keyword, cell.data, recipe, out, cell.speech, cell.noise, seed=cell.seed)
    model = train(run, lambda text: print(text, file=log), lambda epoch: print(epoch, file=log))
    card = model.card
    return {
        **dict(zip(KEY, cell.key, strict=True)),
        "best_epoch": card["best_epochs"][0],
        "validation": card["operating_points"]["alarms"]["validation"],
        "clips": card["evaluation"]["clips"],
        "streaming": card["evaluation"]["streaming"],
        "libraries": card["libraries"],
    }


def tables(rows: list[dict[str, Any]]) -> str:
    """Markdown: clips at three FPRs, and streams at three operating points, over the seeds of each row."""
    groups: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["keyword"], row["objective"], row["units"]), []).append(row)
    clips = [
        "| keyword | objective | units | seeds | "
        + " | ".join(f"recall at FPR {f[4:]} % (reached)" for f in FPRS)
        + " |"
    ]
    clips += ["|---|---|---|---|" + "---|" * len(FPRS)]
    streams = [
        "| keyword | objective | units | point | false alarms (all seeds) | miss in silence | miss in babble 20 dB |"
    ]
    streams += ["|---|---|---|---|---|---|---|"]
    for (keyword, objective, units), group in groups.items():
        name = f"| {keyword} | {objective} | {units} |"
        cells = [_clip_cell(group, fpr) for fpr in FPRS]
        clips.append(f"{name} {len(group)} | " + " | ".join(cells) + " |")
        streams += [f"{name} {point} | " + _stream_cells(group, point) + " |" for point in POINTS]
    return "\n".join([*clips, "", *streams, ""])


def _clip_cell(group: list[dict[str, Any]], fpr: str) -> str:
    """mean +- std over seeds, pooled counts with their 95 % interval, and the FPR reached."""
    found = [row["clips"][fpr]["recall"] for row in group]
    reached = [row["clips"][fpr]["fpr_reached"]["rate"] for row in group]
    return f"{_spread([r['rate'] for r in found])}; {_pooled(found)} ({_spread(reached)})"


def _stream_cells(group: list[dict[str, Any]], point: str) -> str:
    points = [row["streaming"]["points"][point] for row in group]
    alarms = " ".join(str(p["false_alarms"]["count"]) for p in points)
    hours = points[0]["false_alarms"]["hours"]
    misses = (_pooled([p[kind] for p in points]) for kind in ("miss_in_silence", "miss_in_babble_20_db"))
    return f"{alarms} in {hours:.2f} h each | " + " | ".join(misses)


def _spread(values: list[float]) -> str:
    std = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{100 * statistics.mean(values):.1f} ± {100 * std:.1f} %"


def _pooled(rates: Iterable[dict[str, Any]]) -> str:
    rates = list(rates)
    total = rate(sum(r["count"] for r in rates), sum(r["n"] for r in rates))
    return f"{total.count}/{total.n} [{100 * total.low:.1f}, {100 * total.high:.1f}]"


ROWS = Rows("accuracy", KEY, tables)


def main() -> None:
    """Make the missing rows, then the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", action="store_true", help="only print the tables of the rows that are there")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--speech", type=Path, nargs="*", default=[])
    parser.add_argument("--noise", type=Path, nargs="*", default=[])
    parser.add_argument("--keywords", nargs="*", default=["happy", "right", "left", "zero"])
    parser.add_argument("--objectives", nargs="*", default=["drocc-lf"])
    parser.add_argument("--units", type=int, nargs="*", default=[256])
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    if not args.tables:
        if args.data is None:
            parser.error("--data is needed to make rows (or --tables to print them)")
        args.runs.mkdir(exist_ok=True)
        there = ROWS.keys()
        folders = (args.data, tuple(args.speech), tuple(args.noise), args.runs)
        runs = product(args.keywords, args.objectives, args.units, args.seeds)
        cells = [Cell(*run, *folders) for run in runs]
        with ProcessPoolExecutor(args.jobs, mp_context=get_context("spawn")) as pool:
            for done in as_completed([pool.submit(measure, cell) for cell in cells if cell.key not in there]):
                ROWS.write(done.result())
                print(*(done.result()[name] for name in ("keyword", "objective", "seed")), "done", flush=True)
    ROWS.write_table()


if __name__ == "__main__":
    main()
