"""The benchmarks run, and what they check beside speed holds. Speed itself is never a test: machines are busy."""

from __future__ import annotations

import importlib
import json
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent


def rows(script: str, *args: str) -> dict:
    """The script's JSON; its exit code may say that a speed was missed, which is not this test's business."""
    command = [sys.executable, str(ROOT / "benchmarks" / script), "--json", *args]
    out = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert out.returncode in (0, 1), out.stderr
    return json.loads(out.stdout)


def test_the_detectors_scores_are_those_of_every_window_alone() -> None:
    for row in rows("streaming.py", "--seconds", "3", "--repeats", "1").values():
        assert row["difference"] < 1e-4
        assert min(row["detector"], row["numpy"], row["torch"]) > 0


def test_stacked_streams_score_as_they_do_alone() -> None:
    row = rows("streams.py", "--seconds", "1.1", "--repeats", "1")
    assert row["difference"] < 1e-4
    assert min(*row["stacked"].values(), row["apart"]) > 1
    assert 0 < row["live_share"] < 1


def test_the_footprint_is_measured_in_processes_of_their_own() -> None:
    found = rows("footprint.py", "--repeats", "1")
    # A process that does more cannot peak lower: this fails where the parent's memory is counted for the child's.
    assert found["python alone"]["peak_mb"] < found["import numpy"]["peak_mb"]
    assert found["import numpy"]["peak_mb"] <= found["wakeword detect, 60 s file"]["peak_mb"] < 80


def test_latency_is_measured_on_a_real_microphone_path() -> None:
    if shutil.which("pulseaudio") is None:
        pytest.skip("pulseaudio is not installed: latency is not measured here")
    row = rows("latency.py", "--repeats", "1", "--words", "1")
    assert (row["words"], row["detected"]) == (1, 1)
    assert -0.5 < row["median_s"] <= row["p90_s"] <= row["worst_s"] < 1.5


@pytest.fixture
def script(monkeypatch) -> Callable[[str], dict[str, Any]]:
    """What a benchmark defines, without running it; it finds the others of its folder as it does when it is run."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    return lambda name: runpy.run_path(str(ROOT / "benchmarks" / name))


@pytest.mark.parametrize("name", ["accuracy", "phrases", "engines_alone"])
def test_a_table_is_that_of_its_rows(script, name: str) -> None:
    kept = script(f"{name}.py")["ROWS"]
    found = kept.read()
    assert len(kept.keys()) == len(found) > 0
    assert kept.page.read_text() == kept.table(found)


def test_accuracies_lie_in_their_intervals(script) -> None:
    for row in script("accuracy.py")["ROWS"].read():
        recall = row["clips"]["fpr_3"]["recall"]
        assert 0 <= recall["low"] <= recall["rate"] <= recall["high"] <= 1


def test_a_row_takes_the_place_of_the_one_of_its_key(script, monkeypatch, tmp_path: Path) -> None:
    module = importlib.import_module("_rows")  # the fixture has its folder on the path
    folder = tmp_path / "results"
    monkeypatch.setattr(module, "FOLDER", folder)
    kept = module.Rows("made", ("word", "seed"), lambda found: f"{len(found)} rows\n", lambda row: -row["seed"])
    for seed, value in ((0, "a"), (1, "b"), (0, "c")):
        kept.write({"word": "happy", "seed": seed, "value": value})
    assert [(row["seed"], row["value"]) for row in kept.read()] == [(1, "b"), (0, "c")]
    assert kept.keys() == {("happy", 0), ("happy", 1)}
    kept.write_table()
    assert kept.page.read_text() == "2 rows\n"
    assert sorted(path.name for path in folder.iterdir()) == ["made.jsonl", "made.md"]


def test_every_variant_changes_the_recipe(script) -> None:
    alone = script("engines_alone.py")
    recipe = alone["phrase"]("happy").changed(units=128, networks=1)  # as its runs are
    made = [(v.change(recipe), v.networks, v.hear_people, v.own) for v in alone["VARIANTS"].values()]
    assert made[0] == (recipe, 1, True, 0)
    assert all(made.count(variant) == 1 for variant in made)


def test_people_whose_recordings_train_are_not_judged(script) -> None:
    """Ten own recordings are of ten speakers, of whom no other clip is judged by; the others keep their order."""
    people = [(f"speaker {i % 25}", np.full(3, i, np.int16)) for i in range(100)]
    given, judged = script("engines_alone.py")["divided"](people, 10)
    of = {int(clip[0]): speaker for speaker, clip in people}
    owners = {of[int(clip[0])] for clip in given}
    numbers = [int(clip[0]) for clip in judged]
    assert len(given) == len(owners) == 10
    assert numbers == [i for i in range(100) if of[i] not in owners]
    assert len(numbers) == 60


def test_a_hidden_word_is_nowhere_in_the_folder(script, tmp_path: Path) -> None:
    data = tmp_path / "data"
    for word in ("happy", "right"):
        (data / word).mkdir(parents=True)
        (data / word / "0000_nohash_0.wav").write_bytes(b"")
    (data / "testing_list.txt").write_text("")
    hidden = script("engines_alone.py")["without"]("happy", data, tmp_path / "hidden")
    assert sorted(path.name for path in hidden.iterdir()) == ["right", "testing_list.txt"]
    assert (hidden / "right" / "0000_nohash_0.wav").exists()
