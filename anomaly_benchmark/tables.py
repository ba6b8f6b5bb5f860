"""Markdown tables: ours as mean ± std over the seeds, the paper's beside it, and the difference said plainly."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

from anomaly_benchmark import results
from anomaly_benchmark.cells import SEEDS, TABLES, Cell, cells
from anomaly_benchmark.metrics import RULES
from anomaly_benchmark.paper import published, published_std
from anomaly_benchmark.results import Row
from wakeword.files import write_atomically

_NAMES = {
    "recall_3": "recall at FPR 3 %",
    "recall_5": "recall at FPR 5 %",
    "deployed_recall_3": "deployed 3 %: recall",
    "deployed_fpr_3": "FPR reached",
    "deployed_recall_5": "deployed 5 %: recall",
    "deployed_fpr_5": "FPR reached",
    "auc": "AUC",
    "auc_far": "AUC far",
    "auc_close": "AUC close",
    "f1": "F1",
    "ratio_f1": "F1 at the ratio",
    "deployed_f1": "deployed F1",
    "best_on_test_f1": "best on test (no result)",
}


def good_rows(cell: Cell, rows: dict[str, Row]) -> tuple[list[Row], int]:
    """A cell's rows that succeeded, in the order of the seeds, and how many failed."""
    found = [rows[key] for key in map(cell.key, SEEDS) if key in rows]
    good = [row for row in found if row["status"] == "ok"]
    return good, len(found) - len(good)


def chooses(name: str) -> bool:
    """Whether the variants of a table are settings of which validation chooses one."""
    return "validation" in TABLES[name].metrics


def chosen(found: Iterable[Cell], rows: dict[str, Row]) -> list[Cell]:
    """Of the variants of a class and method the one with the best mean on validation, over the seeds that all have.

    A method may have been tried with some seeds, and its best variant alone run with the others. Where its variants
    have no seed in common there is no choice yet: all stay.
    """
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in found:
        groups.setdefault((cell.cls, cell.method), []).append(cell)
    return [cell for group in groups.values() for cell in _best(group, rows)]


def _best(group: Sequence[Cell], rows: dict[str, Row]) -> Sequence[Cell]:
    known = [(cell, *good_rows(cell, rows)) for cell in group]
    if any(good for _, good, _ in known):  # a setting that only ever failed cannot be chosen
        known = [one for one in known if one[1] or not one[2]]
    group = [cell for cell, *_ in known]
    by_seed = [{row["seed"]: row["metrics"]["validation"] for row in good} for _, good, _ in known]
    seeds = set.intersection(*map(set, by_seed))
    if not seeds:
        return group
    means = [statistics.mean(values[seed] for seed in seeds) for values in by_seed]
    return [group[means.index(max(means))]]


def mean_std(values: Iterable[float]) -> tuple[float, float]:
    """Mean and sample standard deviation; the deviation of one value is nan."""
    values = list(values)
    return statistics.mean(values), statistics.stdev(values) if len(values) > 1 else float("nan")


def write_table(name: str, budget: str, folder: Path) -> str:
    """Write TABLE.md beside the rows, and return it."""
    text = table(name, budget, results.read(folder / f"{name}.jsonl"))
    suffix = "" if budget == "small" else f".{budget}"
    write_atomically(folder / f"{name}{suffix}.md", text.encode())
    return text


def table(name: str, budget: str, rows: dict[str, Row]) -> str:
    """The whole table as Markdown. A cell without a row shows as missing, a failed seed with its number."""
    info, found = TABLES[name], cells(name, budget)
    compares = [m for m in info.metrics if any(published(name, cell.cls, cell.method, m) is not None for cell in found)]
    columns = ["class", "method", "variant", "seeds"]
    for metric in info.metrics:
        columns.append(_NAMES.get(metric, metric.replace("auc_", "AUC at ")))
        columns += ["paper", "difference"] if metric in compares else []
    choice = chosen(found, rows) if chooses(name) else []
    kinds = [(cell.cls, cell.method) for cell in choice]
    marked = [cell for cell in choice if kinds.count((cell.cls, cell.method)) == 1]  # where there is a choice yet
    lines = [[*_head(cell, cell in marked), *_line(name, cell, rows, compares)] for cell in found]
    keep = [k for k in range(len(columns)) if k > 2 or any(line[k] for line in lines)]  # no empty class or variant
    out = [f"## {info.title}", "", *_legend(name, budget, found, rows), ""]
    out.append("| " + " | ".join(columns[k] for k in keep) + " |")
    out.append("|" + "---|" * len(keep))
    out += ["| " + " | ".join(line[k] for k in keep) + " |" for line in lines]
    return "\n".join([*out, "", *_failures(found, rows)])


def _head(cell: Cell, marked: bool) -> list[str]:
    variant = cell.variant or ("as in its table" if cell.table == "ablation" else "")
    return [cell.cls, cell.method, f"**{variant}**" if marked and variant else variant]


def _line(name: str, cell: Cell, rows: dict[str, Row], compares: list[str]) -> list[str]:
    good, failed = good_rows(cell, rows)
    line = [str(len(good)) + (f" (+ {failed} failed)" if failed else "")]
    for metric in TABLES[name].metrics:
        values = [row["metrics"][metric] for row in good if metric in row["metrics"]]
        line.append(_spread(values) if values or not good else "")
        if metric in compares:
            paper = published(name, cell.cls, cell.method, metric)
            std = published_std(name, cell.cls, cell.method, metric)
            line += ["" if paper is None else f"{paper:g}" + f" ± {std:g}" * bool(std), _difference(values, paper, std)]
    return line


def _spread(values: list[float]) -> str:
    if not values:
        return "missing"
    mean, std = mean_std(values)
    return f"{mean:.2f}" + (f" ± {std:.2f}" if len(values) > 1 else "")


def _difference(values: list[float], paper: float | None, paper_std: float) -> str:
    """Ours minus the paper's, and in words.

    "within our std" where one std of ours covers it, or 0.5 (what charts can be read to); "within the paper's std"
    where the one that it prints does.
    """
    if paper is None or not values:
        return ""
    mean, std = mean_std(values)
    off = abs(mean - paper)
    if off <= max(0.5, std if std == std else 0.0):
        return f"{mean - paper:+.1f} within our std"
    verdict = "better" if mean > paper else "within the paper's std" if off <= paper_std else "**worse**"
    return f"{mean - paper:+.1f} {verdict}"


def _legend(name: str, budget: str, found: list[Cell], rows: dict[str, Row]) -> list[str]:
    known = [row for cell in found for row in good_rows(cell, rows)[0]]
    selected = sorted({f"{row['method']}: {row['selected_on']}" for row in known})
    legend = [
        f"Values in per cent, mean ± std over the seeds. Budget {budget}"
        + (f": {TABLES[name].small}." if budget == "small" else "."),
        *[f"Threshold rule - {RULES[metric]}." for metric in dict.fromkeys(cell.metric for cell in found)],
        f"Epoch selected on - {'; '.join(selected)}." if selected else "",
        _parts(known),
    ]
    if known:
        cores = sum(row["cpu_seconds"] for row in known) / 60
        commits = ", ".join(sorted({row["commit"] for row in known}))
        legend.append(f"{len(known)} rows, {cores:.1f} core-minutes, made by {commits}.")
    return [f"- {line}" for line in legend if line]


def _parts(rows: list[Row]) -> str:
    """The sizes of the test part, by class."""
    sizes = {(row["cls"], row["data"].get("protocol", "")): row["counts"]["test"] for row in rows}
    texts = [
        f"{cls} " * bool(cls)
        + f"{protocol} " * bool(protocol)
        + ", ".join(f"{n} {group}" for group, n in counts.items())
        for (cls, protocol), counts in sizes.items()
    ]
    return f"Test examples - {'; '.join(texts)}." if texts else ""


def _failures(found: list[Cell], rows: dict[str, Row]) -> list[str]:
    bad = [rows[key] for cell in found for key in map(cell.key, SEEDS) if key in rows and rows[key]["status"] != "ok"]
    return [
        f"- failed: {row['cls']} {row['method']} {row['variant']} seed {row['seed']}: {row['error']}" for row in bad
    ]
