"""DSEBM (Zhai et al., "Deep Structured Energy Based Models for Anomaly Detection", ICML 2016).

E(x) = |x - b'|^2 / 2 - sum_j softplus(net_j(x)): for rows, net is the table's network; for series the energy is the
sum over steps with biases that an LSTM makes from the steps before (REBM, section 3.2, with the table's LSTM as the
recurrent part). Learnt by score matching with noise, which is reconstruction by x - dE/dx (section 3.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from anomaly_benchmark.methods.deep import DeepOnNormals, whole
from anomaly_benchmark.methods.gradient import apply
from training.one_class import LossParts
from training.recurrence import LSTM


class RowEnergy(nn.Module):
    """forward: x (B, d) -> energy (B,); ``reconstruct``: x -> x - dE/dx (B, d)."""

    def __init__(self, net: nn.Module, features: int) -> None:
        super().__init__()
        self.net, self.visible = net, nn.Parameter(torch.zeros(features))

    def forward(self, x: Tensor) -> Tensor:
        return 0.5 * (x - self.visible).square().sum(1) - F.softplus(self.net(x)).sum(1)

    def reconstruct(self, x: Tensor) -> Tensor:
        x = x.detach().requires_grad_(True)
        (slope,) = torch.autograd.grad(self(x).sum(), x, create_graph=True)
        return x - slope


class StepEnergy(nn.Module):
    """The same for x (B, T, features): biases of step t from the LSTM's state after step t - 1."""

    def __init__(self, lstm: LSTM, features: int) -> None:
        super().__init__()
        self.lstm, units = lstm, lstm.hidden_size
        self.weight = nn.Parameter(torch.randn(units, features) * 0.1)
        self.hidden, self.visible = nn.Linear(units, units), nn.Linear(units, features)

    def _fields(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """What the hidden units get, (B, T, units), and the visible biases b' (B, T, features)."""
        states = self.lstm(x)
        before = F.pad(states[:, :-1], (0, 0, 1, 0))
        return x @ self.weight.T + self.hidden(before), self.visible(before)

    def forward(self, x: Tensor) -> Tensor:
        field, visible = self._fields(x)
        return (0.5 * (x - visible).square().sum(2) - F.softplus(field).sum(2)).sum(1)

    def reconstruct(self, x: Tensor) -> Tensor:
        """x_t - dE_t/dx_t with the steps before t given."""
        field, visible = self._fields(x)
        return visible + torch.sigmoid(field) @ self.weight


class REBM(DeepOnNormals):
    """score = -energy (the paper's DSEBM-e), or minus the squared error of the reconstruction (DSEBM-r).

    noise: standard deviation of what score matching adds. code: hidden units of the energy of rows.
    """

    def __init__(
        self,
        network: str,
        seed: int,
        schedule: Mapping[str, Any],
        code: int = 64,
        noise: float = 0.5,
        criterion: str = "energy",
    ) -> None:
        super().__init__(network, seed, schedule)
        if criterion not in ("energy", "reconstruction"):
            raise ValueError(f"criterion is energy or reconstruction, not {criterion!r}")
        self.code, self.noise, self.criterion = code, noise, criterion

    def score(self, x: np.ndarray) -> np.ndarray:
        """float32 (N,)."""
        if self.criterion == "energy":
            return -apply(self.network, x)
        parts = torch.from_numpy(x).split(512)
        back = torch.cat([self.energy.reconstruct(part).detach() for part in parts])
        return -((back.numpy() - x) ** 2).reshape(len(x), -1).sum(axis=1)

    def _build(self, shape: tuple[int, ...]) -> nn.Module:
        encoder, _ = self.architecture.autoencoder(shape, self.code, True)
        if len(shape) == 1:
            self.energy: RowEnergy | StepEnergy = RowEnergy(encoder, shape[0])
        else:
            self.energy = StepEnergy(encoder.lstm, shape[1])  # type: ignore[arg-type]
        return self.energy

    def _loss(self, rows: Tensor, after_first: bool) -> LossParts:
        x = self._x[rows]
        noisy = x + self.noise * torch.randn(x.shape, generator=self._generator)
        back = self.energy.reconstruct(noisy)
        return whole(F.mse_loss(back, x))
