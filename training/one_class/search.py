"""The released code's search for tau, which the exact projection is measured against; training never uses it."""

from __future__ import annotations

import torch
from torch import Tensor

from training.one_class.projection import Shell

DRAWS = 40


def draw_tau(sigma: Tensor, norm: float, shell: Shell, generator: torch.Generator) -> Tensor:
    """40 random tau for one row, as released: uniform in (-1 / max sigma, 0) inside; 1 / tau uniform outside."""
    uniform = torch.rand(DRAWS, generator=generator).clamp_(1e-6, 1 - 1e-6)
    largest = float(sigma.max())
    if norm < shell.radius:
        return -uniform / largest
    return 1 / (uniform * largest * shell.outer / (norm - shell.outer))


def search_mahalanobis(delta: Tensor, sigma: Tensor, shell: Shell, generator: torch.Generator) -> Tensor:
    """Each row of ``delta`` (B, d) off the shell moved by the best feasible of its draws; ``sigma`` is (B, d).

    A row without a feasible draw stays where it is. The draws of a row are one (40, d) tensor; the loop is over rows.
    """
    result = delta.clone()
    norms = (sigma * delta**2).sum(1).sqrt().tolist()
    for row, norm in enumerate(norms):
        if shell.radius <= norm <= shell.outer or not float(sigma[row].max()) > 0:
            continue
        tau = draw_tau(sigma[row], norm, shell, generator).unsqueeze(1)
        factor = (1 + tau * sigma[row]) ** 2
        g = (delta[row] ** 2 * sigma[row] / factor).sum(1)
        objective = (delta[row] ** 2 * tau**2 * sigma[row] ** 2 / factor).sum(1)
        feasible = g >= shell.radius**2 if norm < shell.radius else g <= shell.outer**2
        objective[~feasible] = float("inf")
        best = int(objective.argmin())
        if objective[best] < float("inf"):
            result[row] = delta[row] / (1 + tau[best] * sigma[row])
    return result
