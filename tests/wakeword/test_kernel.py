"""The compiled LSTM against numpy's: the same scores from the same frames, whatever the sizes and the blocks."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable

import numpy as np
import pytest

from wakeword import kernel
from wakeword.kernel import CompiledLSTM, stacked
from wakeword.lstm import StackedLSTM
from wakeword.network import Network

HOP, WINDOW = 8, 98
ROWS = -(-WINDOW // HOP)


def frames_of(streams: int, count: int, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal((streams, count, 32)) * 4).astype(np.float32)


@pytest.fixture
def networks(make_model: Callable) -> Callable[..., tuple[Network, ...]]:
    return lambda units, attention: make_model(units=units, attention=attention, networks=2).networks


@pytest.mark.skipif(shutil.which("gcc") is None, reason="there is no compiler")
def test_where_there_is_a_compiler_the_kernel_is_there() -> None:
    assert kernel.target() in ("baseline", "avx2", "avx512")


needs_kernel = pytest.mark.skipif(kernel.library() is None, reason="the kernel is not compiled here")


@needs_kernel
@pytest.mark.parametrize("attention", [False, True])
@pytest.mark.parametrize(("units", "streams", "hop"), [(64, 1, 8), (20, 3, 8), (1, 2, 98), (128, 2, 1), (8, 1, 130)])
def test_equals_numpy(networks: Callable, units: int, streams: int, hop: int, attention: bool) -> None:
    rows, frames = -(-WINDOW // hop), frames_of(streams, 260)
    both = [make(list(networks(units, attention)), streams, rows) for make in (StackedLSTM, CompiledLSTM)]
    expected, found = (lstm.run(frames, 0, hop, WINDOW) for lstm in both)
    assert found.dtype == expected.dtype == np.float32
    assert found.shape == expected.shape == ((260 - WINDOW) // hop + 1, 2, streams)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@needs_kernel
@pytest.mark.parametrize("attention", [False, True])
def test_blocks_change_no_bit_and_a_cleared_one_begins_anew(networks: Callable, attention: bool) -> None:
    frames, lstm = frames_of(2, 300), CompiledLSTM(networks(16, attention), 2, ROWS)
    at_once = lstm.run(frames, 0, HOP, WINDOW)
    for length in (1, 7, 8, 150):
        lstm.clear()
        blocks = [lstm.run(frames[:, at : at + length], at, HOP, WINDOW) for at in range(0, 300, length)]
        np.testing.assert_array_equal(np.concatenate(blocks), at_once)


@needs_kernel
def test_a_stream_beside_others_has_the_scores_of_one_alone(networks: Callable) -> None:
    frames = frames_of(5, 200)
    together = CompiledLSTM(networks(24, True), 5, ROWS).run(frames, 0, HOP, WINDOW)
    alone = [CompiledLSTM(networks(24, True), 1, ROWS).run(frames[s : s + 1], 0, HOP, WINDOW) for s in range(5)]
    np.testing.assert_array_equal(together, np.concatenate(alone, axis=2))


@needs_kernel
@pytest.mark.parametrize("scale", [1e-3, 30.0, 1e4, 1e30])
def test_saturated_gates_and_weights_give_finite_scores(networks: Callable, scale: float) -> None:
    (network, _), frames = networks(16, True), frames_of(1, 200)
    scaled = dataclasses.replace(network, w_ih=network.w_ih * np.float32(scale), attention=network.attention * 1000)
    expected = StackedLSTM([scaled], 1, ROWS).run(frames, 0, HOP, WINDOW)
    found = CompiledLSTM([scaled], 1, ROWS).run(frames, 0, HOP, WINDOW)
    assert np.isfinite(found).all()
    if scale < 1e3:  # beyond, the order of a sum decides the sign of what saturates
        np.testing.assert_allclose(found, expected, atol=1e-4)


@needs_kernel
def test_frames_that_do_not_lie_in_a_row(networks: Callable) -> None:
    frames = frames_of(2, 240)
    strided = np.repeat(frames, 2, axis=2)[:, :, ::2]
    assert not strided.flags.c_contiguous
    found = (CompiledLSTM(networks(8, False), 2, ROWS).run(x, 0, HOP, WINDOW) for x in (frames, strided))
    np.testing.assert_array_equal(*found)


def test_without_a_kernel_numpy_steps(networks: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "library", lambda: None)
    assert isinstance(stacked(networks(8, False), 1, ROWS), StackedLSTM)
    with pytest.raises(RuntimeError, match="not here"):
        CompiledLSTM(networks(8, False), 1, ROWS)


@needs_kernel
def test_a_kernel_of_another_version_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(kernel.library(), kernel.ctypes.CDLL)
    monkeypatch.setattr(kernel, "_VERSION", -1)
    assert kernel.library.__wrapped__() is None
