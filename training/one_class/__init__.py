"""DROCC and DROCC-LF: learning one class from its own points and points made near them.

Goyal et al., "DROCC: Deep Robust One-Class Classification" (ICML 2020). Each normal point x_i is to get
label 1, and every point at a distance from it label 0:

    min_theta  sum_i [ l(f(x_i), 1) + mu max_{u in N_i(r)} l(f(u), 0) ]
    N_i(r) = {u : r <= |u - x_i| <= gamma r}

``ascent`` climbs the inner maximum; ``projection`` keeps its points in N_i(r). DROCC-LF adds given
negatives and measures distance by |v|_S^2 = sum_j sigma_j v_j^2, with sigma_j the influence of coordinate j
on the loss, so that a close negative may differ from x_i in only the coordinates that matter. Proposition 1
turns that projection into one root per example, which ``project_mahalanobis`` finds exactly. ``objectives``
puts the terms together.
"""

from training.one_class.ascent import Ascent, LogitFn, Projection, find_adversarial, influence
from training.one_class.objectives import OBJECTIVES, LossParts, Objective, OneClassSettings, Variation, loss
from training.one_class.projection import Shell, project_mahalanobis, project_sphere

__all__ = [
    "OBJECTIVES",
    "Ascent",
    "LogitFn",
    "LossParts",
    "Objective",
    "OneClassSettings",
    "Projection",
    "Shell",
    "Variation",
    "find_adversarial",
    "influence",
    "loss",
    "project_mahalanobis",
    "project_sphere",
]
