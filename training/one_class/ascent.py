"""The inner maximisation of DROCC: points near the training data that the network still calls normal.

Goyal et al., "DROCC: Deep Robust One-Class Classification" (ICML 2020), Algorithm 1 (DROCC) and DROCC-LF.
A ``logit_fn`` maps a batch (B, ...) to one logit per example, (B,) or (B, 1). Label 1 is normal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from training.one_class.projection import Shell, project_mahalanobis, project_sphere
from training.recurrence import weights_at_rest
from wakeword.errors import TrainingError

LogitFn = Callable[[Tensor], Tensor]
Projection = Callable[[Tensor, Tensor, Shell], Tensor]  # (delta, sigma, shell) -> delta on the shell, as given


@dataclass(frozen=True)
class Ascent:
    """How the adversarial points are sought.

    ``steps`` is the paper's m (0 gives DROCC-Rand: random points of the shell); ``step_size`` is eta, in
    units of the input; the points are projected every ``project_every`` steps and once at the end.
    ``ValueError`` unless steps >= 0, step_size > 0 and project_every >= 1.
    """

    steps: int
    step_size: float
    project_every: int

    def __post_init__(self) -> None:
        if self.steps < 0:
            raise ValueError(f"steps must be at least 0, not {self.steps}")
        if not self.step_size > 0:
            raise ValueError(f"step_size must be positive, not {self.step_size}")
        if self.project_every < 1:
            raise ValueError(f"project_every must be at least 1, not {self.project_every}")


def find_adversarial(
    logit_fn: LogitFn,
    x: Tensor,
    shell: Shell,
    ascent: Ascent,
    sigma: Tensor | None = None,
    *,
    generator: torch.Generator,
    project: Projection = project_mahalanobis,
) -> Tensor:
    """Points u = x + h of N(r) whose loss l(f(u), 0) is high, one for each row of x.

    h ~ N(0, I) from ``generator``; then ``ascent.steps`` times h += eta g / |g|_2 with g the gradient of
    l(f(x + h), 0) in h, the norm taken over all coordinates of an example. An example with g = 0 stays.

    ``x`` is (B, ...); ``sigma`` is (B, d) with d the coordinates of one example, for the Mahalanobis shell,
    or None for the Euclidean one; ``project`` is used with the former. The result has x's shape and is
    detached; no parameter's ``.grad`` changes.
    """
    x = x.detach()
    h = torch.randn(x.shape, generator=generator, dtype=x.dtype, device=x.device)
    if not len(x):
        return h
    for step in range(1, ascent.steps + 1):
        h.requires_grad_(True)
        with torch.enable_grad():
            logits = logit_fn(x + h).reshape(len(x))
            # The sum, not the mean: each example's gradient is then its own, whatever the size of the batch.
            loss = F.binary_cross_entropy_with_logits(logits, torch.zeros_like(logits), reduction="sum")
        with weights_at_rest():
            (gradient,) = torch.autograd.grad(loss, h)
        flat = gradient.reshape(len(x), -1)
        norm = torch.linalg.vector_norm(flat, dim=1, keepdim=True)
        scale = torch.where(norm > 0, ascent.step_size / norm, 0.0)
        h = h.detach().add_((flat * scale).reshape(x.shape))
        if step % ascent.project_every == 0:
            h = _project(h, shell, sigma, project)
    return x + _project(h, shell, sigma, project)


def _project(h: Tensor, shell: Shell, sigma: Tensor | None, project: Projection) -> Tensor:
    flat = h.reshape(len(h), -1)
    projected = project_sphere(flat, shell) if sigma is None else project(flat, sigma, shell)
    return projected.reshape(h.shape)


def influence(logit_fn: LogitFn, x: Tensor) -> Tensor:
    """DROCC-LF's sigma: |d l(f(x), 1) / d x_j| for each example, scaled to mean 1 over its d coordinates.

    ``x`` is (B, ...); the result is (B, d), detached. Where the gradient is 0 sigma is 1 everywhere, which
    makes the Mahalanobis shell the Euclidean one. Raises ``TrainingError`` if a gradient is not finite.
    """
    x = x.detach().requires_grad_(True)
    if not len(x):
        return x.detach().flatten(1)
    # |d l / d x_j| = |sigmoid(f) - 1| |d f / d x_j|: the factor is the same for all j, so the scaling
    # removes it. The gradient of f itself gives the same sigma and does not round to 0 when f is large.
    with torch.enable_grad():
        total = logit_fn(x).reshape(len(x)).sum()
    with weights_at_rest():
        (gradient,) = torch.autograd.grad(total, x)
    size = gradient.reshape(len(x), -1).abs()
    mean = size.mean(1, keepdim=True)
    if not mean.isfinite().all():
        raise TrainingError("The gradient at a training point is not finite; lower the learning rate.")
    return torch.where(mean > 0, size / mean, 1.0)
