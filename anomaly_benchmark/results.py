"""Rows in a file, one JSON object a line; a run appends, a reader takes the last row of each key."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from wakeword.errors import DataError

FOLDER = Path(__file__).resolve().parent / "results"

Row = dict[str, Any]


def append(path: Path, row: Row) -> None:
    """Add one row with a single write, so that two runs into one file, or a killed one, leave whole rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b", buffering=0) as file:
        line = (json.dumps(row, sort_keys=True) + "\n").encode()
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":  # a run was killed while it wrote: its half row must not spoil this one
                line = b"\n" + line
        file.write(line)


def read(path: Path) -> dict[str, Row]:
    """key -> its last row; half rows of killed runs are passed over. Raises DataError when most lines are no rows."""
    if not path.exists():
        return {}
    rows: dict[str, Row] = {}
    lines, bad = path.read_text(encoding="utf-8").splitlines(), 0
    for line in lines:
        try:
            row = json.loads(line)
            rows[row["key"]] = row
        except (ValueError, KeyError, TypeError):
            bad += bool(line.strip())
    if bad > max(1, len(lines) // 2):
        raise DataError(f"{path} is no results file of this suite: choose another --results folder")
    return rows
