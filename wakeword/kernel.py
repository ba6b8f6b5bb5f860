"""The compiled twin of lstm.StackedLSTM: the same scores from kernel.c, where a C compiler built it at installation."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import numpy as np

from wakeword.lstm import StackedLSTM
from wakeword.network import Network

_VERSION = 1  # of the struct and the packing: that of kernel.c
_LANES = 8
_POINTERS = ("w_in", "w_hh", "bias", "w_out", "attention", "hidden", "cell", "sums")


class _Struct(ctypes.Structure):
    """``lstm`` of kernel.c."""

    _fields_ = [
        *((name, ctypes.c_int32) for name in ("units", "width", "streams", "rows", "hop", "window", "pooled")),
        *((name, ctypes.c_void_p) for name in _POINTERS),
    ]  # fmt: skip


@cache
def library() -> ctypes.CDLL | None:
    """The compiled kernel, or None where it was not built, cannot be loaded, or is of another version's source."""
    for suffix in EXTENSION_SUFFIXES:
        path = Path(__file__).with_name(f"_kernel{suffix}")
        if not path.exists():
            continue
        try:
            found = ctypes.CDLL(str(path))
            if found.wakeword_version() != _VERSION:
                continue
        except (OSError, AttributeError):
            continue
        found.wakeword_target.restype = ctypes.c_char_p
        found.wakeword_run.restype = ctypes.c_int32
        found.wakeword_run.argtypes = (
            ctypes.POINTER(_Struct), ctypes.c_void_p, ctypes.c_int32, ctypes.c_int64, ctypes.c_void_p
        )  # fmt: skip
        return found
    return None


def target() -> str | None:
    """The instructions the kernel uses on this processor: "avx512", "avx2" or "baseline"; None without a kernel."""
    found = library()
    return found.wakeword_target().decode() if found else None


def stacked(networks: Sequence[Network], streams: int, rows: int) -> StackedLSTM | CompiledLSTM:
    """The faster of the two ways to step the networks that there is here."""
    return CompiledLSTM(networks, streams, rows) if library() else StackedLSTM(list(networks), streams, rows)


class CompiledLSTM:
    """M networks over S streams with R staggered rows, in C; raises RuntimeError where there is no kernel."""

    def __init__(self, networks: Sequence[Network], streams: int, rows: int) -> None:
        found = library()
        if found is None:
            raise RuntimeError("the compiled kernel is not here")
        self._run = found.wakeword_run
        self._streams = streams
        self._networks = [_Packed(network, streams, rows) for network in networks]

    def clear(self) -> None:
        """Forget everything heard."""
        for network in self._networks:
            network.clear()

    def run(self, frames: np.ndarray, first: int, hop: int, window: int) -> np.ndarray:
        """As StackedLSTM.run: frames (S, F, D) -> logits of the windows they complete, float32 (K, M, S)."""
        frames = np.ascontiguousarray(frames, dtype=np.float32)
        n_frames = frames.shape[1]
        logits = np.zeros((len(self._networks), n_frames // hop + 1, self._streams), dtype=np.float32)
        completed = 0
        for network, room in zip(self._networks, logits, strict=True):
            network.struct.hop, network.struct.window = hop, window
            completed = self._run(network.struct, frames.ctypes.data, n_frames, first, room.ctypes.data)
            room += network.b_out
        return logits[:, :completed].swapaxes(0, 1)


class _Packed:
    """One network's weights as kernel.c reads them, and its state; ``struct`` points into the arrays kept here."""

    def __init__(self, network: Network, streams: int, rows: int) -> None:
        units = -(-network.units // _LANES) * _LANES  # units of zero weights stay at zero
        self.b_out = network.b_out
        w_in, w_hh, bias = _tiles(network, units)
        pooled = network.attention is not None
        flat = streams * rows
        self._arrays = {
            "w_in": w_in,
            "w_hh": w_hh,
            "bias": bias,
            "w_out": _padded(network.w_out, units),
            "attention": _padded(network.attention if network.attention is not None else network.w_out, units),
            "hidden": np.zeros((2, flat, units), dtype=np.float32),
            "cell": np.zeros((flat, units), dtype=np.float32),
            "sums": np.zeros((2, flat), dtype=np.float32),
        }
        pointers = {name: array.ctypes.data for name, array in self._arrays.items()}
        self.struct = _Struct(
            units=units, width=network.mean.size, streams=streams, rows=rows, pooled=pooled, **pointers
        )

    def clear(self) -> None:
        for name in ("hidden", "cell", "sums"):
            self._arrays[name].fill(0.0)


def _tiles(network: Network, units: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """w_in (H/8, D, 4, 8), w_hh (H/8, H, 4, 8), bias (H/8, 4, 8): gates i, f, o, g; standardisation folded in."""
    w_in = network.w_ih.astype(np.float64) / network.std
    bias = network.bias - w_in @ network.mean.astype(np.float64)

    def tiled(weights: np.ndarray, depth: int) -> np.ndarray:
        gates = np.zeros((4, units, depth), dtype=np.float32)
        # The model file keeps torch's order i, f, g, o.
        given = weights.reshape(4, network.units, -1)[[0, 1, 3, 2]]
        gates[:, : network.units, : given.shape[2]] = given
        return np.ascontiguousarray(gates.reshape(4, -1, _LANES, depth).transpose(1, 3, 0, 2))

    return tiled(w_in, network.mean.size), tiled(network.w_hh, units), tiled(bias, 1)


def _padded(vector: np.ndarray, units: int) -> np.ndarray:
    return np.pad(vector, (0, units - vector.size))
