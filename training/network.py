"""The network that is trained: standardised MFCC -> one LSTM layer -> last hidden state -> one logit."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from training.examples import Standard, standardised
from training.recurrence import LSTM
from wakeword.network import Network

_AT_ONCE = 128  # whose states are few enough for memory that is kept (see training.memory)


class KeywordLSTM(nn.Module):
    """The paper's audio network (section 5): LSTM(32 -> units), last hidden state, one linear unit.

    Recurrent weights start orthogonal and the forget gates open (bias 1), because with torch's defaults the
    gradient of a word's first syllable has vanished by the end of 98 frames.
    """

    def __init__(self, n_cepstra: int, units: int, pooling: str = "last") -> None:
        if pooling not in ("last", "attention"):
            raise ValueError(f'pooling is "last" or "attention", not {pooling!r}')
        super().__init__()
        self.lstm = LSTM(n_cepstra, units)
        self.out = nn.Linear(units, 1)
        # Zero weights pool every frame alike: training starts from the mean.
        self.attention = nn.Parameter(torch.zeros(units)) if pooling == "attention" else None
        w_ih, w_hh, b_ih, b_hh = self.lstm.parameters()
        nn.init.xavier_uniform_(w_ih)
        for gate in w_hh.chunk(4):
            nn.init.orthogonal_(gate)
        nn.init.zeros_(b_hh)
        nn.init.zeros_(b_ih)
        with torch.no_grad():
            b_ih[units : 2 * units] = 1.0

    def forward(self, x: Tensor) -> Tensor:
        """Standardised frames (B, T, n_cepstra) -> logits (B,)."""
        return self.pooled(self.lstm(x))

    def pooled(self, hidden: Tensor) -> Tensor:
        """The LSTM's states (B, T, units) -> logits (B,)."""
        if self.attention is None:
            return self.out(hidden[:, -1]).squeeze(-1)
        share = torch.softmax(hidden @ self.attention, dim=1)
        return (share * self.out(hidden).squeeze(-1)).sum(dim=1)


@torch.no_grad()
def scores_of(network: KeywordLSTM, features: np.ndarray, standard: Standard, rows: np.ndarray | None = None) -> Tensor:
    """The logits of examples, MFCC float32 (N, F, C) as they are before ``standard``: (N,).

    rows: the numbers of the examples that are meant, int (K,), whose logits come in that order; None = all.
    """
    rows = np.arange(len(features)) if rows is None else rows
    parts = (features[rows[first : first + _AT_ONCE]] for first in range(0, len(rows), _AT_ONCE))
    return torch.cat([network(torch.from_numpy(standardised(part, standard))) for part in parts])


def to_network(trained: KeywordLSTM, standard: tuple[np.ndarray, np.ndarray]) -> Network:
    """The trained weights as the runtime's; ``standard`` is (mean, std), float32 (n_cepstra,) each."""
    weights = {name: value.detach().numpy().astype(np.float32).copy() for name, value in trained.state_dict().items()}
    return Network(
        mean=standard[0],
        std=standard[1],
        w_ih=weights["lstm.weight_ih_l0"],
        w_hh=weights["lstm.weight_hh_l0"],
        bias=weights["lstm.bias_ih_l0"] + weights["lstm.bias_hh_l0"],
        w_out=weights["out.weight"][0],
        b_out=weights["out.bias"][0],
        attention=weights.get("attention"),
    )


def from_network(network: Network) -> KeywordLSTM:
    """The runtime's weights as a network in eval mode, whose frames are to be standardised by network.mean and .std."""
    found = KeywordLSTM(network.mean.size, network.units, network.pooling)
    weights = {
        "lstm.weight_ih_l0": network.w_ih,
        "lstm.weight_hh_l0": network.w_hh,
        "lstm.bias_ih_l0": network.bias,
        "lstm.bias_hh_l0": np.zeros_like(network.bias),
        "out.weight": network.w_out[None],
        "out.bias": network.b_out[None],
    }
    if network.attention is not None:
        weights["attention"] = network.attention
    found.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in weights.items()})
    return found.eval()
