"""Autoencoders: what a narrow code cannot give back is abnormal.

AE      the encoder of the table's network and its mirror, with a code of 32
E2E-AE  DAGMM's compression network without the mixture, trained end to end: a code of 1 or 2 (Zong et al., "Deep
        Autoencoding Gaussian Mixture Model", ICLR 2018, section 4.2)
LSTM-AE an LSTM reads, another writes the steps in reverse order from the code alone (Srivastava et al., "Unsupervised
        Learning of Video Representations using LSTMs", ICML 2015, the unconditioned decoder)
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


class Autoencoder(DeepOnNormals):
    """score = -(mean squared error of the reconstruction); ``code`` units in the middle."""

    def __init__(self, network: str, seed: int, schedule: Mapping[str, Any], code: int = 32) -> None:
        super().__init__(network, seed, schedule)
        self.code = code

    def score(self, x: np.ndarray) -> np.ndarray:
        """float32 (N,)."""
        target = self._target(torch.from_numpy(x)).numpy()
        return -((apply(self.network, x) - target) ** 2).reshape(len(x), -1).mean(axis=1)

    def _build(self, shape: tuple[int, ...]) -> nn.Module:
        return nn.Sequential(*self.architecture.autoencoder(shape, self.code, True))

    def _loss(self, rows: Tensor, after_first: bool) -> LossParts:
        x = self._x[rows]
        return whole(F.mse_loss(self.network(x), self._target(x)))

    def _target(self, x: Tensor) -> Tensor:
        return x


class EndToEndAutoencoder(Autoencoder):
    """The same with DAGMM's bottleneck: its paper has 1 for Thyroid and 2 for Arrhythmia."""

    def __init__(self, network: str, seed: int, schedule: Mapping[str, Any], code: int = 1) -> None:
        super().__init__(network, seed, schedule, code)


class LSTMAutoencoder(Autoencoder):
    """For series (N, T, features): the decoder gives the last step first, as that is what the code knows best."""

    def _target(self, x: Tensor) -> Tensor:
        return x.flip(1)
