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

_AT_ONCE = 512


def without_surplus(examples: Examples) -> Examples:
    """The examples without the last negatives beyond those that are to be learnt: a network that knows nothing."""
    return _kept(examples, np.arange(len(examples.labels), 0, -1))


@torch.no_grad()
def hardest(network: KeywordLSTM, examples: Examples, standard: Standard) -> Examples:
    """The examples without the surplus of those negatives that the network scores lowest; their order stays."""
    if not examples.surplus:
        return examples
    parts = (examples.features[first : first + _AT_ONCE] for first in range(0, len(examples.labels), _AT_ONCE))
    scores = [network(torch.from_numpy(standardised(part, standard))) for part in parts]
    return _kept(examples, torch.cat(scores).numpy())


def _kept(examples: Examples, score: np.ndarray) -> Examples:
    """All positives, and the negatives with the highest ``score``, (N,); of equal ones the first."""
    negatives = np.flatnonzero(examples.labels < 0.5)
    learnt = max(0, len(negatives) - examples.surplus)
    easiest = negatives[np.argsort(-score[negatives], kind="stable")][learnt:]
    keep = np.ones(len(examples.labels), dtype=bool)
    keep[easiest] = False
    return Examples(examples.features[keep], examples.labels[keep])
