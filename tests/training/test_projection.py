"""The shell projections against slow oracles: a grid over tau, a bracketed root and the KKT equation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.optimize import brentq
from torch import Tensor

from training.one_class import Shell, project_mahalanobis, project_sphere
from training.one_class import projection as module


def length(v: Tensor, sigma: Tensor) -> Tensor:
    """|v|_S per row in float64."""
    return (sigma.double() * v.double() ** 2).sum(1).sqrt()


def random_batch(d: int, rows: int = 48, spread: float = 6.0, seed: int = 0) -> tuple[Tensor, Tensor]:
    """float32 rows with |delta|_S from 0.05 to 20 and sigma over ``spread`` orders of magnitude."""
    generator = torch.Generator().manual_seed(seed)
    sigma = 10 ** (spread * (torch.rand(rows, d, generator=generator) - 0.5))
    delta = torch.randn(rows, d, generator=generator)
    lengths = torch.logspace(math.log10(0.05), math.log10(20), rows, dtype=torch.float64)
    delta = (delta * (lengths / length(delta, sigma)).unsqueeze(1)).float()
    return delta, sigma


def root_projection(delta: Tensor, sigma: Tensor, shell: Shell) -> Tensor:
    """Proposition 1 by scipy's brentq in float64, row by row."""
    result = delta.double().clone()
    for row, norm in enumerate(length(delta, sigma).tolist()):
        if shell.radius <= norm <= shell.outer:
            continue
        d, s = delta[row].double().numpy(), sigma[row].double().numpy()
        target = shell.radius if norm < shell.radius else shell.outer
        top = s.max()
        # In t = 1 + tau max sigma, so that the pole is at 0 and no digits cancel.
        rho, q = s / top, (top - s) / top

        def log_excess(log_t, d=d, s=s, rho=rho, q=q, target=target):
            return np.log((d**2 * s / (rho * np.exp(log_t) + q) ** 2).sum()) - 2 * np.log(target)

        ends = (-40.0, 0.0) if norm < shell.radius else (0.0, 60.0)
        t = np.exp(brentq(log_excess, *ends, xtol=1e-14, rtol=1e-14))
        result[row] = torch.from_numpy(d / (rho * t + q))
    return result


@pytest.mark.parametrize("d", [1, 2, 7, 100, 3136])
@pytest.mark.parametrize("spread", [0.0, 1.0, 6.0])
def test_matches_the_bracketed_root(d, spread):
    shell = Shell(radius=1.0, gamma=2.0)
    delta, sigma = random_batch(d, spread=spread)
    exact = project_mahalanobis(delta, sigma, shell)
    expected = root_projection(delta, sigma, shell)
    norm = length(delta, sigma)
    target = norm.clamp(shell.radius, shell.outer)
    assert ((norm < 1).sum(), (norm > 2).sum()) > (5, 5)
    torch.testing.assert_close(length(exact, sigma), target, rtol=2e-6, atol=0)
    difference = length(exact.double() - expected, sigma)
    assert (difference <= 2e-5 * target).all(), difference.max()


def test_float64_is_exact_to_float64():
    shell = Shell(radius=0.3, gamma=1.7)
    delta, sigma = (tensor.double() for tensor in random_batch(50))
    exact = project_mahalanobis(delta, sigma, shell)
    target = length(delta, sigma).clamp(shell.radius, shell.outer)
    assert exact.dtype == torch.float64
    torch.testing.assert_close(length(exact, sigma), target, rtol=1e-11, atol=0)


@pytest.mark.parametrize("d", [3, 40])
def test_never_worse_than_a_dense_grid_over_tau(d):
    shell = Shell(radius=1.0, gamma=1.5)
    delta, sigma = random_batch(d, rows=24, spread=2.0, seed=1)
    exact = project_mahalanobis(delta, sigma, shell)
    compared = 0
    for row, norm in enumerate(length(delta, sigma).tolist()):
        z, s = delta[row].double(), sigma[row].double()
        if shell.radius <= norm <= shell.outer:
            continue
        unit = torch.linspace(0, 1, 20001, dtype=torch.float64)[1:-1, None]
        tau = -unit / s.max() if norm < shell.radius else unit / (1 - unit) / s.mean()
        points = z / (1 + tau * s)
        g = (s * points**2).sum(1)
        feasible = g >= shell.radius**2 if norm < shell.radius else g <= shell.outer**2
        theirs = (points - z).square().sum(1)[feasible].min()
        ours = (exact[row].double() - z).square().sum()
        assert ours <= theirs * (1 + 1e-5)
        assert ours >= theirs * (1 - 0.05)  # the grid is dense: it comes close to the optimum
        compared += 1
    assert compared > 10


@pytest.mark.parametrize("d", [2, 300])
def test_satisfies_the_stationarity_condition(d):
    """(u - z) + tau S u = 0 for one tau per row, of the right sign and right of the pole."""
    shell = Shell(radius=1.0, gamma=2.0)
    delta, sigma = (tensor.double() for tensor in random_batch(d, spread=3.0, seed=2))
    u = project_mahalanobis(delta, sigma, shell)
    pull = sigma * u
    tau = ((delta - u) * pull).sum(1) / pull.square().sum(1)
    residual = (u - delta) + tau.unsqueeze(1) * pull
    assert (residual.norm(dim=1) <= 1e-8 * (u.norm(dim=1) + delta.norm(dim=1))).all()
    norm = length(delta, sigma)
    assert (tau[norm < 1] < 0).all()
    assert (tau[norm < 1] > -1 / sigma[norm < 1].amax(1)).all()
    assert (tau[norm > 2] > 0).all()
    assert (tau[(norm > 1) & (norm < 2)] == 0).all()


def test_no_point_of_the_shell_is_nearer():
    generator = torch.Generator().manual_seed(3)
    delta, sigma = (tensor.double() for tensor in random_batch(3, rows=16, spread=1.0, seed=3))
    u = project_mahalanobis(delta, sigma, Shell(1.0, 1.0))
    others = torch.randn(20000, 3, generator=generator, dtype=torch.float64)
    for row in range(len(delta)):
        points = others / length(others, sigma[row : row + 1]).unsqueeze(1)
        nearest = (points - delta[row]).norm(dim=1).min()
        assert (u[row] - delta[row]).norm() <= nearest * (1 + 1e-9)


@pytest.mark.parametrize("project", [project_sphere, lambda v, s: project_mahalanobis(v, torch.ones_like(v), s)])
def test_rows_on_the_shell_are_bit_identical_and_projection_is_idempotent(project):
    shell = Shell(radius=1.0, gamma=2.0)
    delta, _ = random_batch(64, spread=0.0)
    once = project(delta, shell)
    between = (delta.norm(dim=1) > 1) & (delta.norm(dim=1) < 2)
    assert 0 < between.sum() < len(delta)
    assert torch.equal(once[between], delta[between])
    assert not torch.equal(once, delta)
    assert torch.equal(project(once, shell), once)


def test_equal_sigma_is_the_sphere():
    delta, _ = random_batch(20, spread=0.0)
    shell = Shell(0.7, 1.3)
    torch.testing.assert_close(project_mahalanobis(delta, torch.ones_like(delta), shell), project_sphere(delta, shell))


def test_sphere_scales_by_the_clipped_length():
    delta = torch.tensor([[0.3, 0.4], [3.0, 4.0], [30.0, 40.0], [0.0, 0.0]])
    expected = torch.tensor([[1.2, 1.6], [3.0, 4.0], [3.6, 4.8], [2.0, 0.0]])
    torch.testing.assert_close(project_sphere(delta, Shell(2.0, 3.0)), expected)


def test_hard_case_the_first_largest_coordinate_takes_the_remainder():
    # At the pole tau = -1/4 the second coordinate is 0.5 / (1 - 1/4), and the first must supply the rest.
    delta = torch.tensor([[0.0, 0.5, 0.0], [-1e-30, 0.5, 0.0], [1e-30, 0.5, 0.0]])
    sigma = torch.tensor([[4.0, 1.0, 4.0]]).expand(3, 3)
    u = project_mahalanobis(delta, sigma, Shell(1.0, 1.0))
    second = 0.5 / 0.75
    first = math.sqrt((1 - second**2) / 4)
    expected = torch.tensor([[first, second, 0], [-first, second, 0], [first, second, 0]])
    torch.testing.assert_close(u, expected)


def test_no_hard_case_when_the_other_coordinates_reach_the_shell():
    # delta is 0 at the largest sigma, but the others reach the target before the pole.
    delta, sigma = torch.tensor([[0.0, 0.9]]), torch.tensor([[2.0, 1.0]])
    torch.testing.assert_close(project_mahalanobis(delta, sigma, Shell(1.0, 1.0)), torch.tensor([[0.0, 1.0]]))


@pytest.mark.parametrize("small", [1e-3, 1e-6, 1e-9, 1e-12])
def test_small_but_not_zero_at_the_largest_sigma(small):
    """Close to the hard case: the plain form of 1 + tau sigma would lose every digit here."""
    delta, sigma = torch.tensor([[small, 0.5]]), torch.tensor([[4.0, 1.0]])
    shell = Shell(1.0, 1.0)
    u = project_mahalanobis(delta, sigma, shell)
    torch.testing.assert_close(length(u, sigma), torch.ones(1, dtype=torch.float64), rtol=2e-6, atol=0)
    torch.testing.assert_close(u.double(), root_projection(delta, sigma, shell), rtol=1e-5, atol=0)


def test_nearly_equal_largest_sigma_near_the_pole():
    """1 - sigma / max sigma would be rounded in its first digits; the point must still be the exact one."""
    top = torch.tensor(3.0)
    sigma = torch.stack([top, top * (1 - 5 * 2.0**-23), top * (1 - 21 * 2.0**-23)]).unsqueeze(0)
    delta = torch.tensor([[1e-6, 1e-6, 1e-6]])
    shell = Shell(1.0, 1.0)
    expected = root_projection(delta, sigma, shell)
    torch.testing.assert_close(project_mahalanobis(delta, sigma, shell).double(), expected, rtol=1e-5, atol=0)


def test_the_slowest_case_converges():
    # The second coordinate reaches the target exactly at the pole: each Newton step grows t by only half.
    delta, sigma = torch.tensor([[1e-12, 0.75]]), torch.tensor([[4.0, 1.0]])
    u = project_mahalanobis(delta, sigma, Shell(1.0, 1.0))
    torch.testing.assert_close(length(u, sigma), torch.ones(1, dtype=torch.float64), rtol=1e-5, atol=0)


def test_zero_delta_goes_to_the_first_coordinate_of_largest_sigma():
    u = project_mahalanobis(torch.zeros(1, 4), torch.tensor([[1.0, 4.0, 4.0, 0.0]]), Shell(3.0, 2.0))
    torch.testing.assert_close(u, torch.tensor([[0.0, 1.5, 0.0, 0.0]]))


def test_delta_only_where_sigma_is_zero():
    u = project_mahalanobis(torch.tensor([[7.0, 0.0]]), torch.tensor([[0.0, 4.0]]), Shell(3.0, 2.0))
    torch.testing.assert_close(u, torch.tensor([[7.0, 1.5]]))


def test_a_row_of_zero_sigma_is_unchanged():
    delta = torch.tensor([[0.1, 0.2], [0.1, 0.2]])
    u = project_mahalanobis(delta, torch.tensor([[0.0, 0.0], [1.0, 1.0]]), Shell(1.0, 1.0))
    assert torch.equal(u[0], delta[0])
    assert not torch.equal(u[1], delta[1])


def test_blocks_do_not_change_the_result(monkeypatch):
    delta, sigma = random_batch(30)
    shell = Shell(1.0, 2.0)
    whole = project_mahalanobis(delta, sigma, shell)
    monkeypatch.setattr(module, "BLOCK", 100)
    torch.testing.assert_close(project_mahalanobis(delta, sigma, shell), whole, rtol=1e-4, atol=1e-6)


def test_inputs_are_left_alone_and_strides_do_not_matter():
    delta, sigma = random_batch(30)
    before = delta.clone(), sigma.clone()
    shell = Shell(1.0, 2.0)
    u = project_mahalanobis(delta, sigma, shell)
    assert torch.equal(delta, before[0])
    assert torch.equal(sigma, before[1])
    strided = project_mahalanobis(delta.T.contiguous().T, sigma.T.contiguous().T, shell)
    torch.testing.assert_close(strided, u, rtol=1e-5, atol=1e-7)
    assert project_mahalanobis(delta[:0], sigma[:0], shell).shape == (0, 30)


@pytest.mark.parametrize("bad", [-1e-9, math.nan, math.inf, -math.inf])
def test_bad_sigma_is_refused(bad):
    sigma = torch.ones(2, 3)
    sigma[1, 1] = bad
    with pytest.raises(ValueError, match="finite and non-negative"):
        project_mahalanobis(torch.ones(2, 3), sigma, Shell(1.0, 1.0))


def test_different_shapes_are_refused():
    with pytest.raises(ValueError, match="sigma is"):
        project_mahalanobis(torch.ones(2, 3), torch.ones(3), Shell(1.0, 1.0))


@pytest.mark.parametrize(("radius", "gamma"), [(0, 2), (-1, 2), (math.nan, 2), (1, 0.99), (1, math.inf)])
def test_bad_shells_are_refused(radius, gamma):
    with pytest.raises(ValueError, match="must be a"):
        Shell(radius, gamma)
