"""Where the sound is in a clip."""

from __future__ import annotations

import numpy as np


def active_range(clip: np.ndarray, frame: int = 160, drop_db: float = 25.0) -> tuple[int, int]:
    """Samples [start, end) outside of which no 10 ms frame comes within ``drop_db`` of the loudest."""
    frames = clip[: len(clip) // frame * frame].reshape(-1, frame)
    energy = np.einsum("ft,ft->f", frames, frames)
    loud = np.flatnonzero(energy >= energy.max() * 10.0 ** (-drop_db / 10.0))
    return int(loud[0]) * frame, int(loud[-1] + 1) * frame
