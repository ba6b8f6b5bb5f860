"""Staggered windows against every window run on its own, in numpy and in torch."""

from __future__ import annotations

import numpy as np
import pytest

from wakeword import FeatureSpec, WakeWordModel, kernel
from wakeword.network import Network
from wakeword.windows import SlidingWindows


@pytest.fixture(autouse=True, params=["compiled", "numpy"])
def stepping(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test of this file with the compiled LSTM and with numpy's."""
    if request.param == "numpy":
        monkeypatch.setattr(kernel, "library", lambda: None)
    elif kernel.library() is None:
        pytest.skip("the kernel is not compiled here")


def one_window(model: WakeWordModel, frames: np.ndarray) -> float:
    """One window's logit, step by step in float64: the definition, network by network."""
    return float(np.mean([one_network(network, frames) for network in model.networks]))


def one_network(network: Network, frames: np.ndarray) -> float:
    def sigmoid(z: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-z))

    h = c = np.zeros(network.units)
    values, weights = [], []
    for frame in (frames.astype(np.float64) - network.mean) / network.std:
        i, f, g, o = np.split(network.w_ih @ frame + network.w_hh @ h + network.bias, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        values.append(network.w_out @ h)
        weights.append(1.0 if network.attention is None else np.exp(network.attention @ h))
    value = values[-1] if network.attention is None else np.average(values, weights=weights)
    return float(value + network.b_out)


def frames_of(count: int, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal((count, 32)) * 4).astype(np.float32)


@pytest.mark.parametrize("attention", [False, True])
@pytest.mark.parametrize("hop", [1, 5, 8, 49, 98, 130])
def test_every_window_equals_its_own_run(make_model, hop: int, attention: bool) -> None:
    model, frames = make_model(units=12, attention=attention, networks=2), frames_of(300)
    done = SlidingWindows([model], hop).push(frames)
    starts = list(range(0, 300 - 98 + 1, hop))
    assert done.end_frame.tolist() == [start + 98 for start in starts]
    expected = [one_window(model, frames[start : start + 98]) for start in starts]
    np.testing.assert_allclose(done.scores[:, 0, 0], expected, atol=1e-4)


def test_equals_torch(make_model) -> None:
    torch = pytest.importorskip("torch")
    model, frames = make_model(units=64), frames_of(200, 1)
    lstm = torch.nn.LSTM(32, 64, batch_first=True)
    (network,) = model.networks
    weights = {"weight_ih_l0": network.w_ih, "weight_hh_l0": network.w_hh, "bias_ih_l0": network.bias}
    state = {name: torch.from_numpy(value) for name, value in weights.items()}
    lstm.load_state_dict({**state, "bias_hh_l0": torch.zeros(256)})
    windows = np.stack([(frames[s : s + 98] - network.mean) / network.std for s in range(0, 103, 8)])
    with torch.no_grad():
        hidden = lstm(torch.from_numpy(windows))[0][:, -1].numpy()
    done = SlidingWindows([model], 8).push(frames)
    np.testing.assert_allclose(done.scores[:, 0, 0], hidden @ network.w_out + network.b_out, atol=1e-4)


def test_a_model_of_networks_of_two_sizes_scores_their_mean(make_model) -> None:
    """Beside models whose networks stack with some of its own."""
    parts = [make_model(units=6, attention=True, seed=1, networks=2), make_model(units=12, attention=True, seed=2)]
    mixed = WakeWordModel("mixed", parts[0].spec, parts[0].networks + parts[1].networks)
    frames = frames_of(220)
    done = SlidingWindows([parts[1], mixed, parts[0]], 8).push(frames)
    expected = [one_window(mixed, frames[start : start + 98]) for start in range(0, 220 - 98 + 1, 8)]
    np.testing.assert_allclose(done.scores[:, 0, 1], expected, atol=1e-4)
    np.testing.assert_allclose((done.scores @ [1 / 3, -1, 2 / 3])[:, 0], 0.0, atol=1e-5)


def test_models_of_two_sizes_and_three_streams_step_together(make_model) -> None:
    sizes = ((16, False), (8, True), (16, True), (16, False))
    models = [
        make_model(units=units, attention=attention, seed=seed, networks=1 + seed % 3)
        for seed, (units, attention) in enumerate(sizes)
    ]
    frames = np.stack([frames_of(180, seed) for seed in range(3)])
    done = SlidingWindows(models, 8, streams=3).push(frames)
    assert done.scores.shape == (11, 3, 4)
    for stream in range(3):
        for column, model in enumerate(models):
            alone = SlidingWindows([model], 8).push(frames[stream]).scores[:, 0, 0]
            np.testing.assert_allclose(done.scores[:, stream, column], alone, atol=1e-5)


def test_a_longer_window_is_part_of_the_spec(make_model) -> None:
    model = make_model(spec=FeatureSpec(window_frames=150))
    frames = frames_of(200)
    done = SlidingWindows([model], 10).push(frames)
    assert done.end_frame.tolist() == [150, 160, 170, 180, 190, 200]
    np.testing.assert_allclose(done.scores[2, 0, 0], one_window(model, frames[20:170]), atol=1e-4)


def test_blocks_and_reset_change_nothing(make_model) -> None:
    windows, frames = SlidingWindows([make_model()], 8), frames_of(400)
    whole = windows.push(frames)
    windows.reset()
    parts = [windows.push(frames[i : i + 13]) for i in range(0, 400, 13)]
    np.testing.assert_array_equal(np.concatenate([part.end_frame for part in parts]), whole.end_frame)
    np.testing.assert_allclose(np.concatenate([part.scores for part in parts]), whole.scores, atol=1e-5)


def test_two_front_ends_cannot_step_together(make_model) -> None:
    other = make_model(spec=FeatureSpec(f_max=7000.0))
    with pytest.raises(ValueError, match="one FeatureSpec"):
        SlidingWindows([make_model(), other])
