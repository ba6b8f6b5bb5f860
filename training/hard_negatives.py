"""Learning from the negatives that are nearly taken for the keyword, of many more than can be learnt from.

Hours of speech and noise hold a few moments that resemble a keyword, and those set its threshold. So more negatives are
made than an epoch learns from, and the network itself says which, of all there are, recorded words among them (online
hard example mining, Shrivastava et al., 2016, by epochs instead of batches).
"""

from __future__ import annotations

import numpy as np

from training.examples import Examples, Standard
from training.network import KeywordLSTM, scores_of


def without_surplus(examples: Examples) -> Examples:
    """The examples without the last of the negatives beyond those that are to be learnt."""
    negatives = np.flatnonzero(examples.labels < 0.5)
    return _without(examples, negatives[max(0, len(negatives) - examples.surplus) :])


def hardest(network: KeywordLSTM, examples: Examples, standard: Standard) -> Examples:
    """The examples without the surplus of those negatives that the network scores lowest; their order stays."""
    if not examples.surplus:
        return examples
    negatives = np.flatnonzero(examples.labels < 0.5)
    scores = scores_of(network, examples.features, standard, negatives).numpy()
    return _without(examples, negatives[np.argsort(scores, kind="stable")[: examples.surplus]])


def _without(examples: Examples, left_out: np.ndarray) -> Examples:
    keep = np.ones(len(examples.labels), dtype=bool)
    keep[left_out] = False
    return Examples(examples.features[keep], examples.labels[keep])
