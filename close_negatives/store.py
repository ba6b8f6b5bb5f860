"""Clips that were spoken once, kept in one file of the user's cache folder: an SQLite database, so that a killed run
leaves whole clips only, runs may share it, and thousands of clips are read in a second."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from close_negatives.cache import CACHE_VARIABLE, cache_folder
from wakeword.errors import SynthesisError

Clip = NDArray[np.int16]

_FILE = "speech.sqlite"
_PATIENCE = 60.0  # seconds to wait while another run writes
_TABLES = (
    "CREATE TABLE IF NOT EXISTS clips (key BLOB PRIMARY KEY, samples BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS verdicts (key BLOB PRIMARY KEY, heard TEXT NOT NULL) WITHOUT ROWID",
)


class Store:
    """Clips (int16, 16 kHz) and what was heard in them, by key (hexadecimal). To be closed, as by ``with``.

    Every method raises SynthesisError where the file or its folder cannot be used.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or cache_folder() / _FILE
        with self._explained():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(self._path, timeout=_PATIENCE)
            with contextlib.ExitStack() as undo:
                undo.callback(self._base.close)
                for table in _TABLES:
                    self._base.execute(table)
                undo.pop_all()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; nothing is pending."""
        self._base.close()

    def clips(self, keys: Iterable[str]) -> dict[str, Clip]:
        """Those of the keys that are kept, with their clips."""
        return {key: np.frombuffer(row, "<i2").astype(np.int16) for key, row in self._rows("clips", "samples", keys)}

    def verdicts(self, keys: Iterable[str]) -> dict[str, str]:
        """Those of the keys that are kept, with the words that were heard."""
        return dict(self._rows("verdicts", "heard", keys))

    def keep_clips(self, clips: dict[str, Clip]) -> None:
        """Keep all of them or none."""
        self._insert("clips", ((bytes.fromhex(key), clip.astype("<i2").tobytes()) for key, clip in clips.items()))

    def keep_verdicts(self, verdicts: dict[str, str]) -> None:
        """Keep all of them or none."""
        self._insert("verdicts", ((bytes.fromhex(key), heard) for key, heard in verdicts.items()))

    def _rows(self, table: str, column: str, keys: Iterable[str]) -> Iterator[tuple[str, Any]]:
        question = f"SELECT {column} FROM {table} WHERE key = ?"
        with self._explained():
            for key in keys:
                if row := self._base.execute(question, (bytes.fromhex(key),)).fetchone():
                    yield key, row[0]

    def _insert(self, table: str, rows: Iterable[tuple[bytes, object]]) -> None:
        with self._explained(), self._base:
            self._base.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", rows)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """What goes wrong with the file, as one sentence with the way out."""
        elsewhere = f"or let {CACHE_VARIABLE} name another folder"
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            code = getattr(error, "sqlite_errorcode", None)
            if code == sqlite3.SQLITE_FULL:
                message = f"the disk is full at {self._path}: free some space {elsewhere}; what was spoken is kept"
            elif code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                message = f"the cache of speech {self._path} is damaged: delete it, and it is made anew"
            else:
                reason = getattr(error, "strerror", None) or str(error)
                message = f"the cache of speech {self._path} cannot be used ({reason}): mend its folder {elsewhere}"
            raise SynthesisError(message) from error
