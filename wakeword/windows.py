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
        kind = [(model.units, model.attention is not None) for model in models]
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
        # Window k ends before frame k * hop + window; those before this block have been scored.
        scored = max(0, -(-(self._frame + 1 - window) // hop))
        ends = np.arange(scored * hop + window, self._frame + n_frames + 1, hop)
        scores = np.empty((len(ends), self.streams, self._n_models), dtype=np.float32)
        for group in self._groups:
            group.run(frames, self._frame, hop, window, scores)
        self._frame += n_frames
        return WindowScores(ends.astype(np.int64), scores)


class _StackedLSTM:
    """M models of H units over S streams with R staggered rows: states (M, S * R, H), gates (M, 4, S * R, H).

    Gates are ordered i, f, o, g, one block each, so that every operation runs over contiguous memory. With
    t = tanh(z / 2), sigmoid(z) = (1 + t) / 2: the inner half is folded into the weights, so that one tanh serves
    all four gates, and the outer half of the output gate into what reads h (h is kept doubled). Standardisation
    (mean, std) is folded into the input weights.
    """

    def __init__(self, models: list[WakeWordModel], columns: list[int], streams: int, rows: int) -> None:
        units = models[0].units
        self._columns, self._shape = columns, (len(models), streams, rows, units)
        folded = [_folded(model) for model in models]
        self._w_in = np.stack([w_in for w_in, _, _ in folded])[:, None]  # (M, 1, D, 4H)
        self._w_hh = np.stack([w_hh for _, w_hh, _ in folded])  # (M, 4, H, H)
        self._bias = np.stack([bias for _, _, bias in folded])[:, None, None]  # (M, 1, 1, 4H)
        self._w_out = np.stack([model.w_out / 2 for model in models])[:, None, :]  # (M, 1, H)
        self._b_out = np.array([[model.b_out] for model in models], dtype=np.float32)  # (M, 1)
        flat = (len(models), streams * rows, units)
        self._h, self._c, self._spare = (np.zeros(flat, dtype=np.float32) for _ in range(3))
        self._attention = _Attention(models, flat[1]) if models[0].attention is not None else None
        self._gates = np.zeros((len(models), 4, *flat[1:]), dtype=np.float32)

    def clear(self) -> None:
        self._h.fill(0.0)
        self._c.fill(0.0)
        if self._attention:
            self._attention.clear()

    def run(self, frames: np.ndarray, first: int, hop: int, window: int, scores: np.ndarray) -> None:
        """Step through frames (S, F, D), the first of which is frame ``first``; fill in ``scores``."""
        models, streams, rows, _ = self._shape
        h, c = self._h.reshape(self._shape), self._c.reshape(self._shape)
        pool = self._attention.sums.reshape(2, models, streams, rows) if self._attention else None
        done = 0
        for frame, x in enumerate(self._input_gates(frames), first):
            if frame % hop == 0:
                row = frame // hop % rows
                h[:, :, row] = c[:, :, row] = 0.0
                if pool is not None:
                    pool[..., row] = 0.0
            self._step(x)
            start = frame + 1 - window
            if start >= 0 and start % hop == 0:
                row = start // hop % rows
                if pool is not None:
                    logits = pool[0, :, :, row] / pool[1, :, :, row]
                else:
                    logits = (h[:, :, row] * self._w_out).sum(axis=-1)
                scores[done, :, self._columns] = logits + self._b_out
                done += 1

    def _input_gates(self, frames: np.ndarray) -> np.ndarray:
        """Frames (S, F, D) -> what they add to the gates, (F, M, 4, S, 1, H): once a block, the same for every row."""
        models, streams, _, units = self._shape
        inputs = np.matmul(frames, self._w_in)
        inputs += self._bias
        by_frame = inputs.transpose(2, 0, 3, 1).reshape(-1, models, 4, units, streams)
        return np.ascontiguousarray(by_frame.swapaxes(3, 4))[:, :, :, :, None, :]

    def _step(self, x: np.ndarray) -> None:
        """One frame for every row: the LSTM's equations, in place."""
        models, streams, rows, units = self._shape
        h, c, gates, spare = self._h, self._c, self._gates, self._spare
        np.matmul(h[:, None], self._w_hh, out=gates)
        by_row = gates.reshape(models, 4, streams, rows, units)
        np.add(by_row, x, out=by_row)
        np.tanh(gates, out=gates)
        sigmoids = gates[:, :3]
        np.add(sigmoids, 1.0, out=sigmoids)
        np.multiply(c, gates[:, 1], out=c)
        np.multiply(gates[:, 0], gates[:, 3], out=spare)
        np.add(c, spare, out=c)
        np.multiply(c, 0.5, out=c)
        np.tanh(c, out=spare)
        np.multiply(gates[:, 2], spare, out=h)
        if self._attention:
            self._attention.step(h)


class _Attention:
    """Softmax-weighted means over the frames of each row, kept as two running sums: (2, M, S * R).

    sums[0] = sum_t exp(a_t) v_t and sums[1] = sum_t exp(a_t), with a_t = attention . h_t and v_t = w_out . h_t.
    |a_t| is at most the sum of |attention|; its exponent is clipped where float32 would overflow.
    """

    def __init__(self, models: list[WakeWordModel], rows: int) -> None:
        vectors = [(model.w_out, model.attention) for model in models if model.attention is not None]
        self._vectors = np.array(vectors, dtype=np.float32).swapaxes(1, 2) / 2  # (M, H, 2); h is kept doubled
        self.sums = np.zeros((2, len(models), rows), dtype=np.float32)
        self._values = np.zeros((len(models), rows, 2), dtype=np.float32)

    def clear(self) -> None:
        self.sums.fill(0.0)

    def step(self, h: np.ndarray) -> None:
        """Count one more frame of every row."""
        np.matmul(h, self._vectors, out=self._values)
        value, weight = self._values[..., 0], self._values[..., 1]
        np.clip(weight, -60.0, 60.0, out=weight)
        np.exp(weight, out=weight)
        np.multiply(value, weight, out=value)
        self.sums[0] += value
        self.sums[1] += weight


def _folded(model: WakeWordModel) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(w_in (D, 4H), w_hh (4, H, H), bias (4H,)) in gate order i, f, o, g with all scalings folded in."""
    units = model.units
    i, f, g, o = (slice(k * units, (k + 1) * units) for k in range(4))  # the model file keeps torch's order
    order = np.r_[i, f, o, g]
    half = np.repeat(np.array([0.5, 0.5, 0.5, 1.0]), units)
    w_in = model.w_ih[order].astype(np.float64) / model.std * half[:, None]
    bias = model.bias[order] * half - w_in @ model.mean.astype(np.float64)
    w_hh = (model.w_hh[order] * half[:, None] / 2).reshape(4, units, units).transpose(0, 2, 1)
    return tuple(np.ascontiguousarray(a, dtype=np.float32) for a in (w_in.T, w_hh, bias))  # type: ignore[return-value]
