"""A student learns from labels that a model softened, the same bits each time; a teacher of another word is refused."""

from __future__ import annotations

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
from wakeword.cli import main
from wakeword.features import mfcc
from wakeword.network import Network

_CARD = {"operating_points": {"none": {"threshold": 0.0}}, "default_point": "none", "recipe": {"name": "drawn"}}


def drawn(seed: int, units: int, pooling: str = "attention") -> Network:
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> np.ndarray:
        return (rng.standard_normal(shape) * 0.3).astype(np.float32)

    standard = draw(32), np.abs(draw(32)) + 1
    weights = draw(4 * units, 32), draw(4 * units, units), draw(4 * units), draw(units)
    return Network(*standard, *weights, np.float32(0.2), draw(units) if pooling == "attention" else None)


@pytest.fixture
def teacher() -> Teacher:
    networks = (drawn(0, 8), drawn(1, 8), drawn(2, 12))
    return Teacher(WakeWordModel("rise", FeatureSpec(), networks, _CARD))


@pytest.fixture
def recipe() -> Recipe:
    return RECIPES["deploy"]("rise").changed(
        units=16, epochs=2, batch_size=32, classify_first=1, speech_windows=20, noise_windows=5
    )


@pytest.mark.parametrize("pooling", ["last", "attention"])
def test_the_runtimes_weights_come_back_as_they_were(pooling: str) -> None:
    network = drawn(3, 8, pooling)
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
    melodies: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "rise.wakeword"
    with pytest.raises(SystemExit) as stop:
        main(
            [
                "train",
                "rise",
                "--teacher",
                "happy",
                "--data",
                str(melodies / "words"),
                "--no-synthesize",
                "--out",
                str(out),
            ]
        )
    assert stop.value.code == 2
    assert "the teacher hears 'happy'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
