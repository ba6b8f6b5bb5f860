"""The rows of a benchmark that takes hours: a JSON object a line, each with a key; and the table beside them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wakeword.files import write_atomically

Row = dict[str, Any]
FOLDER = Path(__file__).resolve().parent / "results"


@dataclass(frozen=True)
class Rows:
    """name: of the file without its end; key: what makes a row unique; table: the rows as Markdown.

    order: what rows are sorted by; None for their key.
    """

    name: str
    key: tuple[str, ...]
    table: Callable[[list[Row]], str]
    order: Callable[[Row], Any] | None = None

    @property
    def path(self) -> Path:
        """Where the rows are."""
        return FOLDER / f"{self.name}.jsonl"

    @property
    def page(self) -> Path:
        """Where the table is."""
        return FOLDER / f"{self.name}.md"

    def key_of(self, row: Row) -> tuple[Any, ...]:
        """What makes this row unique."""
        return tuple(row[name] for name in self.key)

    def read(self) -> list[Row]:
        """The rows there are, in order."""
        rows = [json.loads(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []
        return sorted(rows, key=self.order or self.key_of)

    def keys(self) -> set[tuple[Any, ...]]:
        """The keys of the rows there are."""
        return {self.key_of(row) for row in self.read()}

    def write(self, row: Row) -> None:
        """Add a row, or put it in the place of the one of its key; what others wrote there meanwhile stays."""
        FOLDER.mkdir(exist_ok=True)
        if self.key_of(row) not in self.keys():
            with self.path.open("a") as file:
                file.write(json.dumps(row) + "\n")
            return
        rows = [row if self.key_of(other) == self.key_of(row) else other for other in self.read()]
        write_atomically(self.path, "".join(json.dumps(each) + "\n" for each in rows).encode())

    def write_table(self) -> None:
        """Write the table, and print it."""
        text = self.table(self.read())
        write_atomically(self.page, text.encode())
        print(text)
