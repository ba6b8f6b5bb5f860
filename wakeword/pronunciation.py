"""The second look: are the keyword's sounds in the window, one after another?

A network that learnt a keyword wakes at speech that is like it on the whole: "could you know" for "computer". An LSTM
that names sounds finds no M, no P and no T in that. It is asked only about windows that the networks take for the
keyword, which are rare, so it costs next to nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from wakeword.network import check_arrays

#: The arrays of a Pronunciation, in the order of a model file.
ARRAYS = ("mean", "std", "w_ih", "w_hh", "bias", "w_names", "b_names")
_FEWEST_FRAMES = 3  # of a sound: 30 ms
_TOGETHER = 64  # windows looked at at once
_NEVER = np.float32(-1e9)


@dataclass(frozen=True)
class Pronunciation:
    """How a keyword is pronounced, and what a window is charged that does not hold its sounds.

    mean, std         float32 (D,): of the frames that the LSTM was trained on
    w_ih, w_hh, bias  of an LSTM of H units, as in a Network
    w_names, b_names  float32 (S, H), (S,): the score of each of S symbols from the LSTM's state at a frame
    symbols           the names of the S sounds; the first is silence
    ways              rows of symbols; the keyword is any of them
    weight            logits that a window loses for a shortfall of one nat
    floor             logit from which on windows are looked at

    Raises ValueError when shapes or types do not fit, a value is not finite, or a way has a sound of no name.
    """

    mean: np.ndarray
    std: np.ndarray
    w_ih: np.ndarray
    w_hh: np.ndarray
    bias: np.ndarray
    w_names: np.ndarray
    b_names: np.ndarray
    symbols: tuple[str, ...]
    ways: tuple[tuple[str, ...], ...]
    weight: float
    floor: float

    def __post_init__(self) -> None:
        width, units, names = self.mean.size, self.units, len(self.symbols)
        shapes = {
            "mean": (width,), "std": (width,), "w_ih": (4 * units, width), "w_hh": (4 * units, units),
            "bias": (4 * units,), "w_names": (names, units), "b_names": (names,),
        }  # fmt: skip
        check_arrays(self, shapes, " of the pronunciation")
        if not self.ways or not all(way and set(way) <= set(self.symbols) for way in self.ways):
            raise ValueError("every way to pronounce a keyword is a row of the symbols that there are")
        if not (0.0 <= self.weight < np.inf and np.isfinite(self.floor)):
            raise ValueError("the weight of a pronunciation is a number that is not negative, its floor any number")

    @property
    def units(self) -> int:
        """Hidden units H of the LSTM."""
        return int(self.w_hh.shape[-1])

    def card(self) -> dict[str, Any]:
        """All but the arrays, for JSON."""
        return {"symbols": self.symbols, "ways": self.ways, "weight": self.weight, "floor": self.floor}

    def checked(self, scores: np.ndarray, windows: np.ndarray) -> np.ndarray:
        """Logits (B,) of windows (B, F, D) less what their shortfall costs, float32 (B,)."""
        parts = [self.shortfall(windows[first : first + _TOGETHER]) for first in range(0, len(windows), _TOGETHER)]
        lost = np.concatenate([np.zeros(0, np.float32), *parts])
        return (scores - np.float32(self.weight) * lost).astype(np.float32)

    def shortfall(self, windows: np.ndarray) -> np.ndarray:
        """By how many nats the keyword's sounds are less likely than the likeliest ones, float32 (B,), >= 0.

        windows: MFCC, float32 (B, F, D). After the goodness of pronunciation of Witt and Young (2000): at each frame of
        a path the log posterior of the likeliest sound less that of the path's, summed, and divided by the frames that
        the shortest path has. A path goes through the sounds of a way one after another without a gap, each for three
        frames or more, anywhere in the window. Of all ways and paths the one that falls short by least.
        """
        posteriors = self._scores(windows)
        # What softmax divides by is the same for all symbols of a frame.
        behind = posteriors - posteriors.max(axis=-1, keepdims=True)
        ways = [[self.symbols.index(symbol) for symbol in way] for way in self.ways]
        return np.min([_shortfall(behind[:, :, way]) for way in ways], axis=0)

    def _scores(self, windows: np.ndarray) -> np.ndarray:
        """The score of each symbol at each frame, float32 (B, F, S); each window's LSTM starts from the zero state."""
        inputs = ((windows - self.mean) / self.std).astype(np.float32) @ self.w_ih.T + self.bias
        w_hh = np.ascontiguousarray(self.w_hh.T)
        h = c = np.zeros((len(windows), self.units), np.float32)
        states = np.empty((*windows.shape[:2], self.units), np.float32)
        for frame in range(windows.shape[1]):
            i, f, g, o = np.split(inputs[:, frame] + h @ w_hh, 4, axis=1)
            c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
            h = states[:, frame] = _sigmoid(o) * np.tanh(c)
        return states @ self.w_names.T + self.b_names


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return (1.0 + np.tanh(z / 2.0)) / 2.0  # exp would overflow


def _shortfall(behind: np.ndarray) -> np.ndarray:
    """How far each sound of a way is behind the likeliest, <= 0, (B, F, N) -> the shortfall of the best path, (B,).

    Viterbi's algorithm over N sounds of as many states as a sound has frames at least; the last may be stayed in.
    Windows too short for the way fall short without bounds.
    """
    windows, frames, sounds = behind.shape
    best = np.full(windows, _NEVER)
    paths = np.full((windows, sounds, _FEWEST_FRAMES), _NEVER)
    for frame in range(frames):
        now = behind[:, frame]
        ended = paths[:, :, -1].copy()
        paths[:, :, -1] = np.maximum(ended, paths[:, :, -2])
        paths[:, :, 1:-1] = paths[:, :, :-2].copy()
        paths[:, 0, 0], paths[:, 1:, 0] = 0.0, ended[:, :-1]
        paths += now[:, :, None]
        best = np.maximum(best, paths[:, -1, -1])
    return np.abs(best) / np.float32(sounds * _FEWEST_FRAMES)
