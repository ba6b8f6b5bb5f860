"""The trained network and the runtime give the same logit, so that what is trained is what listens."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from training.network import KeywordLSTM, to_network
from wakeword import FeatureSpec, WakeWordModel, load_model
from wakeword.windows import SlidingWindows


@pytest.mark.parametrize("pooling", ["last", "attention"])
def test_the_runtime_scores_what_was_trained(pooling: str, tmp_path) -> None:
    generator = torch.Generator().manual_seed(0)
    network = KeywordLSTM(32, 24, pooling)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
    rng = np.random.default_rng(0)
    mean, std = rng.standard_normal(32).astype(np.float32), rng.uniform(1, 5, 32).astype(np.float32)
    card = {"operating_points": {"alarms": {"threshold": 0.0}}, "default_point": "alarms"}
    WakeWordModel("word", FeatureSpec(), (to_network(network, (mean, std)),), card).save(tmp_path / "word.wakeword")
    frames = (rng.standard_normal((146, 32)) * 4).astype(np.float32)
    windows = np.stack([(frames[start : start + 98] - mean) / std for start in range(0, 49, 8)])
    with torch.no_grad():
        expected = network(torch.from_numpy(windows)).numpy()
    found = SlidingWindows([load_model(tmp_path / "word.wakeword")], 8).push(frames).scores[:, 0, 0]
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert np.ptp(expected) > 0.02


def test_forget_gates_start_open_and_recurrent_weights_orthogonal() -> None:
    network = KeywordLSTM(32, 16)
    bias = network.lstm.bias_ih_l0.detach() + network.lstm.bias_hh_l0.detach()
    assert bias[16:32].tolist() == [1.0] * 16
    assert bias[:16].tolist() == [0.0] * 16
    for gate in network.lstm.weight_hh_l0.detach().chunk(4):
        assert torch.allclose(gate @ gate.T, torch.eye(16), atol=1e-5)


def test_an_unknown_pooling_is_refused() -> None:
    with pytest.raises(ValueError, match="pooling is"):
        KeywordLSTM(32, 8, "max")
