"""The user's cache folder, and keys that change when what they stand for does."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import numpy as np

CACHE_VARIABLE = "WAKEWORD_CACHE"


def cache_folder() -> Path:
    """$WAKEWORD_CACHE, or the user's cache folder of the operating system; it need not exist yet."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen)
    from platformdirs import user_cache_path

    return user_cache_path("wakeword", appauthor=False)


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
