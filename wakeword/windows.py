"""Exact sliding-window LSTM scores, cheaply: staggered states, one batched step per frame.

Every window's LSTM starts from the zero state, as in training. With a hop of 8 frames, ceil(98 / 8) = 13
windows are alive at any time. Each keeps one (h, c) row, and all rows step together: one small matrix
product a frame instead of 98 a window. Rows of several streams, and of several models that share a front
end, stack into the same product. The scores equal those of every window run on its own (to float32).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from wakeword.features import FeatureSpec
from wakeword.model import WakeWordModel


@dataclass(frozen=True)
class WindowScores:
    """Scores of the windows that were completed.

    end_frame   int64 (K,): the frame each window ends before; the window covers [end - window_frames, end)
    scores      float32 (K, streams, models): logits
    """

    end_frame: np.ndarray
    scores: np.ndarray


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
        # Models of one size and pooling stack; sorting makes each group one run.
        kind = [(model.units, model.pooling) for model in models]
        order = sorted(range(len(models)), key=kind.__getitem__)
        self._groups = [
            _StackedLSTM([models[i] for i in members], members, streams, self.rows)
            for members in (list(run) for _, run in groupby(order, key=kind.__getitem__))
        ]
        self._n_models = len(models)
        self.reset()

    def reset(self) -> None:
        """Forget everything heard: the next frame is frame 0."""
        self._frame = 0
        for group in self._groups:
            group.clear()

    def push(self, frames: np.ndarray) -> WindowScores:
        """Frames (F, D), or (streams, F, D) -> the scores of the windows they complete."""
        frames = frames.reshape(self.streams, -1, self.spec.n_cepstra)
        n_frames, window, hop = frames.shape[1], self.spec.window_frames, self.hop_frames
        first_end = self._frame + 1  # a window that ends before frame e has seen frame e - 1
        ends = np.arange(first_end, first_end + n_frames)
        ends = ends[(ends >= window) & ((ends - window) % hop == 0)]
        scores = np.empty((len(ends), self.streams, self._n_models), dtype=np.float32)
        for group in self._groups:
            group.run(frames, self._frame, hop, window, scores)
        self._frame += n_frames
        return WindowScores(ends.astype(np.int64), scores)


class _StackedLSTM:
    """M models of H units over S streams with R staggered rows: states (M, S * R, H).

    Gates are ordered i, f, o, g. sigmoid(z) = 1/2 + 1/2 tanh(z / 2): the halves are folded into the weights, so
    that one tanh serves all four gates. Standardisation (mean, std) is folded into the input weights too.
    """

    def __init__(self, models: list[WakeWordModel], columns: list[int], streams: int, rows: int) -> None:
        units = models[0].units
        self._columns, self._shape = columns, (len(models), streams, rows, units)
        folded = [_folded(model) for model in models]
        self._w_in = np.stack([w_in for w_in, _, _ in folded])[:, None]  # (M, 1, D, 4H)
        self._w_hh = np.stack([w_hh for _, w_hh, _ in folded])  # (M, H, 4H)
        self._bias = np.stack([bias for _, _, bias in folded])[:, None, None]  # (M, 1, 1, 4H)
        self._w_out = np.stack([model.w_out for model in models])[:, None, :]  # (M, 1, H)
        self._b_out = np.array([[model.b_out] for model in models], dtype=np.float32)  # (M, 1)
        flat = (len(models), streams * rows, units)
        self._h, self._c, self._spare = (np.zeros(flat, dtype=np.float32) for _ in range(3))
        # For mean pooling, each row's sum of h since its window began; the last h needs no memory of its own.
        self._sum = np.zeros(flat, dtype=np.float32) if models[0].pooling == "mean" else None
        self._gates = np.zeros((*flat[:2], 4 * units), dtype=np.float32)

    def clear(self) -> None:
        for state in (self._h, self._c, self._sum):
            if state is not None:
                state.fill(0.0)

    def run(self, frames: np.ndarray, first: int, hop: int, window: int, scores: np.ndarray) -> None:
        """Step through frames (S, F, D), the first of which is frame ``first``; fill in ``scores``."""
        models, streams, rows, units = self._shape
        # Every row sees the same frame: its input product is made once, for the whole block.
        inputs = np.matmul(frames, self._w_in)
        inputs += self._bias
        inputs = np.ascontiguousarray(inputs.transpose(2, 0, 1, 3))[:, :, :, None, :]  # (F, M, S, 1, 4H)
        h, c, gates, spare = self._h, self._c, self._gates, self._spare
        by_row = gates.reshape(models, streams, rows, 4 * units)
        states = [h, c] if self._sum is None else [h, c, self._sum]
        by_row_states = [state.reshape(self._shape) for state in states]
        pooled = by_row_states[0 if self._sum is None else 2]
        share = 1.0 if self._sum is None else 1.0 / window
        sigmoids = gates[..., : 3 * units]
        i, f, o, g = (gates[..., k * units : (k + 1) * units] for k in range(4))
        done = 0
        for offset, x in enumerate(inputs):
            frame = first + offset
            if frame % hop == 0:
                row = frame // hop % rows
                for state in by_row_states:
                    state[:, :, row] = 0.0
            np.matmul(h, self._w_hh, out=gates)
            np.add(by_row, x, out=by_row)
            np.tanh(gates, out=gates)
            np.multiply(sigmoids, 0.5, out=sigmoids)
            np.add(sigmoids, 0.5, out=sigmoids)
            np.multiply(c, f, out=c)
            np.multiply(i, g, out=spare)
            np.add(c, spare, out=c)
            np.tanh(c, out=spare)
            np.multiply(o, spare, out=h)
            if self._sum is not None:
                np.add(self._sum, h, out=self._sum)
            start = frame + 1 - window
            if start >= 0 and start % hop == 0:
                logits = (pooled[:, :, start // hop % rows] * self._w_out).sum(axis=-1) * share + self._b_out
                scores[done, :, self._columns] = logits
                done += 1


def _folded(model: WakeWordModel) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(w_in (D, 4H), w_hh (H, 4H), bias (4H,)) in gate order i, f, o, g with all scalings folded in."""
    units = model.units
    i, f, g, o = (slice(k * units, (k + 1) * units) for k in range(4))  # the model file keeps torch's order
    order = np.r_[i, f, o, g]
    half = np.repeat(np.float64([0.5, 0.5, 0.5, 1.0]), units)
    w_in = model.w_ih[order].astype(np.float64) / model.std * half[:, None]
    bias = model.bias[order] * half - w_in @ model.mean.astype(np.float64)
    w_hh = model.w_hh[order] * half[:, None]
    return tuple(np.ascontiguousarray(a, dtype=np.float32) for a in (w_in.T, w_hh.T, bias))  # type: ignore[return-value]
