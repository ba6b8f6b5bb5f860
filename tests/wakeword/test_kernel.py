"""The compiled LSTM against numpy's: the same scores from the same frames, whatever the sizes and the blocks."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

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


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("gcc") is None, reason="there is no compiler")
def test_where_there_is_a_compiler_the_kernel_is_there() -> None:
    if not list((Path(kernel.__file__).parents[1]).glob("*.egg-info")):
        pytest.skip("this is no installation")
    assert kernel.targets()[:1] == ("baseline",)


needs_kernel = pytest.mark.skipif(kernel.library() is None, reason="the kernel is not compiled here")


@pytest.mark.parametrize("target", kernel.targets())
@pytest.mark.parametrize("attention", [False, True])
@pytest.mark.parametrize(("units", "streams", "hop"), [(64, 1, 8), (20, 3, 8), (1, 2, 98), (24, 2, 1), (8, 1, 130)])
def test_equals_numpy(networks: Callable, units: int, streams: int, hop: int, attention: bool, target: str) -> None:
    rows, frames = -(-WINDOW // hop), frames_of(streams, 260)
    given = networks(units, attention)
    expected = StackedLSTM(list(given), streams, rows).run(frames, 0, hop, WINDOW)
    found = CompiledLSTM(given, streams, rows, target).run(frames, 0, hop, WINDOW)
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


@needs_kernel
def test_frames_of_another_shape_are_refused(networks: Callable) -> None:
    lstm = CompiledLSTM(networks(8, False), 2, ROWS)
    for shape in ((1, 10, 32), (2, 10, 31), (3, 10, 32)):
        with pytest.raises(ValueError, match=r"frames must be \(2, F, 32\)"):
            lstm.run(np.zeros(shape, np.float32), 0, HOP, WINDOW)


@needs_kernel
def test_a_copy_goes_on_by_itself(networks: Callable) -> None:
    frames, lstm = frames_of(1, 300), CompiledLSTM(networks(8, True), 1, ROWS)
    whole = CompiledLSTM(networks(8, True), 1, ROWS).run(frames, 0, HOP, WINDOW)
    lstm.run(frames[:, :150], 0, HOP, WINDOW)
    for twin in (copy.deepcopy(lstm), pickle.loads(pickle.dumps(lstm)), lstm):
        rest = twin.run(frames[:, 150:], 150, HOP, WINDOW)
        np.testing.assert_array_equal(rest, whole[-len(rest) :])


def test_one_row_a_stream_is_numpys(networks: Callable) -> None:
    assert isinstance(stacked(networks(8, False), 3, 1), StackedLSTM)


def test_a_processor_for_which_the_kernel_is_too_wide_has_numpy(
    networks: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel, "targets", lambda: ("baseline",))
    monkeypatch.setattr(kernel.platform, "machine", lambda: "AMD64")
    assert kernel.target() is None
    assert isinstance(stacked(networks(8, False), 1, ROWS), StackedLSTM)
    monkeypatch.setattr(kernel.platform, "machine", lambda: "aarch64")
    assert kernel.target() == "baseline"


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
