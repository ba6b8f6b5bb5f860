"""The networks of the tables: for each, an encoder without the last unit, and a decoder to pre-train it with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from training.network import KeywordLSTM


@dataclass(frozen=True)
class Architecture:
    """``logit`` maps (B, *shape) to (B,) or (B, 1).

    ``autoencoder(shape, code, bias)`` gives an encoder to ``code`` units and a decoder; without ``bias`` no linear or
    convolutional layer of the encoder has one.
    """

    logit: Callable[[tuple[int, ...]], nn.Module]
    autoencoder: Callable[[tuple[int, ...], int, bool], tuple[nn.Module, nn.Module]]


class _CentredBatchNorm(nn.BatchNorm2d):
    """Batch norm without a learnt scale and shift, as the released networks have it."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-4, affine=False)


def _lenet_features(bias: bool = False) -> nn.Sequential:
    """(B, 1, 28, 28) -> (B, 196): the released small LeNet of MNIST."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 5, padding=2, bias=bias), _CentredBatchNorm(8), nn.LeakyReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 4, 5, padding=2, bias=bias), _CentredBatchNorm(4), nn.LeakyReLU(), nn.MaxPool2d(2),
        nn.Flatten(),
    )  # fmt: skip


def _lenet(shape: tuple[int, ...]) -> nn.Module:
    network = nn.Sequential(_lenet_features(), nn.Linear(196, 64, bias=False), nn.Linear(64, 1, bias=False))
    # Channels last halves the time of an ascent step: its kernels are quicker for so few channels.
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _lenet_autoencoder(shape: tuple[int, ...], code: int, bias: bool) -> tuple[nn.Module, nn.Module]:
    """Deep SAD's: the encoder, and its mirror without biases."""
    encoder = nn.Sequential(_lenet_features(bias), nn.Linear(196, code, bias=bias))
    decoder = nn.Sequential(
        nn.Linear(code, 196, bias=False), nn.Unflatten(1, (4, 7, 7)), nn.LeakyReLU(), nn.Upsample(scale_factor=2),
        nn.Conv2d(4, 8, 5, padding=2, bias=False), _CentredBatchNorm(8), nn.LeakyReLU(), nn.Upsample(scale_factor=2),
        nn.Conv2d(8, 1, 5, padding=2, bias=False),
    )  # fmt: skip
    formats = {"memory_format": torch.channels_last}
    return encoder.to(**formats), decoder.to(**formats)  # type: ignore[call-overload]


def _mlp_layers(sizes: tuple[int, ...], bias: bool) -> nn.Sequential:
    """Linear layers with ReLU between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs, bias=bias), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _mlp(*hidden: int) -> Architecture:
    """Fully connected: (B, d) -> the hidden layers -> 1."""
    return Architecture(
        logit=lambda shape: _mlp_layers((shape[0], *hidden, 1), True),
        autoencoder=lambda shape, code, bias: (
            _mlp_layers((shape[0], *hidden, code), bias),
            _mlp_layers((code, *reversed(hidden), shape[0]), bias),
        ),
    )


class _LSTMEncoder(nn.Module):
    """(B, T, features) -> (B, code), pooled as the keyword network pools; ``bias`` is the code's."""

    def __init__(self, features: int, units: int, code: int, pooling: str, bias: bool) -> None:
        super().__init__()
        start = KeywordLSTM(features, units, pooling)  # the same start as the keyword network's
        self.lstm, self.attention = start.lstm, start.attention
        self.code = nn.Linear(units, code, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.lstm(x)
        if self.attention is None:
            return self.code(hidden[:, -1])
        share = torch.softmax(hidden @ self.attention, dim=1)
        return self.code((share.unsqueeze(2) * hidden).sum(dim=1))


class _LSTMDecoder(nn.Module):
    """(B, code) -> (B, T, features): the code at every step, one LSTM layer, one linear layer."""

    def __init__(self, shape: tuple[int, ...], units: int, code: int) -> None:
        super().__init__()
        self.steps = shape[0]
        self.lstm = KeywordLSTM(code, units).lstm
        self.out = nn.Linear(units, shape[1])

    def forward(self, code: Tensor) -> Tensor:
        hidden = self.lstm(code.unsqueeze(1).expand(-1, self.steps, -1).contiguous())
        return self.out(hidden)


def _lstm(units: int, pooling: str = "last") -> Architecture:
    return Architecture(
        logit=lambda shape: KeywordLSTM(shape[1], units, pooling),
        autoencoder=lambda shape, code, bias: (
            _LSTMEncoder(shape[1], units, code, pooling, bias),
            _LSTMDecoder(shape, units, code),
        ),
    )


NETWORKS: dict[str, Architecture] = {
    "mlp-128": _mlp(128),
    "mlp-128-128": _mlp(128, 128),
    "mnist-lenet": Architecture(_lenet, _lenet_autoencoder),
    "lstm-32": _lstm(32),
    "lstm-64": _lstm(64),
    "lstm-128": _lstm(128),
    "lstm-128-attention": _lstm(128, "attention"),
    "lstm-64-attention": _lstm(64, "attention"),
}
