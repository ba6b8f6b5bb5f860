"""The compiled twin of lstm.StackedLSTM: the same scores from kernel.c, where a C compiler built it at installation."""

from __future__ import annotations

import contextlib
import ctypes
import platform
from collections.abc import Sequence
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

import numpy as np

from wakeword.lstm import StackedLSTM
from wakeword.network import Network

_VERSION = 2  # that of kernel.c
#: Instructions by their number in kernel.c, each a superset of those before.
TARGETS = ("baseline", "avx2", "avx512")
_POINTERS = ("w_in", "w_hh", "bias", "w_out", "attention", "hidden", "cell", "sums")


class _Struct(ctypes.Structure):
    """``lstm`` of kernel.c."""

    _fields_ = [
        *((name, ctypes.c_int32) for name in ("units", "width", "streams", "rows", "hop", "window", "pooled")),
        *((name, ctypes.c_void_p) for name in _POINTERS),
    ]  # fmt: skip


def compiled(beside: str, name: str, version: str, expected: int) -> ctypes.CDLL | None:
    """The library ``name`` in the folder of the file ``beside`` if its function ``version`` returns ``expected``.

    None where it was not built, cannot be loaded, or was built from another version's source.
    """
    for suffix in EXTENSION_SUFFIXES:
        path = Path(beside).with_name(name + suffix)
        if not path.exists():
            continue
        with contextlib.suppress(OSError, AttributeError):
            found = ctypes.CDLL(str(path))
            if found[version]() == expected:
                return found
    return None


@cache
def library() -> ctypes.CDLL | None:
    """The compiled kernel, or None; see ``compiled``."""
    found = compiled(__file__, "_kernel", "wakeword_version", _VERSION)
    if found is not None:
        number, address = ctypes.c_int32, ctypes.c_void_p
        found.wakeword_run.argtypes = (ctypes.POINTER(_Struct), number, address, number, ctypes.c_int64, address)
    return found


def worthwhile(target: int) -> bool:
    """Whether compiled code for that one of TARGETS is faster than a library's matrix products.

    On x86 without AVX2 its vectors are wider than a register, and it is not.
    """
    return target > 0 or platform.machine().lower() not in ("x86_64", "amd64")


def targets() -> tuple[str, ...]:
    """Those of TARGETS that the kernel can use on this processor, the fastest last; () without a kernel."""
    found = library()
    return TARGETS[: found.wakeword_target() + 1] if found else ()


def target() -> str | None:
    """What the kernel uses on this processor; None where there is none, or numpy is faster."""
    usable = targets()
    return usable[-1] if usable and worthwhile(len(usable) - 1) else None


def stacked(networks: Sequence[Network], streams: int, rows: int) -> StackedLSTM | CompiledLSTM:
    """The faster of the two ways to step the networks that there is here.

    With one row a stream (windows that do not overlap) the kernel has too little to do between two frames; many such
    streams are one large matrix product, which numpy's library does best.
    """
    if target() is None or rows == 1:
        return StackedLSTM(list(networks), streams, rows)
    return CompiledLSTM(networks, streams, rows)


class CompiledLSTM:
    """M networks over S streams with R staggered rows, in C.

    target   of ``targets()``; None = the fastest. Raises RuntimeError where there is none of that name.
    """

    def __init__(self, networks: Sequence[Network], streams: int, rows: int, target: str | None = None) -> None:
        usable = targets()
        if not usable or (target and target not in usable):
            raise RuntimeError(f"the compiled kernel is not here, or not for {target or 'this processor'}")
        self._target = TARGETS.index(target or usable[-1])
        self._shape = (streams, networks[0].mean.size)
        self._networks = [_Packed(network, streams, rows) for network in networks]

    def clear(self) -> None:
        """Forget everything heard."""
        for network in self._networks:
            network.clear()

    def run(self, frames: np.ndarray, first: int, hop: int, window: int) -> np.ndarray:
        """As StackedLSTM.run: frames (S, F, D) -> logits of the windows they complete, float32 (K, M, S).

        Raises ValueError when the frames have another S or D.
        """
        streams, width = self._shape
        frames = np.ascontiguousarray(frames, dtype=np.float32)
        n_frames = frames.shape[1]
        if frames.shape != (streams, n_frames, width):
            raise ValueError(f"frames must be ({streams}, F, {width}), not {frames.shape}")
        library_ = library()
        assert library_ is not None  # __init__ found it
        logits = np.zeros((len(self._networks), n_frames // hop + 1, streams), dtype=np.float32)
        completed = 0
        for network, room in zip(self._networks, logits, strict=True):
            struct = network.struct()
            struct.hop, struct.window = hop, window
            completed = library_.wakeword_run(
                struct, self._target, frames.ctypes.data, n_frames, first, room.ctypes.data
            )
            room += network.b_out
        return logits[:, :completed].swapaxes(0, 1)


class _Packed:
    """One network's weights as kernel.c reads them, and its state."""

    def __init__(self, network: Network, streams: int, rows: int) -> None:
        found = library()
        assert found is not None  # CompiledLSTM asked
        lanes = found.wakeword_lanes()
        self.units = -(-network.units // lanes) * lanes  # units of zero weights stay at zero
        self.b_out = network.b_out
        self.pooled = network.attention is not None
        self._struct: _Struct | None = None  # made once: it takes as long as half a block's steps
        w_in, w_hh, bias = _tiles(network, self.units, lanes)
        self.width, self.streams, self.rows = network.mean.size, streams, rows
        flat = streams * rows
        self.arrays = {
            "w_in": w_in,
            "w_hh": w_hh,
            "bias": bias,
            "w_out": _padded(network.w_out, self.units),
            "attention": _padded(network.attention if network.attention is not None else network.w_out, self.units),
            "hidden": np.zeros((2, flat, self.units), dtype=np.float32),
            "cell": np.zeros((flat, self.units), dtype=np.float32),
            "sums": np.zeros((2, flat), dtype=np.float32),
        }

    def clear(self) -> None:
        for name in ("hidden", "cell", "sums"):
            self.arrays[name].fill(0.0)

    def struct(self) -> _Struct:
        """What kernel.c is given, but for hop and window; it points into the arrays."""
        if self._struct is None:
            pointers = {name: array.ctypes.data for name, array in self.arrays.items()}
            sizes = {name: getattr(self, name) for name in ("units", "width", "streams", "rows", "pooled")}
            self._struct = _Struct(**sizes, **pointers)
        return self._struct

    def __getstate__(self) -> dict[str, Any]:
        """Without the pointers: a copy has arrays of its own."""
        return {**self.__dict__, "_struct": None}


def _tiles(network: Network, units: int, lanes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """w_in (H/L, D, 4, L), w_hh (H/L, H, 4, L), bias (H/L, 4, L) for L lanes: gates i, f, o, g; standardisation
    folded in."""
    w_in = network.w_ih.astype(np.float64) / network.std
    bias = network.bias - w_in @ network.mean.astype(np.float64)

    def tiled(weights: np.ndarray, depth: int) -> np.ndarray:
        gates = np.zeros((4, units, depth), dtype=np.float32)
        # The model file keeps torch's order i, f, g, o.
        given = weights.reshape(4, network.units, -1)[[0, 1, 3, 2]]
        gates[:, : network.units, : given.shape[2]] = given
        return np.ascontiguousarray(gates.reshape(4, -1, lanes, depth).transpose(1, 3, 0, 2))

    return tiled(w_in, network.mean.size), tiled(network.w_hh, units), tiled(bias, 1)


def _padded(vector: np.ndarray, units: int) -> np.ndarray:
    return np.pad(vector, (0, units - vector.size))
