"""Learning from the negatives that are nearly taken for the keyword, of many more than can be learnt from.

Hours of speech and noise hold a few moments that resemble a keyword, and those set its threshold. So more negatives are
made than an epoch learns from, and the network itself says which, of all there are, recorded words among them (online
hard example mining, Shrivastava et al., 2016, by epochs instead of batches).
"""

from __future__ import annotations

import numpy as np
import torch

from training.examples import Examples, Standard, standardised
from training.network import KeywordLSTM

_AT_ONCE = 128  # whose states are few enough for memory that is kept (see training.memory)


def without_surplus(examples: Examples) -> Examples:
    """The examples without the last of the negatives beyond those that are to be learnt."""
    negatives = np.flatnonzero(examples.labels < 0.5)
    return _without(examples, negatives[max(0, len(negatives) - examples.surplus) :])


@torch.no_grad()
def hardest(network: KeywordLSTM, examples: Examples, standard: Standard) -> Examples:
    """The examples without the surplus of those negatives that the network scores lowest; their order stays."""
    if not examples.surplus:
        return examples
    negatives = np.flatnonzero(examples.labels < 0.5)
    parts = (examples.features[negatives[first : first + _AT_ONCE]] for first in range(0, len(negatives), _AT_ONCE))
    scores = torch.cat([network(torch.from_numpy(standardised(part, standard))) for part in parts]).numpy()
    return _without(examples, negatives[np.argsort(scores, kind="stable")[: examples.surplus]])


def _without(examples: Examples, left_out: np.ndarray) -> Examples:
    keep = np.ones(len(examples.labels), dtype=bool)
    keep[left_out] = False
    return Examples(examples.features[keep], examples.labels[keep])
