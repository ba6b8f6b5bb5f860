"""A student learns from labels that a model softened, the same bits each time; a teacher of another word is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from training.calibrate import clip_scores
from training.corpus import Corpus
from training.examples import Examples
from training.network import from_network, to_network
from training.pipeline import fit_keyword
from training.recipes import RECIPES, Recipe
from training.teacher import Teacher
from wakeword import FeatureSpec, WakeWordModel
from wakeword.features import mfcc

MakeModel = Callable[..., WakeWordModel]


@pytest.fixture
def teacher(make_model: MakeModel) -> Teacher:
    """Of networks of two sizes."""
    small = make_model("rise", units=8, attention=True, networks=2)
    large = make_model("rise", units=12, seed=1, attention=True)
    return Teacher(replace(small, networks=small.networks + large.networks))


@pytest.fixture
def recipe() -> Recipe:
    return RECIPES["deploy"]("rise").changed(
        units=16, epochs=2, batch_size=32, classify_first=1, speech_windows=20, noise_windows=5
    )


@pytest.mark.parametrize("attention", [False, True])
def test_the_runtimes_weights_come_back_as_they_were(make_model: MakeModel, attention: bool) -> None:
    (network,) = make_model(attention=attention).networks
    again = to_network(from_network(network), (network.mean, network.std))
    for name, value in vars(network).items():
        assert value is None if getattr(again, name) is None else np.array_equal(value, getattr(again, name)), name


def test_a_soft_label_is_a_mixture_of_what_the_clip_is_and_what_the_teacher_says(teacher: Teacher) -> None:
    clips = np.random.default_rng(5).standard_normal((6, 16_000)).astype(np.float32) * 0.1
    labels = np.array([1, 0, 1, 0, 0, 1], dtype=np.float32)
    soft = teacher.soften(Examples(mfcc(clips), labels))
    whole = clip_scores(teacher.model, np.round(clips * 32_768).astype(np.int16))
    assert np.allclose(soft.labels, 0.25 * labels + 0.75 / (1 + np.exp(-whole)), atol=1e-3)
    assert soft.labels.dtype == np.float32
    assert np.ptp(soft.labels[labels > 0.5]) > 1e-3


def test_the_student_depends_on_its_teacher_and_on_nothing_else(
    corpus: Corpus, recipe: Recipe, teacher: Teacher
) -> None:
    def learnt(by: Teacher | None) -> torch.Tensor:
        return fit_keyword(corpus, recipe, FeatureSpec(), 0, teacher=by).network.lstm.weight_hh_l0

    assert torch.equal(learnt(teacher), learnt(teacher))
    assert not torch.equal(learnt(teacher), learnt(None))


def test_a_teacher_of_another_word_is_refused_in_one_sentence(
    run: Callable[..., tuple[int, str, str]], melodies: Path, tmp_path: Path
) -> None:
    out = tmp_path / "rise.wakeword"
    code, _, err = run(
        "train", "rise", "--teacher", "happy", "--data", melodies / "words", "--no-synthesize", "--out", out
    )
    assert code == 2
    assert "the teacher hears 'happy'" in err
    assert not list(tmp_path.iterdir())
