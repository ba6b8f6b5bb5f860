"""Exact sliding-window LSTM scores, cheaply: staggered states, one batched step per frame.

Every window's LSTM starts from the zero state, as in training. With a hop of 8 frames, ceil(98 / 8) = 13
windows are alive at any time. Each keeps one (h, c) row, and all rows step together, those of several
streams too: one small matrix product a frame instead of 98 a window (lstm.py in numpy, kernel.py in C).
The scores equal those of every window run on its own (to float32).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from wakeword.features import FeatureSpec
from wakeword.kernel import stacked
from wakeword.model import WakeWordModel
from wakeword.network import Network


@dataclass(frozen=True)
class WindowScores:
    """Scores of the windows that were completed.

    end_frame   int64 (K,): the frame each window ends before; the window covers [end - window_frames, end)
    scores      float32 (K, streams, models): logits
    """

    end_frame: np.ndarray
    scores: np.ndarray


class _Group:
    """Networks that stack: one LSTM for all of them, and which of its logits make which model's sum."""

    def __init__(self, networks: list[tuple[int, Network]], streams: int, rows: int) -> None:
        """``networks``: (column of the model, network), a model's beside each other."""
        self.lstm = stacked([network for _, network in networks], streams, rows)
        owners = np.array([column for column, _ in networks])
        self.first = np.flatnonzero(np.diff(owners, prepend=-1))
        self.columns = owners[self.first]


class SlidingWindows:
    """Scores every ``hop_frames``-th window of ``streams`` streams under all ``models``.

    All models must have one FeatureSpec (one front end); sizes of their LSTMs may differ.
    """

    def __init__(self, models: Sequence[WakeWordModel], hop_frames: int = 8, streams: int = 1) -> None:
        if not models or any(model.spec != models[0].spec for model in models):
            raise ValueError("models that step together need one FeatureSpec")
        if hop_frames < 1 or streams < 1:
            raise ValueError("hop_frames and streams are at least 1")
        self.spec: FeatureSpec = models[0].spec
        self.hop_frames = hop_frames
        self.streams = streams
        self.rows = -(-self.spec.window_frames // hop_frames)
        # Networks of one size and pooling stack; sorting makes each group one run, and keeps a model's together.
        every = [(column, network) for column, model in enumerate(models) for network in model.networks]
        every.sort(key=_kind)
        self._groups = [_Group(list(run), streams, self.rows) for _, run in groupby(every, key=_kind)]
        self._networks = np.array([len(model.networks) for model in models], dtype=np.float32)
        self._looks = [(column, model.pronunciation) for column, model in enumerate(models) if model.pronunciation]
        self.reset()

    def reset(self) -> None:
        """Forget everything heard: the next frame is frame 0."""
        self._frame = 0
        self._past = np.zeros((self.streams, 0, self.spec.n_cepstra), np.float32)
        for group in self._groups:
            group.lstm.clear()

    def push(self, frames: np.ndarray) -> WindowScores:
        """Frames (F, D), or (streams, F, D) -> the scores of the windows they complete."""
        frames = frames.reshape(self.streams, -1, self.spec.n_cepstra)
        n_frames, window, hop = frames.shape[1], self.spec.window_frames, self.hop_frames
        # Window k ends before frame k * hop + window; those before this block have been scored.
        scored = max(0, -(-(self._frame + 1 - window) // hop))
        ends = np.arange(scored * hop + window, self._frame + n_frames + 1, hop)
        scores = np.zeros((len(ends), self.streams, len(self._networks)), dtype=np.float32)
        for group in self._groups:
            logits = group.lstm.run(frames, self._frame, hop, window)
            scores[:, :, group.columns] += np.add.reduceat(logits, group.first, axis=1).swapaxes(1, 2)
        scores /= self._networks
        if self._looks:
            self._look_again(scores, ends, frames)
        self._frame += n_frames
        return WindowScores(ends.astype(np.int64), scores)

    def _look_again(self, scores: np.ndarray, ends: np.ndarray, frames: np.ndarray) -> None:
        """Charge windows (K, streams, models) that some model takes for its keyword for the sounds they lack."""
        window = self.spec.window_frames
        heard = np.concatenate([self._past, frames], axis=1)
        first = self._frame - self._past.shape[1]  # the frame that ``heard`` begins with
        for column, pronunciation in self._looks:
            found, streams = np.nonzero(scores[:, :, column] >= pronunciation.floor)
            if len(found):
                starts = ends[found] - window - first
                windows = np.stack([heard[s, at : at + window] for s, at in zip(streams, starts, strict=True)])
                scores[found, streams, column] = pronunciation.checked(scores[found, streams, column], windows)
        self._past = heard[:, max(0, heard.shape[1] - window) :]


def _kind(owned: tuple[int, Network]) -> tuple[int, str]:
    return owned[1].units, owned[1].pooling
