"""Teaching sounds: labels and errors against slow definitions, and a small run that really learns."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from training.augment import AugmentSettings
from training.base import Base, read_base
from training.network import KeywordLSTM
from training.pretrain import PretrainEpoch, PretrainRecipe, Utterance, pretrain
from training.sounds import SYMBOLS, best_path, ctc_loss, edit_distance, flat_labels
from wakeword.errors import ModelFileError, TrainingError

QUIET = AugmentSettings(change_voice=0.0, noise=0.3, room=0.0)
SOUNDS = {"M": 300.0, "IY1": 1200.0, "S": 3000.0}


def sung(*phonemes: str, seed: int = 0) -> Utterance:
    """One tone a phoneme, 0.15 s each."""
    rng = np.random.default_rng([seed, len(phonemes)])
    t = np.arange(2400) / 16_000
    tones = [np.sin(2 * np.pi * SOUNDS[p] * rng.uniform(0.95, 1.05) * t) * np.hanning(2400) for p in phonemes]
    clip = np.concatenate(tones) * 6000 + rng.normal(0, 20, 2400 * len(phonemes))
    return Utterance(clip.astype(np.int16), phonemes)


def words(count: int, seed: int) -> list[Utterance]:
    rng = np.random.default_rng(seed)
    spell = [[list(SOUNDS)[i] for i in rng.integers(0, 3, int(rng.integers(2, 5)))] for _ in range(count)]
    return [sung(*word, seed=seed * 1000 + i) for i, word in enumerate(spell)]


def test_edits_are_counted_as_defined() -> None:
    @cache
    def slow(a: tuple[int, ...], b: tuple[int, ...]) -> int:
        if not a or not b:
            return len(a) + len(b)
        return min(slow(a[1:], b) + 1, slow(a, b[1:]) + 1, slow(a[1:], b[1:]) + (a[0] != b[0]))

    rng = np.random.default_rng(0)
    for _ in range(200):
        a, b = (tuple(rng.integers(0, 3, rng.integers(0, 7)).tolist()) for _ in range(2))
        assert edit_distance(a, b) == slow(a, b)


def test_a_path_says_its_labels_without_repeats_and_blanks() -> None:
    assert best_path([0, 3, 3, 0, 3, 5, 5, 0]) == [3, 3, 5]


def test_flat_labels_cover_the_word_in_order_and_late() -> None:
    numbers = [SYMBOLS.index("M"), SYMBOLS.index("AA"), SYMBOLS.index("T")]
    labels = flat_labels(numbers, 10.0, 44.0, 60, delay=3)
    assert best_path(labels.tolist()) == numbers
    assert np.flatnonzero(labels).tolist() == list(range(13, 47))
    assert (labels == numbers[1]).sum() > (labels == numbers[0]).sum() > (labels == numbers[2]).sum()
    assert flat_labels(numbers, -20.0, 200.0, 60, delay=3).shape == (60,)


def test_the_loss_is_the_probability_of_all_paths() -> None:
    """Against the sum over every path of 4 frames that says the word."""
    scores = torch.randn(1, 4, len(SYMBOLS), generator=torch.Generator().manual_seed(0))
    chances = torch.softmax(scores[0], -1)[:, :3].numpy()  # paths of other symbols do not say [1, 2]
    total = 0.0
    for path in np.ndindex(3, 3, 3, 3):
        if best_path(list(path)) == [1, 2]:
            total += float(np.prod([chances[t, symbol] for t, symbol in enumerate(path)]))
    assert float(ctc_loss(scores, [[1, 2]])) == pytest.approx(-np.log(total) / 2, rel=1e-4)  # the mean is per symbol


def test_a_base_learns_sounds_and_is_the_same_again(tmp_path: Path) -> None:
    recipe = PretrainRecipe(units=24, window_frames=70, epochs=14, flat_epochs=6, learning_rate=1e-2, augment=QUIET)
    history: list[PretrainEpoch] = []
    noise = np.random.default_rng(0).normal(0, 300, 32_000).astype(np.int16)

    def run(epochs: list[PretrainEpoch]) -> Base:
        return pretrain(words(200, 1), words(200, 2), words(60, 3), noise, recipe, 0, epochs.append)

    base = run(history)
    assert history[-1].phoneme_errors < 0.25
    again = run([])
    assert all(np.array_equal(base.arrays[name], again.arrays[name]) for name in base.arrays)
    base.save(tmp_path / "base.npz")
    read = read_base(tmp_path / "base.npz")
    network = KeywordLSTM(32, 24, "attention")
    read.copy_into(network)
    assert read.units == 24
    np.testing.assert_array_equal(network.lstm.weight_hh_l0.detach().numpy(), base.arrays["weight_hh_l0"])
    assert read.card["clips"] == {"recorded": 200, "spoken": 200, "validation": 60}


def test_a_damaged_or_foreign_base_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "base.npz"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ModelFileError, match="no usable base"):
        read_base(path)
    arrays = {name: np.zeros((2, 2), np.float32) for name in ("mean", "std", "weight_ih_l0", "weight_hh_l0")}
    arrays |= {name: np.zeros(4, np.float32) for name in ("bias_ih_l0", "bias_hh_l0")}
    Base(arrays, {}).save(path)
    with pytest.raises(ModelFileError, match="mean is not"):
        read_base(path)


def test_clips_that_do_not_fit_are_left_out(tmp_path: Path) -> None:
    recipe = PretrainRecipe(units=4, window_frames=20, epochs=1, augment=QUIET)
    with pytest.raises(TrainingError, match="short enough"):
        pretrain(words(5, 1), [], words(5, 2), np.zeros(0, np.int16), recipe, 0)
