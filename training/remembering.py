"""Learning a keyword without forgetting the sounds of English.

A network that starts from a base and hears its keyword from engines alone drifts to what tells their voices. Here it
goes on naming the sound of each frame as the base does: "Learning without Forgetting" (Li and Hoiem, 2016). That takes
no labels, so it holds for every clip, and for continuous speech and noise too.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.base import Base
from training.network import KeywordLSTM
from training.sounds import SYMBOLS


class Memory:
    """What a base calls each frame, and the layer, ``names``, by which the network that is trained calls it.

    ``names`` begins as the base's, which has to have it, and is trained with the network; no model keeps it.
    """

    def __init__(self, base: Base) -> None:
        with torch.random.fork_rng():  # what layers begin with before they are filled is nobody's chance
            taught = KeywordLSTM(base.standard[0].size, base.units)
            base.copy_into(taught)
            self._lstm, self._names = taught.lstm.requires_grad_(False), _naming(base).requires_grad_(False)
            self.names = _naming(base)

    def forgotten(self, x: Tensor, hidden: Tensor) -> Tensor:
        """The mean cross entropy of the network's names with the base's, over all frames; a scalar.

        x: standardised frames (B, T, n_cepstra); hidden: the network's states at them, (B, T, units).
        """
        with torch.no_grad():
            told = torch.softmax(self._names(self._lstm(x)), dim=-1)
        return F.cross_entropy(self.names(hidden).flatten(0, 1), told.flatten(0, 1))


def _naming(base: Base) -> nn.Linear:
    layer = nn.Linear(base.units, len(SYMBOLS))
    weights = {name: torch.from_numpy(base.arrays[f"names_{name}"].copy()) for name in ("weight", "bias")}
    layer.load_state_dict(weights)
    return layer
