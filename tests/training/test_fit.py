"""The loop learns; a seed gives the same network; a run killed at any epoch resumes to the same result."""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from training.abreast import fit_abreast
from training.checkpoint import Epoch
from training.corpus import Corpus
from training.examples import ExampleSource
from training.fit import Fitted, fit
from training.one_class import OBJECTIVES, Ascent, OneClassSettings
from training.pipeline import fit_keyword, validation_examples
from training.recipes import RECIPES, Recipe, phrase
from wakeword import FeatureSpec
from wakeword.errors import TrainingError


@pytest.fixture
def recipe() -> Recipe:
    """The deploy recipe at a size for tests."""
    return RECIPES["deploy"]("rise").changed(
        units=16, epochs=4, batch_size=32, classify_first=1, speech_windows=20, noise_windows=5,
        one_class=OneClassSettings(28.0, 2.0, 0.5, Ascent(2, 0.05, 2)),
    )  # fmt: skip


def weights(fitted: Fitted) -> bytes:
    return b"".join(value.numpy().tobytes() for value in fitted.network.state_dict().values())


class Killed(Exception):
    pass


def test_the_same_seed_is_the_same_network_and_another_is_not(corpus: Corpus, recipe: Recipe) -> None:
    first, second = fit_keyword(corpus, recipe, FeatureSpec(), 3), fit_keyword(corpus, recipe, FeatureSpec(), 3)
    assert weights(first) == weights(second)
    assert first.history == second.history
    assert weights(fit_keyword(corpus, recipe, FeatureSpec(), 4)) != weights(first)


@pytest.mark.parametrize("killed_after", [1, 2, 3])
def test_a_killed_run_resumes_to_the_same_result(
    corpus: Corpus, recipe: Recipe, tmp_path: Path, killed_after: int
) -> None:
    whole = fit_keyword(corpus, recipe, FeatureSpec(), 0)

    def kill(epoch: Epoch) -> None:
        if epoch.number + 1 == killed_after:
            raise Killed

    checkpoint = tmp_path / "run.checkpoint"
    with pytest.raises(Killed):
        fit_keyword(corpus, recipe, FeatureSpec(), 0, checkpoint, kill)
    learnt: list[int] = []
    resumed = fit_keyword(corpus, recipe, FeatureSpec(), 0, checkpoint, lambda epoch: learnt.append(epoch.number))
    assert learnt == list(range(killed_after, recipe.epochs))
    assert weights(resumed) == weights(whole)
    assert (resumed.best_epoch, resumed.history) == (whole.best_epoch, whole.history)


def test_a_checkpoint_of_another_run_is_refused(corpus: Corpus, recipe: Recipe, tmp_path: Path) -> None:
    checkpoint = tmp_path / "run.checkpoint"
    one = recipe.changed(epochs=1, classify_first=1)
    fit_keyword(corpus, one, FeatureSpec(), 0, checkpoint)
    for other, seed in ((one, 1), (one.changed(learning_rate=1e-4), 0)):
        with pytest.raises(TrainingError, match="belongs to another run"):
            fit_keyword(corpus, other, FeatureSpec(), seed, checkpoint)
    checkpoint.write_bytes(checkpoint.read_bytes()[:-200])
    with pytest.raises(TrainingError, match="is no usable checkpoint"):
        fit_keyword(corpus, one, FeatureSpec(), 0, checkpoint)
    checkpoint.write_bytes(b"nothing")
    with pytest.raises(TrainingError, match="is no usable checkpoint"):
        fit_keyword(corpus, one, FeatureSpec(), 0, checkpoint)


def test_networks_abreast_are_those_that_follow_each_other(
    corpus: Corpus, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In processes of their own or in this one: the same weights, and every epoch is heard of."""
    found = []
    for cores in (2, 1):
        monkeypatch.setattr("joblib.cpu_count", lambda cores=cores: cores)
        checkpoints = [tmp_path / f"{cores}.{seed}" for seed in (5, 6)]
        fits = [
            partial(fit_keyword, corpus, recipe, FeatureSpec(), seed, path)
            for seed, path in zip((5, 6), checkpoints, strict=True)
        ]
        heard: list[int] = []
        found.append(fit_abreast(fits, recipe.epochs, lambda epoch, heard=heard: heard.append(epoch.number)))
        assert heard == list(range(2 * recipe.epochs))
        assert all(path.exists() for path in checkpoints)
        # Everything was learnt: a second run takes it from the checkpoints and hears of nothing.
        fit_abreast(fits, recipe.epochs, lambda epoch, heard=heard: heard.append(epoch.number))
        assert len(heard) == 2 * recipe.epochs
    beside, after = ([weights(fitted) for fitted in each] for each in found)
    assert beside == after
    assert beside[0] != beside[1]


def test_an_error_of_one_of_the_networks_abreast_ends_the_run(
    corpus: Corpus, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("joblib.cpu_count", lambda: 2)
    wild = recipe.changed(augment=None, learning_rate=3e37, one_cycle=False, clip_gradient=0.0, objective="bce")
    fits = [partial(fit_keyword, corpus, one, FeatureSpec(), 0, None) for one in (recipe, wild)]
    with pytest.raises(TrainingError, match="no longer finite"):
        fit_abreast(fits, recipe.epochs, lambda epoch: None)


@pytest.mark.parametrize("objective", sorted(OBJECTIVES))
def test_every_objective_learns_in_the_one_loop(corpus: Corpus, recipe: Recipe, objective: str) -> None:
    """One-class DROCC sees no negatives, so it only has to do better than chance; the others must separate."""
    learner = recipe.changed(
        objective=objective, augment=None, epochs=15, batch_size=16, pooling="attention", learning_rate=2e-2
    )
    source = ExampleSource(corpus, "train", learner, FeatureSpec(), 0)
    held_out = validation_examples(ExampleSource(corpus, "validation", learner, FeatureSpec(), 0))
    fitted = fit(source, held_out)
    with torch.no_grad():
        x = (held_out.features - fitted.standard[0]) / fitted.standard[1]
        scores = fitted.network(torch.from_numpy(x)).numpy()
    positive, negative = scores[held_out.labels > 0.5], scores[held_out.labels < 0.5]
    ranked = float(np.mean(positive[:, None] > negative[None, :]))
    assert ranked > (0.6 if objective == "drocc" else 0.95)


def test_a_run_that_diverges_says_so(corpus: Corpus, recipe: Recipe) -> None:
    wild = recipe.changed(augment=None, learning_rate=3e37, one_cycle=False, clip_gradient=0.0, objective="bce")
    with pytest.raises(TrainingError, match="no longer finite"):
        fit_keyword(corpus, wild, FeatureSpec(), 0)


def test_recipes() -> None:
    marvin, follow, other = (RECIPES["paper"](word) for word in ("marvin", "follow", "happy"))
    assert (marvin.one_class.radius, marvin.learning_rate) == (32.0, 1e-3)
    assert (follow.one_class.radius, follow.learning_rate) == (20.0, 1e-4)
    assert other == marvin
    assert (marvin.keyword_clips, marvin.other_clips, marvin.augment) == (1000, 2000, None)
    with pytest.raises(TrainingError, match="choose bce, drocc, drocc-oe, drocc-lf"):
        marvin.changed(objective="svm")
    with pytest.raises(TrainingError, match="no objective 'svm'"):
        marvin.changed(second_objective="svm")
    assert dataclasses.is_dataclass(marvin)


def test_the_objectives_of_a_recipe_take_turns() -> None:
    recipe = phrase("hey computer")
    assert [recipe.of_network(n).objective for n in range(2)] == ["drocc-lf"] * 2
    mixed = recipe.changed(networks=4, second_objective="bce")
    assert [mixed.of_network(n).objective for n in range(4)] == ["drocc-lf", "bce"] * 2
    # What a network is trained by does not depend on the other's objective: its checkpoint is good for both runs.
    assert mixed.of_network(0) == recipe.changed(networks=4)
