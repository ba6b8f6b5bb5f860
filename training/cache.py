"""Arrays kept between runs in the user's cache folder, keyed by what they were made from."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from platformdirs import user_cache_path

from wakeword.model import write_atomically

CACHE_VARIABLE = "WAKEWORD_CACHE"


def cache_folder() -> Path:
    """$WAKEWORD_CACHE, or the user's cache folder of the operating system."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen) if chosen else user_cache_path("wakeword", appauthor=False)


def content_key(*parts: object) -> str:
    """sha256 over arrays (type, shape, bytes) and JSON values: equal content, equal key."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(f"{part.dtype}{part.shape}".encode())
            digest.update(np.ascontiguousarray(part).tobytes())
        else:
            digest.update(json.dumps(part, sort_keys=True).encode())
    return digest.hexdigest()


def cached_array(kind: str, key: str, make: Callable[[], np.ndarray]) -> np.ndarray:
    """The array kept under (kind, key), or ``make()``, kept for the next run.

    A damaged entry is made anew. A cache that cannot be written costs time, not the run, so its errors pass.
    """
    path = cache_folder() / kind / f"{key}.npy"
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        array = make()
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    with contextlib.suppress(OSError):
        write_atomically(path, stream.getvalue())
    return array
