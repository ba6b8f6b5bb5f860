"""Where the sound is in a clip, and the clip in a length."""

from __future__ import annotations

import numpy as np


def active_range(clip: np.ndarray, frame: int = 160, drop_db: float = 25.0) -> tuple[int, int]:
    """Samples [start, end) outside of which no 10 ms frame comes within ``drop_db`` of the loudest."""
    frames = clip[: len(clip) // frame * frame].reshape(-1, frame)
    energy = np.einsum("ft,ft->f", frames, frames)
    loud = np.flatnonzero(energy >= energy.max() * 10.0 ** (-drop_db / 10.0))
    return int(loud[0]) * frame, int(loud[-1] + 1) * frame


def centred(clip: np.ndarray, samples: int) -> np.ndarray:
    """The middle ``samples`` of a clip (T,), or the clip in the middle of that much silence; a new array."""
    middle = clip[max(0, len(clip) - samples) // 2 :][:samples]
    before = (samples - len(middle)) // 2
    return np.pad(middle, (before, samples - len(middle) - before))
