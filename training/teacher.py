"""Learning from a model that is there already: one small network takes on what several large ones know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from training.examples import Examples
from training.network import KeywordLSTM, from_network, scores_of
from wakeword.errors import TrainingError
from wakeword.features import FeatureSpec
from wakeword.model import WakeWordModel

#: of a label that is the teacher's opinion; the rest is what the clip is
SHARE = 0.75


@dataclass(frozen=True)
class Teacher:
    """A model of the same keyword and front end, whose scores soften the labels (Hinton et al., 2015, temperature 1).

    What a hard label cannot say, the teacher does: which other words are nearly the keyword, and which clips of the
    keyword are hardly it, such as those that noise covers.
    """

    model: WakeWordModel
    share: float = SHARE

    @cached_property
    def _networks(self) -> tuple[KeywordLSTM, ...]:
        return tuple(from_network(network) for network in self.model.networks)

    def check(self, keyword: str, spec: FeatureSpec | None = None) -> None:
        """Raise TrainingError unless the teacher hears ``keyword``, through ``spec`` where that is known yet."""
        if self.model.keyword != keyword or spec not in (None, self.model.spec):
            raise TrainingError(
                f"the teacher hears {self.model.keyword!r}, or another length of window: choose another"
            )

    def arrays(self) -> Iterator[np.ndarray]:
        """Everything the soft labels depend on, beside the examples."""
        yield np.array(self.share)
        for weights, network in zip(self.model.networks, self._networks, strict=True):
            yield from (weights.mean, weights.std, *(value.numpy() for value in network.state_dict().values()))

    def soften(self, examples: Examples) -> Examples:
        """The examples with labels (1 - share) y + share sigmoid(f), f the teacher's mean logit; float32 (N,)."""
        logits = torch.zeros(len(examples.labels))
        for weights, network in zip(self.model.networks, self._networks, strict=True):
            logits += scores_of(network, examples.features, (weights.mean, weights.std))
        opinion = torch.sigmoid(logits / len(self._networks)).numpy()
        return examples._replace(labels=(1 - self.share) * examples.labels + self.share * opinion)
