"""The methods on normals alone: each separates what it should, knows nothing of noise, and does what its paper says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.svm import OneClassSVM

from anomaly_benchmark.methods import METHODS, make
from anomaly_benchmark.methods.base import Method
from anomaly_benchmark.methods.deep import DeepOnNormals
from training.one_class import Shell, project_sphere

torch.set_num_threads(1)
SCHEDULE = {"epochs": 20, "learning_rate": 1e-2, "batch_size": 64, "first": 4}
WITHOUT_SCHEDULE = ("oc-svm", "oc-svm-poly", "isolation-forest", "lof", "knn", "nearest-neighbour")
SETTINGS: dict[str, dict] = {
    **{name: {} for name in WITHOUT_SCHEDULE},
    "ae": {"schedule": SCHEDULE, "code": 1},
    "e2e-ae": {"schedule": SCHEDULE},
    "dcn": {"schedule": SCHEDULE, "code": 4},
    "dagmm": {"schedule": {**SCHEDULE, "epochs": 40}, "code": 4},
    "rebm": {"schedule": SCHEDULE},
    "deep-svdd": {"schedule": SCHEDULE, "code": 8},
    "deep-svdd-soft": {"schedule": SCHEDULE, "code": 8},
    "goad": {"schedule": {**SCHEDULE, "epochs": 4}, "maps": 8, "width": 8},
    "drocc-rand": {"schedule": SCHEDULE, "radius": 1.5},
    "drocc": {"schedule": SCHEDULE, "radius": 1.5, "steps": 5},
}
SERIES: dict[str, dict] = {
    "knn": {},
    "isolation-forest": {},
    "lstm-ae": {"schedule": SCHEDULE, "code": 4},
    "rebm": {"schedule": SCHEDULE},
    "deep-svdd": {"schedule": SCHEDULE},
    "deep-svdd-soft": {"schedule": SCHEDULE},
    "drocc-rand": {"schedule": {**SCHEDULE, "epochs": 40}, "radius": 8.0},
    "drocc": {"schedule": SCHEDULE, "radius": 2.0, "steps": 3},
}


def test_every_method_of_normals_alone_is_tested_here() -> None:
    others = {"random", "oracle", "bce", "deep-sad", "drocc-oe", "drocc-lf"}
    assert set(SETTINGS) | set(SERIES) == set(METHODS) - others


def rows(seed: int, far: bool) -> tuple[np.ndarray, np.ndarray]:
    """Normals around 0 in 4 dimensions; the others on a sphere of eight of their standard deviations, or just alike."""
    rng = np.random.default_rng(seed)
    x = 0.5 * rng.standard_normal((400, 4))
    y = (np.arange(400) % 2).astype(np.float32)
    if far:
        away = rng.standard_normal((200, 4))
        x[y == 0] = 4 * away / np.linalg.norm(away, axis=1, keepdims=True)
    return x.astype(np.float32), y


def series(seed: int, far: bool) -> tuple[np.ndarray, np.ndarray]:
    """(N, 20, 2): slow waves of any phase; the others quick and three times as high, or just alike."""
    rng = np.random.default_rng(seed)
    y = (np.arange(160) % 2).astype(np.float32)
    other = (y == 0) & far
    turns = np.where(other, 2.0, 0.4)[:, None] * np.arange(20) + rng.uniform(0, 6.3, (160, 1))
    x = np.stack([np.sin(turns), np.cos(turns)], axis=2) * np.where(other, 3.0, 1.0)[:, None, None]
    return (x + 0.1 * rng.standard_normal(x.shape)).astype(np.float32), y


def fitted(name: str, network: str, settings: dict, x: np.ndarray, y: np.ndarray) -> Method:
    method = make(name, network, settings, 0)
    method.fit(x, y)
    return method


@pytest.mark.parametrize("name", SETTINGS)
def test_rows_an_easy_set_and_shuffled_noise(name: str) -> None:
    x, y = rows(0, far=True)
    method = fitted(name, "mlp-128", SETTINGS[name], x, y)
    held, labels = rows(1, far=True)
    scores = method.score(held)
    assert scores.shape == (400,)
    assert roc_auc_score(labels, scores) > 0.95
    np.testing.assert_allclose(method.score(held[:3]), scores[:3], rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(fitted(name, "mlp-128", SETTINGS[name], x, y).score(held), scores)
    unlabelled = fitted(name, "mlp-128", SETTINGS[name], x[y > 0.5], y[y > 0.5])
    np.testing.assert_array_equal(unlabelled.score(held), scores)  # it never looked at the label 0
    rng = np.random.default_rng(2)
    noise, fresh = (rng.permuted(held, axis=0) for _ in range(2))  # each feature shuffled on its own
    assert 0.4 < roc_auc_score(labels, fitted(name, "mlp-128", SETTINGS[name], noise, y).score(fresh)) < 0.6


@pytest.mark.parametrize("name", SERIES)
def test_series_an_easy_set_and_shuffled_noise(name: str) -> None:
    x, y = series(0, far=True)
    held, labels = series(1, far=True)
    method = fitted(name, "lstm-32", SERIES[name], x, y)
    assert roc_auc_score(labels, method.score(held)) > 0.95
    noise, fresh = (np.random.default_rng(seed).permuted(held, axis=0) for seed in (2, 3))
    assert 0.35 < roc_auc_score(labels, fitted(name, "lstm-32", SERIES[name], noise, y).score(fresh)) < 0.65


def test_candidates_are_fitted_and_validation_chooses() -> None:
    x, y = rows(0, far=True)
    method = make("knn", "", {"k": [1, 3, 9]}, 0)
    assert method.selected_on == "validation"
    wanted = iter([0.2, 0.9, 0.5])
    method.fit(x, y, lambda score: next(wanted))
    normals, held = x[y > 0.5].astype(float), x[:20].astype(float)
    brute = np.sort(np.linalg.norm(held[:, None] - normals[None], axis=2), axis=1)[:, 2]
    np.testing.assert_allclose(method.score(x[:20]), -brute, atol=1e-6)
    assert make("knn", "", {}, 0).selected_on == "nothing"


def test_the_settings_of_the_shallow_methods_are_those_of_scikit_learn() -> None:
    x, y = rows(2, True)
    x *= 3
    normals = x[y > 0.5].astype(np.float64)
    for by_variance, gamma in ((True, "scale"), (False, "auto")):
        svm = fitted("oc-svm", "", {"by_variance": by_variance}, x, y)
        expected = OneClassSVM(gamma=gamma, nu=0.1).fit(normals).score_samples(x)
        np.testing.assert_allclose(svm.score(x), expected, rtol=1e-6)
    forest = fitted("isolation-forest", "", {"sample": 50, "columns": 0.5}, x, y)
    other = IsolationForest(max_samples=50, max_features=0.5, random_state=0).fit(normals)
    np.testing.assert_array_equal(forest.score(x), other.score_samples(x.astype(np.float64)))


def test_the_polynomial_svm_scores_by_its_kernel() -> None:
    x, y = rows(0, far=False)
    method = make("oc-svm-poly", "", {"degree": 6}, 0)
    method.fit(x, y)
    model, held = method.model, x[:9].astype(float)  # type: ignore[attr-defined]
    lifted = np.column_stack([held / np.linalg.norm(x[y > 0.5].astype(float), axis=1).max(), np.ones(9)])
    cosine = (lifted / np.linalg.norm(lifted, axis=1, keepdims=True)) @ model.support_vectors_.T
    np.testing.assert_allclose(method.score(x[:9]), (cosine**6) @ model.dual_coef_[0], rtol=1e-6)


def test_the_features_of_goad_may_be_one_linear_layer() -> None:
    x, y = rows(0, True)
    method = fitted("goad", "mlp-128", {**SETTINGS["goad"], "linear": True}, x, y)
    assert isinstance(method.trunk, torch.nn.Linear)  # type: ignore[attr-defined]
    assert roc_auc_score(y, method.score(x)) > 0.95


@pytest.mark.parametrize(
    ("network", "make_set", "name"), [("mlp-128", rows, "deep-svdd"), ("lstm-32", series, "deep-svdd-soft")]
)
def test_deep_svdd_learns_no_bias_and_does_not_collapse(network: str, make_set, name: str) -> None:
    x, y = make_set(0, True)
    method = fitted(name, network, {"schedule": SCHEDULE, "code": 8}, x, y)
    assert isinstance(method, DeepOnNormals)
    start = make(name, network, {"schedule": {**SCHEDULE, "epochs": 0}, "pretrain": {"epochs": 0}, "code": 8}, 0)
    start.fit(x, y)
    for key, value in method.network.named_parameters():
        assert ("bias" not in key) or torch.equal(value, start.network.state_dict()[key])  # type: ignore[attr-defined]
    assert (method.centre.abs() >= 0.1 - 1e-6).all()  # type: ignore[attr-defined]
    distances = -method.score(x[y > 0.5])
    assert distances.max() > 2 * distances.min() > 0


def test_the_soft_boundary_is_the_quantile_of_the_distances() -> None:
    x, y = rows(0, far=False)
    schedule = {**SCHEDULE, "epochs": 6, "batch_size": 200, "learning_rate": 1e-9, "first": 2}
    method = fitted("deep-svdd-soft", "mlp-128", {"schedule": schedule, "nu": 0.25, "code": 4}, x, y)
    inside = -method.score(x[y > 0.5]) <= float(method.squared_radius)  # type: ignore[attr-defined]
    assert inside.mean() == pytest.approx(0.75, abs=0.01)


def test_the_lstm_autoencoder_is_to_give_the_last_step_first() -> None:
    x, y = series(0, far=False)
    method = fitted("lstm-ae", "lstm-32", {"schedule": {**SCHEDULE, "epochs": 1}, "code": 4}, x, y)
    with torch.no_grad():
        back = method.network(torch.from_numpy(x)).numpy()  # type: ignore[attr-defined]
    errors = [np.mean([(back[n, t] - x[n, 19 - t]) ** 2 for t in range(20)]) for n in range(5)]
    np.testing.assert_allclose(method.score(x[:5]), -np.array(errors), rtol=1e-4)


def test_drocc_rand_climbs_nowhere() -> None:
    random = make("drocc-rand", "mlp-128", {"schedule": SCHEDULE, "radius": 1.5, "steps": 7}, 0)
    assert random.adversary.steps == 0  # type: ignore[attr-defined]
    ends = project_sphere(torch.randn(50, 4), Shell(1.5, 2.0)).norm(dim=1)
    assert ((ends > 1.5 - 1e-5) & (ends < 3 + 1e-5)).all()
    assert make("drocc", "mlp-128", {"schedule": SCHEDULE}, 0).adversary.steps > 0  # type: ignore[attr-defined]


def test_a_criterion_that_there_is_none_of_is_refused() -> None:
    with pytest.raises(ValueError, match="energy or reconstruction, not 'sum'"):
        make("rebm", "mlp-128", {"schedule": SCHEDULE, "criterion": "sum"}, 0)
    x, y = rows(0, far=True)
    method = fitted("rebm", "mlp-128", {"schedule": SCHEDULE, "criterion": "reconstruction"}, x, y)
    assert roc_auc_score(y, method.score(x)) > 0.9
