"""The adversarial ascent and the influence against formulas on networks whose gradients are known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from training.one_class import Ascent, Shell, find_adversarial, influence
from wakeword.errors import TrainingError

WIDE = Shell(radius=1e-3, gamma=1e6)  # holds every point these tests reach, so nothing is projected


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 8), nn.Tanh(), nn.Linear(8, 1))


def test_a_linear_network_moves_along_its_weights():
    w = torch.tensor([3.0, -4.0])
    x = torch.randn(5, 2, generator=seeded(1))
    start = torch.randn(5, 2, generator=seeded())
    u = find_adversarial(lambda v: v @ w, x, WIDE, Ascent(7, 0.1, 100), generator=seeded())
    torch.testing.assert_close(u, x + start + 0.7 * w / 5)


def test_the_ascent_raises_the_loss_of_label_0():
    f = network()
    x = torch.randn(20, 3, 4, generator=seeded(1))
    shell = Shell(2.0, 2.0)
    random, sought = (find_adversarial(f, x, shell, Ascent(m, 0.1, 5), generator=seeded()) for m in (0, 40))
    assert sought.shape == x.shape
    assert not sought.requires_grad
    assert (f(sought) > f(random)).float().mean() > 0.9


@pytest.mark.parametrize(("steps", "every"), [(0, 1), (7, 3), (6, 3), (1, 10)])
def test_the_result_is_on_the_shell(steps, every):
    x = torch.randn(9, 3, 4, generator=seeded(1))
    shell = Shell(5.0, 1.2)
    u = find_adversarial(network(), x, shell, Ascent(steps, 0.1, every), generator=seeded())
    norm = (u - x).flatten(1).norm(dim=1)
    assert (norm >= 5.0 * (1 - 1e-5)).all()
    assert (norm <= 6.0 * (1 + 1e-5)).all()


def test_sigma_gives_the_mahalanobis_shell():
    f = network()
    x = torch.randn(9, 3, 4, generator=seeded(1))
    sigma = influence(f, x)
    u = find_adversarial(f, x, Shell(5.0, 1.0), Ascent(4, 0.1, 2), sigma, generator=seeded())
    h = (u - x).flatten(1)
    torch.testing.assert_close((sigma * h**2).sum(1).sqrt(), torch.full((9,), 5.0), rtol=1e-5, atol=0)
    assert ((h.norm(dim=1) - 5.0).abs() > 1e-3).any()


def test_it_projects_every_few_steps():
    calls = []

    def logit(v):
        calls.append(v.detach().clone())
        return v.sum(1)

    x = torch.zeros(4, 6)
    find_adversarial(logit, x, Shell(10.0, 1.0), Ascent(7, 0.1, 3), generator=seeded())
    on_shell = [bool(((v.norm(dim=1) - 10).abs() < 1e-4).all()) for v in calls]
    assert on_shell == [False, False, False, True, False, False, True]


def test_a_zero_gradient_takes_no_step():
    x = torch.randn(3, 2, generator=seeded(1))
    start = torch.randn(3, 2, generator=seeded())
    u = find_adversarial(lambda v: (v * 0).sum(1), x, WIDE, Ascent(5, 0.1, 5), generator=seeded())
    torch.testing.assert_close(u, x + start)


def test_no_gradient_reaches_the_parameters():
    f = network()
    x = torch.randn(5, 3, 4)
    find_adversarial(f, x, Shell(1.0, 2.0), Ascent(3, 0.1, 2), influence(f, x), generator=seeded())
    assert all(p.grad is None for p in f.parameters())
    assert all(p.requires_grad for p in f.parameters())


def test_the_generator_decides():
    f, x = network(), torch.zeros(5, 3, 4)
    first, again, other = (
        find_adversarial(f, x, Shell(1.0, 2.0), Ascent(3, 0.1, 2), generator=seeded(s)) for s in (4, 4, 5)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_an_example_does_not_depend_on_the_others():
    f, x = network(), torch.randn(6, 3, 4, generator=seeded(1))
    changed = torch.cat([x[:2], 100 * x[2:]])
    u, v = (find_adversarial(f, z, Shell(1.0, 2.0), Ascent(5, 0.1, 2), generator=seeded()) for z in (x, changed))
    torch.testing.assert_close(u[:2], v[:2])


def test_it_works_where_gradients_are_off_and_on_no_examples():
    f = network()
    with torch.no_grad():
        u = find_adversarial(f, torch.zeros(2, 3, 4), Shell(1.0, 2.0), Ascent(3, 0.1, 2), generator=seeded())
        assert influence(f, torch.zeros(2, 3, 4)).shape == (2, 12)
    assert u.shape == (2, 3, 4)
    empty = torch.zeros(0, 3, 4)
    assert find_adversarial(f, empty, Shell(1.0, 2.0), Ascent(3, 0.1, 2), generator=seeded()).shape == empty.shape
    assert influence(f, empty).shape == (0, 12)


def test_influence_is_the_scaled_gradient_of_the_loss():
    f, x = network(), torch.randn(6, 3, 4, generator=seeded(1)).requires_grad_(True)
    bce = nn.functional.binary_cross_entropy_with_logits(f(x), torch.ones(6, 1), reduction="sum")
    gradient = torch.autograd.grad(bce, x)[0].flatten(1).abs()
    sigma = influence(f, x)
    torch.testing.assert_close(sigma, gradient / gradient.mean(1, keepdim=True))
    torch.testing.assert_close(sigma.mean(1), torch.ones(6))
    assert not sigma.requires_grad


def test_influence_survives_a_saturated_loss():
    w = torch.tensor([1.0, -3.0])
    sigma = influence(lambda v: v @ w + 1000, torch.zeros(2, 2))
    torch.testing.assert_close(sigma, torch.tensor([[0.5, 1.5], [0.5, 1.5]]))


def test_influence_of_a_flat_network_is_the_euclidean_shell():
    assert torch.equal(influence(lambda v: (v * 0).sum(1), torch.randn(2, 3)), torch.ones(2, 3))


def test_a_broken_network_is_named():
    with pytest.raises(TrainingError, match="not finite"):
        influence(lambda v: v.sum(1) * math.nan, torch.zeros(2, 3))


@pytest.mark.parametrize(("steps", "step_size", "every"), [(-1, 0.1, 1), (1, 0.0, 1), (1, math.nan, 1), (1, 0.1, 0)])
def test_bad_settings_are_refused(steps, step_size, every):
    with pytest.raises(ValueError, match="must be"):
        Ascent(steps, step_size, every)
