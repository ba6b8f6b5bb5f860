"""The weights of one LSTM detector, as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

#: The arrays of a Network, in the order of a model file; attention is there under attention pooling only.
ARRAYS = ("mean", "std", "w_ih", "w_hh", "bias", "w_out", "b_out", "attention")


@dataclass(frozen=True)
class Network:
    """Standardised MFCC -> one LSTM layer of H units -> pooling over the window -> one logit.

    mean, std   float32 (D,): of the frames it was trained on
    w_ih, w_hh  float32 (4H, D), (4H, H); bias float32 (4H,): gates in torch's order i, f, g, o
    w_out       float32 (H,); b_out float32 (): logit = w_out . h + b_out; higher = more keyword-like
    attention   float32 (H,), or None. None: h is the hidden state after the window's last frame, as in the paper. Else
                the logit is the mean of w_out . h_t + b_out over the frames t, weighted by softmax_t(attention . h_t)

    Raises ValueError when shapes or types do not fit, or a value is not finite.
    """

    mean: np.ndarray
    std: np.ndarray
    w_ih: np.ndarray
    w_hh: np.ndarray
    bias: np.ndarray
    w_out: np.ndarray
    b_out: np.ndarray
    attention: np.ndarray | None = None

    def __post_init__(self) -> None:
        width, units = self.mean.size, self.units
        shapes = {
            "mean": (width,), "std": (width,), "w_ih": (4 * units, width), "w_hh": (4 * units, units),
            "bias": (4 * units,), "w_out": (units,), "b_out": (), "attention": (units,),
        }  # fmt: skip
        if self.attention is None:
            del shapes["attention"]
        check_arrays(self, shapes)

    @property
    def units(self) -> int:
        """Hidden units H of the LSTM."""
        return int(self.w_out.size)

    @property
    def pooling(self) -> str:
        """How a window's hidden states become one logit: "last" or "attention"."""
        return "last" if self.attention is None else "attention"


def check_arrays(holder: Any, shapes: Mapping[str, tuple[int, ...]], of: str = "") -> None:
    """Raises ValueError where an array of the holder is not finite float32 of its shape, or a ``std`` not above 0.

    of: whose arrays they are, where the message should say so.
    """
    for name, shape in shapes.items():
        array = getattr(holder, name)
        if array.dtype != np.float32 or array.shape != shape:
            raise ValueError(f"{name}{of} must be float32 {shape}, not {array.dtype} {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name}{of} holds a value that is not finite")
    if not (holder.std > 0.0).all():
        raise ValueError(f"every std{of} must be above 0")
