"""Projection onto the shell around a training point: DROCC's sphere and DROCC-LF's Mahalanobis shell.

The second is Proposition 1 of Goyal et al., "DROCC: Deep Robust One-Class Classification" (ICML 2020). The
paper searches tau on a grid. Here it is the root of one monotone function, found for the whole batch at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

ON_SHELL = 1e-6
"""Relative distance below which a row counts as on the shell, so that projecting twice changes nothing."""

POLE = 1e-15
"""Smallest t = 1 + tau max(sigma) that is tried: below it the root is the pole itself (the hard case)."""

MAX_ITERATIONS = 200
"""Newton needs 3 to 8 as a rule. When the pole's own term is almost 0 and the others reach the target almost
exactly, t grows by only half per iteration: about ln(1 / POLE) / ln(1.5) = 85 in the worst case."""

BLOCK = 270_000
"""Elements solved together: enough to hide the cost of calling torch, few enough to stay in the cache."""


@dataclass(frozen=True)
class Shell:
    """The set N(r) = {u : radius <= |u - x| <= gamma radius} around a point x.

    ``radius`` is the paper's r > 0, in the units of the input; ``gamma`` >= 1 is the ratio of the outer to
    the inner radius. Anything else raises ``ValueError``.
    """

    radius: float
    gamma: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.radius) and self.radius > 0):
            raise ValueError(f"radius must be a positive number, not {self.radius}")
        if not (math.isfinite(self.gamma) and self.gamma >= 1):
            raise ValueError(f"gamma must be a number of at least 1, not {self.gamma}")

    @property
    def outer(self) -> float:
        """The outer radius, gamma r."""
        return self.gamma * self.radius


@torch.no_grad()
def project_sphere(delta: Tensor, shell: Shell) -> Tensor:
    """The nearest point of the Euclidean shell per row: h <- alpha h / |h|, alpha = clip(|h|, r, gamma r).

    ``delta`` is (B, d), the offsets u - x; the result has its shape and type. A row on the shell is returned
    bit for bit. A row of zeros has no direction: it becomes r along the first coordinate.
    """
    norm = torch.linalg.vector_norm(delta, dim=1, keepdim=True)
    target = _off_shell_target(norm, shell)
    result = torch.where(target > 0, delta * (target / norm), delta)
    result[norm[:, 0] == 0, :1] = shell.radius
    # 0 * (r / 0) left NaN in the other coordinates of a row of zeros.
    result[norm[:, 0] == 0, 1:] = 0
    return result


@torch.no_grad()
def project_mahalanobis(delta: Tensor, sigma: Tensor, shell: Shell) -> Tensor:
    """The point of the Mahalanobis shell nearest to each row (Proposition 1, exact).

    The shell is r <= |u|_S <= gamma r with |v|_S^2 = sum_j sigma_j v_j^2. A row off it moves to
    u = (I + tau S)^-1 delta, where tau is the root of |u|_S = r (inside, -1 / max sigma < tau <= 0) or of
    |u|_S = gamma r (outside, tau >= 0).

    ``delta`` and ``sigma`` are (B, d) of one type; sigma >= 0. The result has delta's shape and type.
    Returned bit for bit: rows on the shell, rows whose sigma is all 0 (no point is on their shell), rows of
    non-finite length. If delta is 0 where sigma is largest, the root may be the pole tau = -1 / max sigma.
    The first such coordinate then takes what the others lack (with sign +), so delta = 0 gives r / sqrt(max
    sigma) there.

    Raises ``ValueError`` if the shapes differ or sigma has a negative or non-finite entry.
    """
    if delta.shape != sigma.shape:
        raise ValueError(f"delta is {tuple(delta.shape)} but sigma is {tuple(sigma.shape)}")
    if delta.numel() == 0:
        return delta.clone()
    largest = sigma.amax(1, keepdim=True)
    # NaN fails both comparisons, so the two extremes show every bad entry.
    if not (sigma.amin(1).min() >= 0 and largest.max() < math.inf):
        raise ValueError("sigma must be finite and non-negative")
    result = delta * sigma  # the product is scratch for the norm; delta replaces it
    norm = result.mul_(delta).sum(1, keepdim=True).sqrt_()
    target = _off_shell_target(norm, shell)
    # In order of length, the rows of a block need about the same number of iterations.
    rows = norm.flatten().argsort()
    rows = rows[((target > 0) & (largest > 0)).flatten()[rows]]
    result.copy_(delta)
    height = min(len(rows), max(1, BLOCK // delta.shape[1]))
    work = delta.new_empty(7, height, delta.shape[1])
    for block in rows.split(max(1, height)):
        scratch = list(work[:, : len(block)])
        torch.index_select(delta, 0, block, out=scratch[0])
        torch.index_select(sigma, 0, block, out=scratch[1])
        result[block] = _proposition_1(scratch, largest[block], norm[block], target[block])
    return result


def _off_shell_target(norm: Tensor, shell: Shell) -> Tensor:
    """The radius each row must move to, or 0 for a row that stays."""
    target = torch.zeros_like(norm)
    target[norm < shell.radius * (1 - ON_SHELL)] = shell.radius
    target[(norm > shell.outer * (1 + ON_SHELL)) & norm.isfinite()] = shell.outer
    return target


def _proposition_1(work: list[Tensor], largest: Tensor, norm: Tensor, target: Tensor) -> Tensor:
    """u = (I + tau S)^-1 delta on |u|_S = target, for n rows that are all off the shell; (n, 1) the others.

    ``work`` is seven (n, d) buffers: delta, sigma and five that are overwritten. Fresh memory for each
    temporary costs more than the arithmetic.

    With t = 1 + tau sigma_max, rho = sigma / sigma_max and q = 1 - rho, the factor 1 + tau sigma is
    rho t + q: a sum of non-negative terms that loses no digits near the pole t = 0.
    """
    delta, sigma, c, rho, q, p, factor = work
    torch.div(delta, target, out=c).square_().mul_(sigma)  # g(t) = sum c / (rho t + q)^2, root g = 1
    torch.div(sigma, largest, out=rho)
    torch.sub(largest, sigma, out=q).div_(largest)  # exact to the last digit, where 1 - rho would cancel
    t = _newton(c, rho, q, norm / target, p, factor)
    u = torch.addcmul(q, rho, t, out=p)
    torch.div(delta, u, out=u)
    hard = (t <= POLE).flatten()
    if hard.any():
        u[hard] = _fill_at_pole(u[hard], delta[hard], sigma[hard], target[hard])
    return u


def _newton(c: Tensor, rho: Tensor, q: Tensor, ratio: Tensor, p: Tensor, factor: Tensor) -> Tensor:
    """The root t > 0 of g(t) = sum_j c_j / (rho_j t + q_j)^2 = 1 per row, or ``POLE`` where g < 1 even there.

    psi = g^(-1/2) is a power mean of linear functions of t, of order -2: concave and increasing. So a Newton
    step on psi(t) = 1 lands left of the root, and from the left it converges monotonically, as in the secular
    equation of trust regions (More and Sorensen, 1983). The first step is from tau = 0, which is t = 1, where
    g is known: ``ratio`` squared, with ratio = |delta|_S / target. Inside the shell that is right of the root
    and may step too far left, so ``lower`` bounds t: the terms at the largest sigma alone are at most 1.
    Outside the shell rho t + q <= t gives the bound ratio <= t. ``p`` and ``factor`` are buffers.
    """
    lower = torch.eq(q, 0, out=p).mul_(c).sum(1, keepdim=True).sqrt_().clamp_min_(POLE)
    lower = torch.where(ratio > 1, ratio, lower)
    tiny = torch.finfo(c.dtype).tiny  # for delta = 0, where g = slope = 0: the step is then -1, to the pole
    slope = torch.mul(c, rho, out=p).sum(1, keepdim=True)
    root = t = torch.maximum(1 + (ratio.square() + tiny) / (slope + tiny) * (ratio - 1), lower)
    # Newton squares a relative error and never enlarges it on the left, so one step from here is enough.
    close = min(1e-5, math.sqrt(torch.finfo(c.dtype).eps))
    rows = None  # the rows of `root` still at work; None means all
    for _ in range(MAX_ITERATIONS):
        torch.addcmul(q, rho, t, out=factor)
        g = torch.div(c, factor, out=p).div_(factor).sum(1, keepdim=True)
        slope = p.div_(factor).mul_(rho).sum(1, keepdim=True)  # -g' / 2
        error = g.sqrt() - 1
        step = torch.maximum(t + (g + tiny) / (slope + tiny) * error, lower)
        active = ((error.abs() > close) & (step != t)).flatten()
        t = step
        if rows is None:
            root = t
        else:
            root[rows] = t
        count = int(active.sum())
        if count == 0:
            break
        if count <= len(active) // 2:  # few rows are left: copying them costs less than carrying the others
            keep = active.nonzero().flatten()
            rows = keep if rows is None else rows[keep]
            c, rho, q, t, lower = (tensor.index_select(0, keep) for tensor in (c, rho, q, t, lower))
            p, factor = p[:count], factor[:count]
    return root


def _fill_at_pole(u: Tensor, delta: Tensor, sigma: Tensor, target: Tensor) -> Tensor:
    """The hard case tau = -1 / max sigma: the first coordinate k at max sigma takes the remainder.

    sigma_max u_k^2 = target^2 - sum of sigma_j u_j^2 over the smaller sigma_j; u_k has the sign of delta_k.
    """
    largest = sigma.amax(1, keepdim=True)
    u = u.masked_fill(sigma == largest, 0)
    rest = (u * u * sigma).sum(1, keepdim=True)
    first = (sigma == largest).int().argmax(1, keepdim=True)
    size = (target.square() - rest).clamp_min_(0).div_(largest).sqrt_()
    sign = torch.where(delta.gather(1, first) < 0, -1.0, 1.0).to(u.dtype)
    return u.scatter_(1, first, sign * size)
