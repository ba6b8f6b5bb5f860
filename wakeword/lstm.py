"""Several LSTMs of one size over many staggered rows, stepping together in numpy: the arithmetic behind windows.py.

kernel.c does the same where it could be compiled; this is what runs elsewhere, and what that is tested against.
"""

from __future__ import annotations

import numpy as np

from wakeword.network import Network


class StackedLSTM:
    """M networks of H units over S streams with R staggered rows: states (M, S * R, H), gates (M, 4, S * R, H).

    Gates are ordered i, f, o, g, one block each, so that every operation runs over contiguous memory. With
    t = tanh(z / 2), sigmoid(z) = (1 + t) / 2: the inner half is folded into the weights, so that one tanh serves
    all four gates, and the outer half of the output gate into what reads h (h is kept doubled). Standardisation
    (mean, std) is folded into the input weights.
    """

    def __init__(self, networks: list[Network], streams: int, rows: int) -> None:
        units = networks[0].units
        self._shape = (len(networks), streams, rows, units)
        folded = [_folded(network) for network in networks]
        self._w_in = np.stack([w_in for w_in, _, _ in folded])[:, None]  # (M, 1, D, 4H)
        self._w_hh = np.stack([w_hh for _, w_hh, _ in folded])  # (M, 4, H, H)
        self._bias = np.stack([bias for _, _, bias in folded])[:, None, None]  # (M, 1, 1, 4H)
        self._w_out = np.stack([network.w_out / 2 for network in networks])[:, None, :]  # (M, 1, H); h is kept doubled
        self._b_out = np.stack([network.b_out for network in networks])[:, None]  # (M, 1)
        flat = (len(networks), streams * rows, units)
        self._h, self._c, self._spare = (np.zeros(flat, dtype=np.float32) for _ in range(3))
        self._attention = _Attention(networks, flat[1]) if networks[0].attention is not None else None
        self._gates = np.zeros((len(networks), 4, *flat[1:]), dtype=np.float32)

    def clear(self) -> None:
        self._h.fill(0.0)
        self._c.fill(0.0)
        if self._attention:
            self._attention.clear()

    def run(self, frames: np.ndarray, first: int, hop: int, window: int) -> np.ndarray:
        """Step through frames (S, F, D), the first of which is frame ``first``.

        Returns the logits of the windows they complete, float32 (K, M, S).
        """
        networks, streams, rows, _ = self._shape
        h, c = self._h.reshape(self._shape), self._c.reshape(self._shape)
        pool = self._attention.sums.reshape(2, networks, streams, rows) if self._attention else None
        logits = []
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
                    logit = pool[0, :, :, row] / pool[1, :, :, row]
                else:
                    logit = (h[:, :, row] * self._w_out).sum(axis=-1)
                logits.append(logit + self._b_out)
        return np.stack(logits) if logits else np.zeros((0, networks, streams), dtype=np.float32)

    def _input_gates(self, frames: np.ndarray) -> np.ndarray:
        """Frames (S, F, D) -> what they add to the gates, (F, M, 4, S, 1, H): once a block, the same for every row."""
        networks, streams, _, units = self._shape
        inputs = np.matmul(frames, self._w_in)
        inputs += self._bias
        by_frame = inputs.transpose(2, 0, 3, 1).reshape(-1, networks, 4, units, streams)
        return np.ascontiguousarray(by_frame.swapaxes(3, 4))[:, :, :, :, None, :]

    def _step(self, x: np.ndarray) -> None:
        """One frame for every row: the LSTM's equations, in place."""
        networks, streams, rows, units = self._shape
        h, c, gates, spare = self._h, self._c, self._gates, self._spare
        np.matmul(h[:, None], self._w_hh, out=gates)
        by_row = gates.reshape(networks, 4, streams, rows, units)
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
    |a_t| is at most the sum of |attention|; it is cut off at 40, before sums of its exponent leave float32.
    """

    def __init__(self, networks: list[Network], rows: int) -> None:
        vectors = [(network.w_out, network.attention) for network in networks if network.attention is not None]
        self._vectors = np.array(vectors, dtype=np.float32).swapaxes(1, 2) / 2  # (M, H, 2); h is kept doubled
        self.sums = np.zeros((2, len(networks), rows), dtype=np.float32)
        self._values = np.zeros((len(networks), rows, 2), dtype=np.float32)

    def clear(self) -> None:
        self.sums.fill(0.0)

    def step(self, h: np.ndarray) -> None:
        """Count one more frame of every row."""
        np.matmul(h, self._vectors, out=self._values)
        value, weight = self._values[..., 0], self._values[..., 1]
        np.clip(weight, -40.0, 40.0, out=weight)
        np.exp(weight, out=weight)
        np.multiply(value, weight, out=value)
        self.sums[0] += value
        self.sums[1] += weight


def _folded(network: Network) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(w_in (D, 4H), w_hh (4, H, H), bias (4H,)) in gate order i, f, o, g with all scalings folded in."""
    units = network.units
    i, f, g, o = (slice(k * units, (k + 1) * units) for k in range(4))  # the model file keeps torch's order
    order = np.r_[i, f, o, g]
    half = np.repeat(np.array([0.5, 0.5, 0.5, 1.0]), units)
    w_in = network.w_ih[order].astype(np.float64) / network.std * half[:, None]
    bias = network.bias[order] * half - w_in @ network.mean.astype(np.float64)
    w_hh = (network.w_hh[order] * half[:, None] / 2).reshape(4, units, units).transpose(0, 2, 1)
    return tuple(np.ascontiguousarray(a, dtype=np.float32) for a in (w_in.T, w_hh, bias))  # type: ignore[return-value]
