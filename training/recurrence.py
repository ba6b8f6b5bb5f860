"""An LSTM layer for training: torch's, or the same from recurrence.c where a compiler built it, which is faster.

torch goes through memory between a step's matrix product and its gates; the compiled loops keep a step in registers.
What is left on the way back, the products over all steps at once, is torch's.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import ContextVar
from functools import cache
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from wakeword.kernel import TARGETS, compiled, worthwhile

_VERSION = 1  # that of recurrence.c
_ROWS = 6  # MOST_ROWS of vectors.h
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
        # What torch would refuse, torch refuses: raw pointers go to C.
        fits = x.dim() == 3 and x.shape[2] == self.input_size and x.numel() > 0
        plain = all(t.dtype == torch.float32 and t.device.type == "cpu" for t in (x, w_ih, w_hh, b_ih, b_hh))
        if library() is None or not (fits and plain):
            return super().forward(x)[0]
        bias = b_ih + b_hh
        keeps = torch.is_grad_enabled() and any(t.requires_grad for t in (x, w_ih, w_hh, bias))
        return _Recurrence.apply(x.transpose(0, 1), w_ih, w_hh, bias, keeps).transpose(0, 1)


def instructions() -> str:
    """What steps an ``LSTM`` here: one of wakeword.kernel.TARGETS, or "torch"."""
    found = library()
    return TARGETS[found.recurrence_target()] if found else "torch"


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
    def backward(ctx: Any, above: Tensor) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():  # create_graph: what follows is no graph
            raise RuntimeError("the compiled LSTM has no gradient of its gradient")
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
    batch, threads = sizes["batch"], torch.get_num_threads()
    parts = min(threads, -(-batch // _ROWS))  # six rows go together
    bounds = [batch * k // parts for k in range(parts + 1)]

    def work(first: int, last: int) -> None:
        getattr(found, loop)(_Struct(**sizes, **pointers, first=first, last=last), found.recurrence_target())

    if parts == 1:
        work(0, batch)
        return
    futures = [_pool(threads).submit(work, first, last) for first, last in pairwise(bounds)]
    try:
        for future in futures:
            future.result()
    finally:
        wait(futures)  # the arrays must outlive what writes them, whatever interrupts this


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="recurrence")


if hasattr(os, "register_at_fork"):  # a forked child has none of the pool's threads
    os.register_at_fork(after_in_child=_pool.cache_clear)
