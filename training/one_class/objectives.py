"""The four training losses as data for one loop: BCE, DROCC, DROCC-OE and DROCC-LF.

Goyal et al., "DROCC: Deep Robust One-Class Classification" (ICML 2020). Means stand where the paper writes
sums, as in the authors' code; weight decay (lambda) belongs to the optimiser.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from training.one_class.ascent import Ascent, LogitFn, Projection, find_adversarial, influence
from training.one_class.projection import Shell, project_mahalanobis


@dataclass(frozen=True)
class Objective:
    """What a training loss is made of.

    ``uses_negatives``: the given label-0 points count in the classification term. ``shell``: where
    adversarial points lie around the positives, on the Euclidean or the Mahalanobis shell; None for no
    adversarial term.
    """

    name: str
    uses_negatives: bool
    shell: Literal["sphere", "mahalanobis"] | None


OBJECTIVES: dict[str, Objective] = {
    "bce": Objective("bce", uses_negatives=True, shell=None),
    "drocc": Objective("drocc", uses_negatives=False, shell="sphere"),
    "drocc-oe": Objective("drocc-oe", uses_negatives=True, shell="sphere"),
    "drocc-lf": Objective("drocc-lf", uses_negatives=True, shell="mahalanobis"),
}
"""The objectives by name."""


@dataclass(frozen=True)
class OneClassSettings:
    """The paper's r (``radius``, in units of the input), ``gamma``, ``mu`` >= 0 and the inner ascent.

    Raises ``ValueError`` for mu below 0, and ``Shell``'s for the radius and gamma.
    """

    radius: float
    gamma: float
    mu: float
    ascent: Ascent

    def __post_init__(self) -> None:
        if not self.mu >= 0:
            raise ValueError(f"mu must be at least 0, not {self.mu}")
        _ = self.shell

    @property
    def shell(self) -> Shell:
        """N(r) as a checked ``Shell``."""
        return Shell(self.radius, self.gamma)


@dataclass(frozen=True)
class Variation:
    """What an experiment may change in the adversarial term; the defaults are what training uses.

    ``logit_fn``: the network as the adversarial term sees it, such as with fixed batch-norm statistics; None = as the
    classification term does. ``sigma``: (B, d) for the batch, found earlier; None = ``influence`` of the network as it
    is. ``project``: onto the Mahalanobis shell.
    """

    logit_fn: LogitFn | None = None
    sigma: Tensor | None = None
    project: Projection = project_mahalanobis


AS_TRAINED = Variation()


class LossParts(NamedTuple):
    """``total`` = ``classification`` + mu ``adversarial``, scalars; only ``total`` is meant for backward."""

    total: Tensor
    classification: Tensor
    adversarial: Tensor


def loss(
    objective: Objective,
    settings: OneClassSettings,
    logit_fn: LogitFn,
    x: Tensor,
    y: Tensor,
    generator: torch.Generator,
    adversarial: bool,
    weight: Tensor | None = None,
    variation: Variation = AS_TRAINED,
) -> LossParts:
    """The loss of one batch: mean l(f(x), y) + mu mean over the label-1 points of l(f(u), 0).

    ``x`` is (B, ...), ``y`` is (B,) of 0 and 1. Without ``uses_negatives`` the first mean is over the
    label-1 points. u is the point ``find_adversarial`` reaches on the objective's shell, drawn from
    ``generator``. ``adversarial`` False leaves the second term out (the paper's n0 initial epochs).
    ``weight``, (B,) and >= 0, makes the first mean the weighted one, sum w l / sum w. A mean over no points
    is 0, and ``total`` can always be differentiated. ``variation`` is for experiments.
    """
    positive = y > 0.5
    x_positive = x[positive]
    if objective.uses_negatives or not len(x_positive):
        logits = logit_fn(x).reshape(len(x))
        counted = torch.ones_like(logits) if objective.uses_negatives else torch.zeros_like(logits)
        labels, weights = y.to(logits.dtype), counted if weight is None else counted * weight
    else:
        logits = logit_fn(x_positive).reshape(len(x_positive))
        labels = torch.ones_like(logits)
        weights = torch.ones_like(logits) if weight is None else weight[positive]
    each = F.binary_cross_entropy_with_logits(logits, labels, weight=weights, reduction="none")
    mass = weights.sum()
    classification = each.sum() / torch.where(mass > 0, mass, 1.0)
    if objective.shell is None or not adversarial or not len(x_positive):
        return LossParts(classification, classification, torch.zeros_like(classification))
    called_normal = _called_normal(objective, settings, variation, logit_fn, x_positive, positive, generator)
    return LossParts(classification + settings.mu * called_normal, classification, called_normal)


def _called_normal(
    objective: Objective,
    settings: OneClassSettings,
    variation: Variation,
    logit_fn: LogitFn,
    x: Tensor,
    positive: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """mean l(f(u), 0) over the adversarial points u of the positives ``x``; ``positive`` says where they were."""
    logit_fn = variation.logit_fn or logit_fn
    sigma = None
    if objective.shell == "mahalanobis":
        sigma = influence(logit_fn, x) if variation.sigma is None else variation.sigma[positive]
    points = find_adversarial(
        logit_fn, x, settings.shell, settings.ascent, sigma, generator=generator, project=variation.project
    )
    logits = logit_fn(points).reshape(len(points))
    return F.binary_cross_entropy_with_logits(logits, torch.zeros_like(logits))
