"""An LSTM layer for training: torch's, or, where a compiler built it, the same from recurrence.c in half the time.

torch goes through memory between a step's matrix product and its gates; the compiled loops keep a step in registers.
What is left, the products over all steps at once, is torch's.
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from functools import cache
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from wakeword.kernel import compiled, worthwhile

_VERSION = 1  # that of recurrence.c
_SIZES = ("units", "width", "steps", "batch", "first", "last", "keeps")
_ARRAYS = ("w_in", "w_hh", "bias", "w_back", "x", "hidden", "cell", "gates", "above", "slope", "carried")
_weights_rest: ContextVar[bool] = ContextVar("weights_rest", default=False)


class _Struct(ctypes.Structure):
    """``layer`` of recurrence.c."""

    _fields_ = [
        *((name, ctypes.c_int32) for name in _SIZES),
        *((name, ctypes.c_void_p) for name in _ARRAYS),
    ]  # fmt: skip


@cache
def library() -> ctypes.CDLL | None:
    """The compiled loops, or None where they were not built, or this processor is better served by torch."""
    found = compiled(__file__, "_recurrence", "recurrence_version", _VERSION)
    if found is None or not worthwhile(found.recurrence_target()):
        return None
    for loop in (found.recurrence_forward, found.recurrence_backward):
        loop.argtypes, loop.restype = (ctypes.POINTER(_Struct), ctypes.c_int32), None
    return found


@contextlib.contextmanager
def weights_at_rest() -> Iterator[None]:
    """Within it a backward pass through an ``LSTM`` gives the gradient of its input alone: what an ascent asks for."""
    token = _weights_rest.set(True)
    try:
        yield
    finally:
        _weights_rest.reset(token)


class LSTM(nn.LSTM):
    """One layer, batch first, with nn.LSTM's parameters; its output is the hidden state of every step alone."""

    def __init__(self, width: int, units: int) -> None:
        super().__init__(width, units, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """Sequences (B, T, width) -> hidden states (B, T, units)."""
        w_ih, w_hh, b_ih, b_hh = self.parameters()
        if library() is None or x.dtype != torch.float32 or x.device.type != "cpu" or not x.numel():
            return super().forward(x)[0]
        keeps = torch.is_grad_enabled() and any(t.requires_grad for t in (x, w_ih, w_hh, b_ih))
        return _Recurrence.apply(x.transpose(0, 1), w_ih, w_hh, b_ih + b_hh, keeps).transpose(0, 1)


class _Recurrence(torch.autograd.Function):
    """x (T, B, D), w_ih (4H, D), w_hh (4H, H), bias (4H,), whether a way back is asked for -> (T, B, H)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, w_ih: Tensor, w_hh: Tensor, bias: Tensor, keeps: bool) -> Tensor:
        steps, batch, width = x.shape
        tiles = _Tiles(w_hh)
        units = tiles.units
        arrays = {
            "x": x.contiguous(),
            "w_in": tiles.packed(w_ih),
            "w_hh": tiles.packed(tiles.widened(w_hh)),
            "bias": tiles.packed(bias[:, None]),
            "hidden": x.new_empty(steps + 1, batch, units),
            "cell": x.new_empty(steps + 1 if keeps else 1, batch, units),
        }
        arrays["hidden"][0] = arrays["cell"][0] = 0.0
        if keeps:
            arrays["gates"] = x.new_empty(steps, batch, 4 * units)
        sizes = {"units": units, "width": width, "steps": steps, "batch": batch, "keeps": int(keeps)}
        _run("recurrence_forward", sizes, arrays)
        if keeps:
            ctx.save_for_backward(arrays["x"], w_ih, w_hh, arrays["hidden"], arrays["cell"], arrays["gates"])
        return arrays["hidden"][1:, :, : tiles.given]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, above: Tensor) -> tuple[Tensor | None, ...]:
        x, w_ih, w_hh, hidden, cell, gates = ctx.saved_tensors
        steps, batch, width = x.shape
        tiles = _Tiles(w_hh)
        arrays = {
            "w_back": tiles.packed_back(w_hh),
            "cell": cell,
            "gates": gates,
            "above": pad(above, (0, tiles.units - tiles.given)).contiguous(),
            "slope": torch.empty_like(gates),
            "carried": x.new_zeros(batch, tiles.units),
        }
        sizes = {"units": tiles.units, "width": width, "steps": steps, "batch": batch, "keeps": 1}
        _run("recurrence_backward", sizes, arrays)
        slope = arrays["slope"].flatten(0, 1)
        of_x = (slope @ tiles.in_rows(w_ih)).view(x.shape) if ctx.needs_input_grad[0] else None
        if _weights_rest.get() or not any(ctx.needs_input_grad[1:4]):
            return of_x, None, None, None, None
        of_hh = tiles.as_given(slope.T @ hidden[:-1].flatten(0, 1))[:, : tiles.given]
        return of_x, tiles.as_given(slope.T @ x.flatten(0, 1)), of_hh, tiles.as_given(slope.sum(0)), None


class _Tiles:
    """Weights of 4 gates of H units (4H, ...) in the order of recurrence.c and back; units of zero weights fill up."""

    def __init__(self, w_hh: Tensor) -> None:
        found = library()
        assert found is not None  # LSTM asked
        self.lanes = found.recurrence_lanes()
        self.given = w_hh.shape[1]
        self.units = -(-self.given // (2 * self.lanes)) * 2 * self.lanes

    def widened(self, w_hh: Tensor) -> Tensor:
        """Columns for the units that fill up."""
        return pad(w_hh, (0, self.units - self.given))

    def _by_tile(self, weights: Tensor) -> Tensor:
        """(4H, depth) -> (tiles, 4, lanes, depth)."""
        gates = weights.view(4, self.given, -1)
        gates = pad(gates, (0, 0, 0, self.units - self.given))
        return gates.view(4, -1, self.lanes, gates.shape[2]).transpose(0, 1)

    def packed(self, weights: Tensor) -> Tensor:
        """(4H, depth) -> (tiles, depth, 4, lanes)."""
        return self._by_tile(weights.detach()).permute(0, 3, 1, 2).contiguous()

    def packed_back(self, w_hh: Tensor) -> Tensor:
        """(4H, H) -> (pairs of tiles, 4H in the order of tiles, 2 lanes)."""
        rows = self.in_rows(self.widened(w_hh))
        return rows.view(4 * self.units, -1, 2 * self.lanes).transpose(0, 1).contiguous()

    def in_rows(self, weights: Tensor) -> Tensor:
        """(4H, depth) with its rows in the order of tiles."""
        return self._by_tile(weights).reshape(4 * self.units, -1)

    def as_given(self, rows: Tensor) -> Tensor:
        """What ``in_rows`` does, undone; rows (4H,) or (4H, depth)."""
        gates = rows.view(-1, 4, self.lanes, *rows.shape[1:]).transpose(0, 1)
        return gates.reshape(4, self.units, *rows.shape[1:])[:, : self.given].flatten(0, 1)


def _run(loop: str, sizes: dict[str, int], arrays: dict[str, Tensor]) -> None:
    """Calls ``loop`` for all rows, shared among torch's number of threads: no bit depends on it."""
    found = library()
    assert found is not None  # LSTM asked
    pointers = {name: array.data_ptr() for name, array in arrays.items()}
    batch, threads = sizes["batch"], min(torch.get_num_threads(), sizes["batch"])
    bounds = [batch * k // threads for k in range(threads + 1)]
    parts = [_Struct(**sizes, **pointers, first=first, last=last) for first, last in pairwise(bounds)]

    def work(part: _Struct) -> None:
        getattr(found, loop)(part, found.recurrence_target())

    if threads == 1:
        work(parts[0])
    else:
        list(_pool(threads).map(work, parts))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="recurrence")
