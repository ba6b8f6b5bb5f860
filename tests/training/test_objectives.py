"""The losses against hand-written formulas, and one toy that DROCC must learn."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from training.one_class import (
    OBJECTIVES,
    Ascent,
    OneClassSettings,
    Shell,
    find_adversarial,
    influence,
    loss,
)

SETTINGS = OneClassSettings(radius=1.0, gamma=2.0, mu=0.5, ascent=Ascent(3, 0.1, 2))


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def softplus(logits: torch.Tensor) -> torch.Tensor:
    """l(f, 0) = log(1 + e^f); l(f, 1) = softplus(-f)."""
    return torch.log1p(torch.exp(logits))


@pytest.fixture(autouse=True)
def one_thread():
    """These networks are so small that a second thread only waits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def batch():
    torch.manual_seed(0)
    f = nn.Sequential(nn.Flatten(), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 1))
    return f, torch.randn(8, 2, 3), torch.tensor([1, 0, 1, 1, 0, 0, 1, 0])


def evaluate(name, batch, adversarial=True, **options):
    f, x, y = batch
    return loss(OBJECTIVES[name], SETTINGS, f, x, y, seeded(), adversarial, **options)


@pytest.mark.parametrize("name", ["bce", "drocc-oe", "drocc-lf"])
def test_classification_is_the_mean_over_the_batch(name, batch):
    f, x, y = batch
    logits = f(x).flatten()
    expected = torch.where(y == 1, softplus(-logits), softplus(logits)).mean()
    torch.testing.assert_close(evaluate(name, batch).classification, expected)


def test_drocc_uses_only_the_positives(batch):
    f, x, y = batch
    torch.testing.assert_close(evaluate("drocc", batch).classification, softplus(-f(x[y == 1])).mean())


@pytest.mark.parametrize("name", ["drocc", "drocc-oe", "drocc-lf"])
def test_total_adds_mu_times_the_adversarial_mean(name, batch):
    f, x, y = batch
    positive = x[y == 1]
    sigma = influence(f, positive) if name == "drocc-lf" else None
    points = find_adversarial(f, positive, Shell(1.0, 2.0), SETTINGS.ascent, sigma, generator=seeded())
    parts = evaluate(name, batch)
    torch.testing.assert_close(parts.adversarial, softplus(f(points)).mean())
    torch.testing.assert_close(parts.total, parts.classification + 0.5 * parts.adversarial)


def test_the_two_shells_differ(batch):
    assert evaluate("drocc-oe", batch).adversarial != evaluate("drocc-lf", batch).adversarial


@pytest.mark.parametrize(("name", "adversarial"), [("bce", True), ("drocc-lf", False)])
def test_without_the_adversarial_term(name, adversarial, batch):
    parts = evaluate(name, batch, adversarial)
    assert parts.adversarial == 0
    assert parts.total == parts.classification > 0


def test_weights_make_a_weighted_mean(batch):
    f, x, y = batch
    weight = torch.tensor([1.0, 2.0, 0.0, 3.0, 1.0, 0.5, 2.0, 0.0])
    logits = f(x).flatten()
    each = torch.where(y == 1, softplus(-logits), softplus(logits))
    torch.testing.assert_close(evaluate("bce", batch, weight=weight).total, (weight * each).sum() / weight.sum())
    chosen = y == 1
    expected = (weight * each)[chosen].sum() / weight[chosen].sum()
    torch.testing.assert_close(evaluate("drocc", batch, weight=weight).classification, expected)


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_a_batch_without_positives(name, batch):
    f, x, _ = batch
    parts = evaluate(name, (f, x, torch.zeros(8)))
    assert parts.adversarial == 0
    parts.total.backward()
    expected = softplus(f(x)).mean() if OBJECTIVES[name].uses_negatives else torch.tensor(0.0)
    torch.testing.assert_close(parts.total, expected)


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_gradients_are_those_of_the_formula(name, batch):
    """The ascent leaves nothing behind: backward gives the gradient of the terms at the points found."""
    f = batch[0]
    parts = evaluate(name, batch)
    assert all(p.grad is None for p in f.parameters())
    parts.total.backward()
    found = [p.grad.clone() for p in f.parameters()]
    again = evaluate(name, batch).total
    for gradient, expected in zip(found, torch.autograd.grad(again, list(f.parameters())), strict=True):
        torch.testing.assert_close(gradient, expected)
    assert any(g.abs().max() > 0 for g in found)


def test_the_table_of_objectives():
    table = {name: (o.uses_negatives, o.shell) for name, o in OBJECTIVES.items()}
    assert table == {
        "bce": (True, None),
        "drocc": (False, "sphere"),
        "drocc-oe": (True, "sphere"),
        "drocc-lf": (True, "mahalanobis"),
    }
    assert all(o.name == name for name, o in OBJECTIVES.items())


@pytest.mark.parametrize(
    ("radius", "gamma", "mu"), [(0.0, 2.0, 1.0), (1.0, 0.5, 1.0), (1.0, 2.0, -1.0), (1.0, 2.0, math.nan)]
)
def test_bad_settings_are_refused(radius, gamma, mu):
    with pytest.raises(ValueError, match="must be"):
        OneClassSettings(radius, gamma, mu, Ascent(1, 0.1, 1))


def moon(n: int, seed: int) -> torch.Tensor:
    """n points of a noisy half circle."""
    angle = math.pi * torch.rand(n, generator=seeded(seed))
    points = torch.stack([angle.cos(), angle.sin()], 1)
    return points + 0.03 * torch.randn(n, 2, generator=seeded(seed + 1))


def moon_auc(adversarial: bool) -> float:
    """AUC of one moon against the other after a short training on the first alone."""
    torch.manual_seed(0)
    f = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1))
    optimiser = torch.optim.Adam(f.parameters(), lr=5e-3)
    settings = OneClassSettings(radius=0.4, gamma=2.0, mu=1.0, ascent=Ascent(5, 0.05, 5))
    x, generator = moon(96, seed=1), seeded(2)
    for step in range(160):
        optimiser.zero_grad()
        now = adversarial and step >= 10
        loss(OBJECTIVES["drocc"], settings, f, x, torch.ones(96), generator, now).total.backward()
        optimiser.step()
    with torch.no_grad():
        normal, other = f(moon(200, seed=3)), f(torch.tensor([1.0, 0.5]) - moon(200, seed=5))
    return float((normal > other.T).float().mean())


def test_drocc_learns_one_moon_without_seeing_the_other():
    assert moon_auc(adversarial=True) > 0.93
    assert moon_auc(adversarial=False) < 0.88  # it is the adversarial term that separates
