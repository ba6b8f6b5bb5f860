"""A small cell that learns in a second; nothing of this folder is collected where the suite was deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
collect_ignore_glob = [] if (ROOT / "anomaly_benchmark").is_dir() else ["test_*"]


@pytest.fixture
def small_cells():
    """DROCC-LF, BCE and random scores on a small noisy sine."""
    from anomaly_benchmark.cells import Cell

    common = {"table": "noisy-sine", "dataset": "noisy-sine", "network": "mlp-128", "metric": "auc", "budget": "small"}
    schedule = {"epochs": 3, "learning_rate": 1e-2, "first": 1}
    adversary = {"radius": 1.0, "steps": 2}
    return [
        Cell(method="drocc-lf", settings={"schedule": schedule, **adversary}, **common),
        Cell(method="bce", settings={"schedule": schedule}, **common),
        Cell(method="random", **common),
    ]
