"""Arrays kept between runs in the user's cache folder, keyed by what they were made from."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable

import numpy as np

from close_negatives.cache import cache_folder
from wakeword.files import write_atomically


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
