"""Tables and figures from rows whose numbers are known."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from anomaly_benchmark import results
from anomaly_benchmark.cells import TABLES, Cell, cells
from anomaly_benchmark.figures import draw
from anomaly_benchmark.paper import hyperparameters, published
from anomaly_benchmark.tables import chosen, table, write_table

PROBES = {"noisy-sine": 61 * 43, "sine": 81 * 61, "sphere": 61 * 61}  # points of the grids that figures draw


def row_of(cell: Cell, seed: int, metrics: dict[str, float]) -> results.Row:
    return {
        "key": cell.key(seed), "table": cell.table, "cls": cell.cls, "method": cell.method, "variant": cell.variant,
        "budget": "small", "seed": seed, "status": "ok", "data": dict(cell.data),
        "selected_on": "validation", "seconds": 2.0,
        "cpu_seconds": 1.0, "commit": "abc", "counts": {"test": {"normal": 5, "far": 6}},
        "metrics": metrics,
    }  # fmt: skip


def write_rows(folder: Path, name: str, seeds: int = 3) -> None:
    """A row of each cell and seed whose every metric is 70 + the cell's place + the seed."""
    for place, cell in enumerate(cells(name, "small")):
        for seed in range(seeds):
            row = row_of(cell, seed, dict.fromkeys(TABLES[name].metrics, 70.0 + place % 20 + seed))
            if name in PROBES and seed == 0:
                row |= {"probe": [float(k % 61) for k in range(PROBES[name])], "probe_cut": 30.0}
            results.append(folder / f"{name}.jsonl", row)


def test_ours_the_papers_and_the_difference_stand_in_a_line(tmp_path: Path) -> None:
    write_rows(tmp_path, "mnist-ocln")
    failed = cells("mnist-ocln", "small")[5]
    results.append(tmp_path / "mnist-ocln.jsonl", {
        "key": failed.key(0), "table": "mnist-ocln", "cls": "", "method": "drocc-lf", "variant": "", "seed": 0,
        "budget": "small", "status": "failed", "error": "TrainingError: it broke", "seconds": 1.0,
    })  # fmt: skip
    lines = write_table("mnist-ocln", "small", tmp_path).splitlines()
    of = {line.split(" | ")[0].strip("| "): line for line in lines if line.startswith("| ")}
    assert of["bce"].startswith("| bce | 3 | 73.00 ± 1.00 | 54 | +19.0 better | 73.00 ± 1.00 |")
    assert of["deep-sad"].startswith("| deep-sad | 3 | 74.00 ± 1.00 | 90.91 | -16.9 **worse** |")
    assert of["drocc-lf"].startswith("| drocc-lf | 2 (+ 1 failed) | 76.50 ± 0.71 | 99.4 | -22.9 **worse** |")
    assert of["random"].startswith("| random | 3 | 71.00 ± 1.00 |  |  |")
    assert "- failed:  drocc-lf  seed 0: TrainingError: it broke" in lines
    assert any("threshold where 3 % (5 %) of the TEST negatives" in line for line in lines)
    assert any(line.startswith("- Test examples - 6 far, 5 normal") for line in lines)
    assert (tmp_path / "mnist-ocln.md").read_text() == "\n".join(lines) + "\n" * (lines[-1] == "")


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_table_and_figure_is_made(tmp_path: Path, name: str) -> None:
    assert "missing" in table(name, "small", {})
    write_rows(tmp_path, name, seeds=2)
    text = write_table(name, "small", tmp_path)
    assert "missing" not in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len({line.count("|") for line in rows}) == 1
    assert len(rows) == 1 + len(cells(name, "small"))
    image = matplotlib.image.imread(draw(name, "small", tmp_path))
    assert image.shape[0] > 300
    assert image[:, :, :3].std() > 0.05  # something was drawn


def test_the_papers_numbers_are_found_and_only_where_it_has_some() -> None:
    assert published("mnist-ocln", "", "drocc-lf", "recall_3") == 99.4
    assert published("audio-ocln", "marvin", "deep-sad", "recall_5") == 62.5
    assert published("audio-ocln", "happy", "bce", "recall_3") is None
    assert published("mnist-ocln", "", "drocc-lf", "auc") is None
    assert hyperparameters("ocln_audio", "follow") == {
        "radius": 20.0, "mu": 1.0, "learning_rate": 1e-4, "ascent_step_size": 0.01,
    }  # fmt: skip
    with pytest.raises(KeyError):
        hyperparameters("ocln_audio", "happy")


def test_a_difference_is_judged_by_both_deviations(tmp_path: Path) -> None:
    write_rows(tmp_path, "tabular")  # 70 + the place of the cell modulo 20, std 1
    rows = results.read(tmp_path / "tabular.jsonl")
    for cell in cells("tabular", "small"):
        if (cell.cls, cell.method, cell.variant) == ("thyroid", "drocc", "protocol b"):
            for seed in range(3):
                rows[cell.key(seed)]["metrics"] |= {"f1": 75.5 + seed / 10}
    lines = table("tabular", "small", rows).splitlines()
    columns = next(line for line in lines if line.startswith("| class")).split(" | ")
    assert columns[1:7] == ["method", "variant", "seeds", "F1", "paper", "difference"]
    cut = {tuple(line.split(" | ")[:3]): line.split(" | ")[4:7] for line in lines if line.startswith("| ")}
    assert cut["| thyroid", "drocc", "protocol a"] == ["86.00 ± 1.00", "78 ± 3", "+8.0 better"]
    assert cut["| thyroid", "drocc", "protocol b"] == ["75.60 ± 0.10", "78 ± 3", "-2.4 within the paper's std"]
    assert cut["| thyroid", "random", "protocol b"][1:] == ["", ""]
    assert sum(line.startswith("- Threshold rule") for line in lines) == 2


def test_the_committed_tables_are_those_of_the_committed_rows() -> None:
    for name in TABLES:
        rows = results.read(results.FOLDER / f"{name}.jsonl")
        committed = results.FOLDER / f"{name}.md"
        if rows or committed.exists():
            assert committed.read_text() == table(name, "small", rows), (
                f"run  python -m anomaly_benchmark tables {name}"
            )


def test_of_several_settings_the_one_that_validation_prefers_is_marked(tmp_path: Path) -> None:
    found = [cell for cell in cells("audio-ocln", "small") if (cell.cls, cell.method) == ("happy", "bce")]
    values = {"rate 0.003": (10.0, 90.0), "rate 0.001": (80.0, 30.0, 0.0)}  # the third seed has no counterpart
    values["rate 0.006"] = (20.0, 70.0)
    for cell in found:
        for seed, value in enumerate(values[cell.variant]):
            metrics = {**dict.fromkeys(TABLES["audio-ocln"].metrics, 50.0), "validation": value}
            results.append(tmp_path / "audio-ocln.jsonl", row_of(cell, seed, metrics))
    rows = results.read(tmp_path / "audio-ocln.jsonl")
    assert [cell.variant for cell in chosen(found, rows)] == ["rate 0.001"]  # 55 against 50
    text = table("audio-ocln", "small", rows)
    assert "| happy | bce | **rate 0.001** | 3 |" in text
    assert "| happy | bce | rate 0.003 | 2 |" in text


def test_without_a_choice_no_setting_is_marked_and_one_that_only_failed_is_none(tmp_path: Path) -> None:
    found = [cell for cell in cells("audio-ocln", "small") if (cell.cls, cell.method) == ("happy", "bce")]
    metrics = dict.fromkeys(TABLES["audio-ocln"].metrics, 50.0)
    rows = {cell.key(seed): row_of(cell, seed, metrics) for seed, cell in enumerate(found)}  # no seed in common
    assert chosen(found, rows) == found
    assert "**rate" not in table("audio-ocln", "small", rows)
    for cell in found:
        for row in (row_of(cell, seed, metrics) for seed in range(len(found))):
            rows[row["key"]] = row if cell is found[1] else row | {"status": "failed", "error": "it diverged"}
    assert chosen(found, rows) == [found[1]]
    assert f"**{found[1].variant}**" in table("audio-ocln", "small", rows)


def test_the_committed_figures_of_published_baselines_are_what_the_script_prints(real_data: Path) -> None:
    script = [sys.executable, "-m", "anomaly_benchmark.published_baselines", "--data", str(real_data.parent)]
    printed = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    committed = (results.FOLDER / "published-baselines.md").read_text()
    figures = [[int(number) for number in re.findall(r"(\d+)\*? \(", text)] for text in (printed, committed)]
    assert len(figures[0]) == 3 * 12
    np.testing.assert_allclose(*figures, atol=1)  # a last digit may round otherwise elsewhere
