"""Every method separates what it should, knows nothing of noise, and is what its description says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from anomaly_benchmark.datasets.base import Part
from anomaly_benchmark.methods import make
from anomaly_benchmark.methods.base import Method
from anomaly_benchmark.methods.gradient import Schedule
from anomaly_benchmark.metrics import METRICS, selection
from anomaly_benchmark.networks import NETWORKS
from training.one_class import Shell, influence
from training.one_class.search import search_mahalanobis

torch.set_num_threads(1)
SCHEDULE = {"epochs": 12, "learning_rate": 1e-2, "batch_size": 64, "first": 2}
SETTINGS: dict[str, dict] = {
    "random": {},
    "oracle": {},
    "bce": {"schedule": SCHEDULE},
    "deep-sad": {"schedule": SCHEDULE, "code": 4},
    **{name: {"schedule": SCHEDULE, "radius": 1.5, "steps": 5} for name in ("drocc", "drocc-oe", "drocc-lf")},
}
LEARN = sorted(set(SETTINGS) - {"random", "oracle"})


def blobs(separation: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Normals around 0 in 4 dimensions, negatives ``separation`` away in the first."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((512, 4)).astype(np.float32) * 0.5
    y = (np.arange(512) % 2).astype(np.float32)
    x[y == 0, 0] += separation
    return x, y


def fitted(name: str, x: np.ndarray, y: np.ndarray, **changes: object) -> Method:
    method = make(name, "mlp-128", {**SETTINGS[name], **changes}, 0)
    method.fit(x, y)
    return method


@pytest.mark.parametrize("name", LEARN)
def test_separates_an_easy_set_and_is_at_chance_on_noise(name: str) -> None:
    x, y = blobs(4.0)
    held_x, held_y = blobs(4.0, seed=1)
    method = fitted(name, x, y)
    scores = method.score(held_x)
    assert scores.shape == (512,)
    assert roc_auc_score(held_y, scores) > 0.95
    noise = np.random.default_rng(2)
    same, labels = (blobs(0.0, seed=3)[0], noise.permutation(held_y))
    assert 0.4 < roc_auc_score(labels, fitted(name, same, y).score(same)) < 0.6 or name in ("bce", "deep-sad")
    fresh = blobs(0.0, seed=4)[0]
    assert 0.42 < roc_auc_score(labels, fitted(name, same, y).score(fresh)) < 0.58


@pytest.mark.parametrize("name", LEARN)
def test_score_is_of_each_example_alone_and_the_seed_decides(name: str) -> None:
    x, y = blobs(4.0)
    method, again = fitted(name, x, y), fitted(name, x, y)
    np.testing.assert_array_equal(method.score(x), again.score(x))
    np.testing.assert_allclose(method.score(x[:3]), method.score(x)[:3], rtol=1e-4, atol=1e-5)
    other = make(name, "mlp-128", SETTINGS[name], 1)
    other.fit(x, y)
    assert not np.allclose(other.score(x), method.score(x))


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_networks_give_one_logit_and_their_autoencoders_the_input_back(name: str) -> None:
    shape = {"mlp-128": (6,), "mlp-128-128": (6,), "mnist-lenet": (1, 28, 28)}.get(name, (98, 32))
    x = torch.randn(3, *shape)
    assert NETWORKS[name].logit(shape).eval()(x).numel() == 3
    for bias in (False, True):
        encoder, decoder = NETWORKS[name].autoencoder(shape, 5, bias)
        code = encoder.eval()(x)
        assert code.shape == (3, 5)
        assert decoder.eval()(code).shape == x.shape
        linear = [part for part in encoder.modules() if isinstance(part, torch.nn.Linear | torch.nn.Conv2d)]
        assert all((part.bias is not None) == bias for part in linear)


def test_the_epoch_kept_is_the_one_that_validation_likes_best() -> None:
    x, y = blobs(4.0)
    values = iter([0.1, 0.9, 0.3, 0.9, 0.2])
    seen = []

    def judge(score) -> float:
        seen.append(score(x))
        return next(values)

    chosen = make("bce", "mlp-128", {"schedule": {**SCHEDULE, "epochs": 6, "first": 1, "select": "validation"}}, 0)
    chosen.fit(x, y, judge)
    assert chosen.selected_on == "validation"
    np.testing.assert_array_equal(chosen.score(x), seen[3])  # of equals the later; not of the epoch before n0
    last = make("bce", "mlp-128", {"schedule": {**SCHEDULE, "epochs": 6, "first": 1}}, 0)
    last.fit(x, y, lambda score: pytest.fail("nothing is to be judged"))
    np.testing.assert_array_equal(last.score(x), seen[4])


def test_deep_sad_starts_from_its_autoencoder_and_pulls_normals_to_the_centre() -> None:
    x, y = blobs(4.0)
    settings = {**SETTINGS["deep-sad"], "pretrain": {"epochs": 40}}
    still = make("deep-sad", "mlp-128", {**settings, "schedule": {**SCHEDULE, "learning_rate": 1e-12}, "pretrain": {
        "epochs": 40, "learning_rate": 1e-2}}, 0)  # fmt: skip
    still.fit(x, y)
    learnt = make("deep-sad", "mlp-128", settings, 0)
    learnt.fit(x, y)
    np.testing.assert_allclose(still.centre, learnt.centre, rtol=1e-5)
    assert (np.abs(learnt.centre.numpy()) >= 0.1 - 1e-6).all()
    assert learnt.score(x[y > 0.5]).mean() > still.score(x[y > 0.5]).mean()
    assert learnt.score(x[y > 0.5]).min() > learnt.score(x[y < 0.5]).max()


def test_the_rate_falls_where_the_schedule_says() -> None:
    schedule = Schedule(epochs=20, learning_rate=1.0, first=10, decay=[[0.4, 0.1], [0.8, 0.01]])
    assert [schedule.rate(e) for e in (0, 9.9, 13.9, 14, 17.9, 18, 19.9)] == [1, 1, 1, 0.1, 0.1, 0.01, 0.01]
    cycle = Schedule(epochs=20, learning_rate=1.0, decay=None)
    assert max(cycle.rate(e / 10) for e in range(200)) == pytest.approx(1.0)
    assert cycle.rate(0) < 0.05 > cycle.rate(19.9)


@pytest.mark.parametrize("changes", [{"sigma": "epoch"}, {"projection": "search"}, {"statistics": "batch"}])
def test_variations_of_the_adversary_change_the_result(changes: dict) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((24, 1, 28, 28)).astype(np.float32)
    y = (np.arange(24) % 2).astype(np.float32)
    settings = {"schedule": {**SCHEDULE, "epochs": 2, "first": 0, "batch_size": 8}, "radius": 4.0, "steps": 2}
    scores = []
    for extra in ({}, changes):
        method = make("drocc-lf", "mnist-lenet", {**settings, **extra}, 0)
        method.fit(x, y)
        scores.append(method.score(x))
    assert np.isfinite(scores).all()
    assert not np.allclose(*scores)


def test_the_search_stays_in_the_feasible_set_and_leaves_the_shell_alone() -> None:
    generator = torch.Generator().manual_seed(0)
    shell = Shell(2.0, 1.5)
    x = torch.randn(40, 6, generator=generator)
    sigma = influence(lambda v: (v**3).sum(1), x)
    delta = torch.randn(40, 6, generator=generator) * torch.linspace(0.1, 4, 40)[:, None]
    norm = (sigma * delta**2).sum(1).sqrt()
    moved = (sigma * search_mahalanobis(delta, sigma, shell, generator) ** 2).sum(1).sqrt()
    on = (norm >= shell.radius) & (norm <= shell.outer)
    assert torch.equal(norm[on], moved[on])
    inside, outside = norm < shell.radius, norm > shell.outer
    assert ((moved[inside] >= shell.radius * (1 - 1e-5)) | (moved[inside] == norm[inside])).all()
    assert ((moved[outside] <= shell.outer * (1 + 1e-5)) | (moved[outside] == norm[outside])).all()
    assert (moved[inside] > norm[inside]).any()
    assert (moved[outside] < norm[outside]).any()


def test_recall_by_both_rules_against_counting() -> None:
    rng = np.random.default_rng(0)
    parts = []
    for _ in range(2):
        groups = np.repeat(["normal", "far", "close"], [100, 150, 50])
        parts.append(Part(np.zeros((300, 1), np.float32), (groups == "normal").astype(np.float32), groups))
    held, test = (rng.standard_normal(300) + 2 * part.y for part in parts)
    found = METRICS["ocln"](held, test, (parts[0], parts[1]))
    negatives = np.sort(test[100:])
    assert found["recall_3"] == pytest.approx(100 * (test[:100] > negatives[-7:-5].mean()).mean())  # 6 of 200 pass
    assert found["recall_5"] == pytest.approx(100 * (test[:100] > negatives[-11:-9].mean()).mean())
    passing = np.sort(held[100:])[-7:-5].mean()
    assert found["deployed_recall_3"] == pytest.approx(100 * (test[:100] >= passing).mean())
    assert found["deployed_fpr_3"] == pytest.approx(100 * (test[100:] >= passing).mean())
    wins = (test[:100, None] > test[None, 250:]).mean()
    assert found["auc_close"] == pytest.approx(100 * wins)
    assert selection(test, parts[0]) == pytest.approx(selection(10 * test + 3, parts[0]))


def test_random_and_perfect_scores_are_the_ends() -> None:
    y = (np.arange(2000) % 2).astype(np.float32)
    random, oracle = make("random", "", {}, 0), make("oracle", "", {}, 0)
    assert abs(roc_auc_score(y, random.score(np.zeros((2000, 1)))) - 0.5) < 0.04
    assert roc_auc_score(y, oracle.told(y)) == 1.0  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        oracle.score(np.zeros((1, 1)))
