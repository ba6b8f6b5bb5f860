"""Sounds as numbers: the symbols a base learns to name, and the labels of the frames of a clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

#: ARPAbet without stress; number 0 is silence.
SYMBOLS = (
    "_", "AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G", "HH", "IH", "IY", "JH",
    "K", "L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH", "UH", "UW", "V", "W", "Y", "Z", "ZH",
)  # fmt: skip
_NUMBER = {symbol: number for number, symbol in enumerate(SYMBOLS)}


class Sound(NamedTuple):
    """A phoneme in a clip, one of SYMBOLS, and the seconds between which it is heard."""

    symbol: str
    start: float
    end: float


@dataclass(frozen=True)
class Utterance:
    """A clip, int16 (T,), and the sounds in it."""

    clip: np.ndarray
    sounds: tuple[Sound, ...]


def frame_labels(
    sounds: Sequence[Sound], frames: int, frame_rate: float, *, tempo: float = 1.0, start: float = 0.0, delay: int = 0
) -> np.ndarray:
    """int64 (frames,): the number of the sound that is heard at each frame of a window, silence (0) elsewhere.

    The clip, played so that it lasts ``tempo`` times as long, begins at frame ``start``; ``frame_rate`` frames make a
    second. Names come ``delay`` frames late.
    """
    labels = np.zeros(frames, dtype=np.int64)
    for sound in sounds:
        first, last = (round(at * tempo * frame_rate + start) + delay for at in (sound.start, sound.end))
        labels[max(0, first) : max(0, last)] = _NUMBER[sound.symbol]
    return labels
