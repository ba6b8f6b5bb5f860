"""The compiled LSTM layer against torch's: the same states and gradients, and no bit of the states by the threads."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Barrier

import pytest
import torch
from torch import Tensor, nn

from training import recurrence
from training.network import KeywordLSTM
from training.recurrence import LSTM, weights_at_rest
from wakeword.kernel import compiled

needs_loops = pytest.mark.skipif(recurrence.library() is None, reason="the loops are not compiled here")


@pytest.mark.skipif(sys.platform != "linux" or shutil.which("gcc") is None, reason="there is no compiler")
def test_where_there_is_a_compiler_the_loops_are_there() -> None:
    if not list(Path(recurrence.__file__).parents[1].glob("*.egg-info")):
        pytest.skip("this is no installation")
    assert compiled(recurrence.__file__, "_recurrence", "recurrence_version", recurrence._VERSION) is not None


@pytest.fixture
def threads() -> Iterator[Callable[[int], None]]:
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def layer_of(width: int, units: int, seed: int = 0) -> LSTM:
    torch.manual_seed(seed)
    return LSTM(width, units)


def gradients(hidden: Tensor, x: Tensor, weights: list[Tensor]) -> list[Tensor]:
    """Of a sum in which every hidden state counts otherwise."""
    torch.manual_seed(1)
    pull = torch.randn(hidden.shape)
    return list(torch.autograd.grad((hidden * pull.to(hidden.dtype)).sum(), [x, *weights]))


@needs_loops
@pytest.mark.parametrize(
    ("batch", "steps", "width", "units"),
    [(64, 98, 32, 64), (13, 40, 32, 256), (7, 30, 5, 20), (1, 3, 1, 1), (6, 1, 9, 16)],
)
def test_states_and_gradients_are_those_of_torch_in_double_precision(
    batch: int, steps: int, width: int, units: int
) -> None:
    layer = layer_of(width, units)
    oracle = nn.LSTM(width, units, batch_first=True).double()
    oracle.load_state_dict(layer.state_dict())
    x = torch.randn(batch, steps, width, requires_grad=True)
    exact = x.detach().double().requires_grad_()
    hidden, expected = layer(x), oracle(exact)[0]
    torch.testing.assert_close(hidden.double(), expected, atol=1e-6, rtol=0)
    pairs = zip(
        gradients(hidden, x, list(layer.parameters())),
        gradients(expected, exact, list(oracle.parameters())),
        strict=True,
    )
    for found, true in pairs:
        assert (found - true).abs().max() <= 3e-6 * true.abs().max()


@needs_loops
def test_a_gradient_through_the_last_state_alone_is_that_of_torch() -> None:
    layer = layer_of(32, 24)
    oracle = nn.LSTM(32, 24, batch_first=True)
    oracle.load_state_dict(layer.state_dict())
    x = torch.randn(5, 98, 32)
    found = torch.autograd.grad(layer(x)[:, -1].square().sum(), list(layer.parameters()))
    expected = torch.autograd.grad(oracle(x)[0][:, -1].square().sum(), list(oracle.parameters()))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


@needs_loops
def test_no_bit_of_the_states_depends_on_threads_on_the_batch_or_on_what_is_kept(
    threads: Callable[[int], None],
) -> None:
    layer, x = layer_of(32, 64), torch.randn(50, 98, 32, requires_grad=True)
    threads(1)
    hidden = layer(x)
    (alone,) = torch.autograd.grad(hidden.sum(), x)
    threads(3)
    shared = layer(x)
    assert torch.equal(shared, hidden)
    assert torch.equal(torch.autograd.grad(shared.sum(), x)[0], alone)
    with torch.no_grad():
        assert torch.equal(layer(x), hidden)
        for rows in range(1, 14):  # every size of the groups that go together
            assert torch.equal(layer(x[3 : 3 + rows]), hidden[3 : 3 + rows])


@needs_loops
def test_with_weights_at_rest_the_input_has_its_gradient_and_they_have_none() -> None:
    layer, x = layer_of(8, 16), torch.randn(4, 10, 8, requires_grad=True)
    layer(x).sum().backward()
    expected, x.grad = x.grad, None
    layer.zero_grad()
    with weights_at_rest():
        layer(x).sum().backward()
    assert torch.equal(x.grad, expected)
    assert all(p.grad is None for p in layer.parameters())
    layer(x).sum().backward()
    assert all(p.grad is not None for p in layer.parameters())


@needs_loops
def test_a_second_way_back_through_one_graph_gives_the_same() -> None:
    layer, x = layer_of(8, 16), torch.randn(4, 10, 8, requires_grad=True)
    total = layer(x).sum()
    (first,) = torch.autograd.grad(total, x, retain_graph=True)
    assert torch.equal(torch.autograd.grad(total, x)[0], first)


@needs_loops
@pytest.mark.parametrize("alone", ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"])
def test_one_weight_alone_can_learn(alone: str) -> None:
    layer, x = layer_of(8, 16), torch.randn(4, 10, 8)
    expected = torch.autograd.grad(layer(x).sum(), getattr(layer, alone))[0]
    for name, weight in layer.named_parameters():
        weight.requires_grad_(name == alone)
    layer(x).sum().backward()
    torch.testing.assert_close(getattr(layer, alone).grad, expected)


@needs_loops
def test_a_gradient_of_the_gradient_is_refused() -> None:
    layer, x = layer_of(8, 16), torch.randn(4, 10, 8, requires_grad=True)
    with pytest.raises(RuntimeError, match="no gradient of its gradient"):
        torch.autograd.grad(layer(x).sum(), x, create_graph=True)


@needs_loops
@pytest.mark.parametrize("width", [4, 9, 400])
def test_sequences_of_another_width_are_refused(width: int) -> None:
    with pytest.raises(RuntimeError, match="8"):
        layer_of(8, 16)(torch.randn(1, 4, width))


@needs_loops
def test_a_single_sequence_is_taken_as_torch_takes_it() -> None:
    layer, x = layer_of(8, 16), torch.randn(10, 8)
    torch.testing.assert_close(layer(x), layer(x[None])[0])


@needs_loops
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no process is forked here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own(threads: Callable[[int], None]) -> None:
    layer, x = layer_of(8, 16), torch.randn(20, 40, 8)  # too little for torch's own threads, which no fork survives
    threads(3)
    together = Barrier(3)
    for done in [recurrence._pool(3).submit(together.wait, 20) for _ in range(3)]:
        done.result()  # so that the pool has all its threads, which the child will not have
    with torch.no_grad():
        expected = layer(x)
        child = os.fork()
        if not child:
            signal.alarm(20)  # a child that waits for ever is ended
            os._exit(0 if torch.equal(layer(x), expected) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@needs_loops
def test_inputs_that_are_views_are_read_as_they_are() -> None:
    layer = layer_of(8, 16)
    code, wide = torch.randn(4, 8), torch.randn(4, 10, 16)
    assert torch.equal(layer(code.unsqueeze(1).expand(-1, 10, -1)), layer(code.unsqueeze(1).repeat(1, 10, 1)))
    assert torch.equal(layer(wide[..., ::2]), layer(wide[..., ::2].contiguous()))


@needs_loops
def test_a_training_that_has_failed_is_seen() -> None:
    layer, x = layer_of(8, 16), torch.randn(3, 10, 8)
    with torch.no_grad():
        layer.weight_ih_l0[0, 0] = float("nan")
        assert layer(x)[:, -1].isnan().all()


@needs_loops
def test_gates_far_beyond_saturation_stay_finite() -> None:
    layer, x = layer_of(8, 16), torch.randn(3, 200, 8, requires_grad=True)
    with torch.no_grad():
        for weight in layer.parameters():
            weight *= 1e4
    hidden = layer(x)
    assert hidden.isfinite().all()
    assert torch.autograd.grad(hidden.sum(), x)[0].isfinite().all()


@needs_loops
def test_without_the_loops_torch_does_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    network, x = KeywordLSTM(32, 16, "attention"), torch.randn(5, 98, 32)
    compiled = network(x)
    monkeypatch.setattr(recurrence, "library", lambda: None)
    torch.testing.assert_close(network(x), compiled, atol=1e-6, rtol=1e-5)


@needs_loops
def test_other_numbers_and_no_examples_are_left_to_torch() -> None:
    layer = layer_of(8, 16)
    assert layer(torch.randn(0, 10, 8)).shape == (0, 10, 16)
    with pytest.raises((RuntimeError, ValueError)):
        layer_of(8, 16).double()(torch.randn(2, 10, 8))
    assert layer.double()(torch.randn(2, 10, 8).double()).dtype == torch.float64


@needs_loops
def test_loops_of_another_version_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recurrence, "_VERSION", -1)
    assert recurrence.library.__wrapped__() is None
