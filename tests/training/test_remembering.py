"""Sounds stay named while a keyword is learnt, and the negatives that are learnt from are the hardest of those made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from training.base import Base
from training.checkpoint import Epoch
from training.corpus import SPOKEN, Corpus
from training.examples import Examples, ExampleSource
from training.fit import fit
from training.hard_negatives import hardest, without_surplus
from training.network import KeywordLSTM
from training.one_class import Ascent, OneClassSettings
from training.pipeline import fit_keyword
from training.recipes import RECIPES, Recipe
from training.remembering import Memory
from training.sounds import SYMBOLS
from wakeword import FeatureSpec
from wakeword.errors import TrainingError

UNITS = 16


def made_up_base(names: bool = True) -> Base:
    """One that names sounds by chance, and surely: its weights are far from zero."""
    rng = np.random.default_rng(0)
    shapes = {
        "weight_ih_l0": (4 * UNITS, 32), "weight_hh_l0": (4 * UNITS, UNITS),
        "bias_ih_l0": (4 * UNITS,), "bias_hh_l0": (4 * UNITS,),
    }  # fmt: skip
    if names:
        shapes |= {"names_weight": (len(SYMBOLS), UNITS), "names_bias": (len(SYMBOLS),)}
    arrays = {name: rng.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}
    standard = {"mean": np.zeros(32, np.float32), "std": np.full(32, 5, np.float32)}
    return Base({**standard, **arrays}, {})


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    """Of a small network that starts from the base and is held to it."""
    made_up_base().save(tmp_path / "base.npz")
    return RECIPES["deploy"]("rise").changed(
        units=UNITS, epochs=3, batch_size=32, classify_first=1, speech_windows=20, noise_windows=5, objective="bce",
        base=str(tmp_path / "base.npz"), remember=0.5, mining=3.0,
    )  # fmt: skip


@torch.no_grad()
def test_what_is_forgotten_is_the_cross_entropy_with_the_bases_names() -> None:
    base = made_up_base()
    memory, x = Memory(base), torch.randn(3, 7, 32, generator=torch.Generator().manual_seed(1))
    network = KeywordLSTM(32, UNITS)
    base.copy_into(network)
    weight, bias = (torch.from_numpy(base.arrays[name]) for name in ("names_weight", "names_bias"))
    told = torch.softmax(network.lstm(x) @ weight.T + bias, -1)
    entropy = -(told * told.log()).sum(-1).mean()
    assert float(memory.forgotten(x, network.lstm(x))) == pytest.approx(float(entropy), rel=1e-5)
    memory.names.weight.mul_(3)  # what is trained does not change what was told
    other = torch.zeros(3, 7, UNITS)  # states of a network that knows nothing: its names are the bias's
    expected = -(told * torch.log_softmax(bias, -1)).sum(-1).mean()
    assert float(memory.forgotten(x, other)) == pytest.approx(float(expected), rel=1e-5)
    assert float(expected) > float(entropy)


def test_a_network_that_is_held_to_its_base_names_sounds_as_it_does(corpus: Corpus, recipe: Recipe) -> None:
    agreed = {}
    for remember in (0.0, 0.5):
        source = ExampleSource(corpus, "train", recipe.changed(remember=remember), FeatureSpec(), 0)
        network = fit(source, source.plain()).network
        base = made_up_base()
        x = torch.from_numpy(source.plain().features / 5)
        before = KeywordLSTM(32, UNITS)
        base.copy_into(before)
        weight, bias = (torch.from_numpy(base.arrays[name]) for name in ("names_weight", "names_bias"))
        with torch.no_grad():
            names = [(lstm(x) @ weight.T + bias).argmax(-1) for lstm in (before.lstm, network.lstm)]
        agreed[remember] = float((names[0] == names[1]).float().mean())
    assert agreed[0.5] > agreed[0.0]


def test_a_killed_run_that_remembers_and_mines_resumes_to_the_same_result(
    corpus: Corpus, recipe: Recipe, tmp_path: Path
) -> None:
    whole = fit_keyword(corpus, recipe, FeatureSpec(), 0)

    def kill(epoch: Epoch) -> None:
        if epoch.number == 1:
            raise KeyboardInterrupt

    checkpoint = tmp_path / "run.checkpoint"
    with pytest.raises(KeyboardInterrupt):
        fit_keyword(corpus, recipe, FeatureSpec(), 0, checkpoint, kill)
    resumed = fit_keyword(corpus, recipe, FeatureSpec(), 0, checkpoint)
    assert resumed.history == whole.history
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, resumed.network.state_dict()[name])


def test_a_base_without_names_cannot_be_remembered(corpus: Corpus, recipe: Recipe) -> None:
    made_up_base(names=False).save(Path(recipe.base))
    with pytest.raises(TrainingError, match="cannot name sounds"):
        fit_keyword(corpus, recipe.changed(remember=0.4), FeatureSpec(), 0)


def test_an_epoch_has_more_negatives_than_are_learnt_and_no_more_keywords(corpus: Corpus, recipe: Recipe) -> None:
    plain = ExampleSource(corpus, "train", recipe.changed(mining=1.0), FeatureSpec(), 0).epoch(0)
    more = ExampleSource(corpus, "train", recipe, FeatureSpec(), 0).epoch(0)
    assert plain.surplus == 0
    assert more.surplus == 2 * 25  # of speech and of noise; there are no spoken words here
    assert len(more.labels) == len(plain.labels) + 50
    assert more.labels.sum() == plain.labels.sum()
    learnt = without_surplus(more)
    assert (len(learnt.labels), learnt.labels.sum()) == (len(plain.labels), plain.labels.sum())


@pytest.mark.parametrize(("draws", "made", "surplus"), [(20, 60, 40), (40, 72, 32), (100, 72, 0)])
def test_of_spoken_words_no_more_are_made_than_there_are(
    corpus: Corpus, recipe: Recipe, draws: int, made: int, surplus: int
) -> None:
    words = corpus.words["train"]
    spoken = np.flatnonzero(~words.is_keyword)[::2]  # 72 of the 144 other words
    origins = tuple(SPOKEN if i in spoken else origin for i, origin in enumerate(words.origins))
    heard = replace(corpus, words={**corpus.words, "train": replace(words, origins=origins)})
    some = recipe.changed(spoken_draws=draws, speech_windows=0, noise_windows=0)
    examples = ExampleSource(heard, "train", some, FeatureSpec(), 0).epoch(0)
    assert (len(examples.labels), examples.surplus) == (48 + 72 + made, surplus)


def test_the_keywords_loss_is_the_same_beside_a_memory(corpus: Corpus, recipe: Recipe) -> None:
    ascending = recipe.changed(objective="drocc-lf", one_class=OneClassSettings(28.0, 2.0, 0.5, Ascent(2, 0.05, 2)))
    plain, beside = (
        fit_keyword(corpus, ascending.changed(remember=weight, epochs=2), FeatureSpec(), 0) for weight in (0.0, 1e-9)
    )
    for epoch, other in zip(plain.history, beside.history, strict=True):
        assert epoch.adversarial == pytest.approx(other.adversarial, rel=1e-2)
        assert epoch.loss == pytest.approx(other.loss, rel=1e-2)
    assert plain.history[-1].adversarial > 0


def test_the_negatives_kept_are_those_that_score_highest() -> None:
    rng = np.random.default_rng(3)
    network, standard = KeywordLSTM(32, 8), (np.zeros(32, np.float32), np.ones(32, np.float32))
    labels = (rng.random(60) < 0.3).astype(np.float32)
    examples = Examples(rng.normal(size=(60, 20, 32)).astype(np.float32), labels, surplus=15)
    with torch.no_grad():
        scores = network(torch.from_numpy(examples.features)).numpy()
    negative = sorted((score, i) for i, score in enumerate(scores) if labels[i] == 0)
    expected = sorted({*np.flatnonzero(labels == 1).tolist(), *(i for _, i in negative[15:])})
    kept = hardest(network, examples, standard)
    np.testing.assert_array_equal(kept.features, examples.features[expected])
    np.testing.assert_array_equal(kept.labels, labels[expected])
    assert kept.surplus == 0
    assert hardest(network, examples._replace(surplus=0), standard).features is examples.features
