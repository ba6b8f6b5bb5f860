"""Teaching sounds: labels against a slow definition, and a small run that really learns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.augment import AugmentSettings
from training.base import Base, find_base, read_base
from training.network import KeywordLSTM
from training.pretrain import PretrainEpoch, PretrainRecipe, Utterance, pretrain
from training.sounds import SYMBOLS, Sound, frame_labels
from wakeword.cli import main
from wakeword.errors import ModelFileError, TrainingError

QUIET = AugmentSettings(change_voice=0.0, noise=0.3, room=0.0)
SOUNDS = {"M": 300.0, "IY": 1200.0, "S": 3000.0}


def sung(*phonemes: str, seed: int = 0) -> Utterance:
    """One tone a phoneme, 0.15 s each."""
    rng = np.random.default_rng([seed, len(phonemes)])
    t = np.arange(2400) / 16_000
    tones = [np.sin(2 * np.pi * SOUNDS[p] * rng.uniform(0.95, 1.05) * t) * np.hanning(2400) for p in phonemes]
    clip = np.concatenate(tones) * 6000 + rng.normal(0, 20, 2400 * len(phonemes))
    sounds = tuple(Sound(p, 0.15 * place, 0.15 * (place + 1)) for place, p in enumerate(phonemes))
    return Utterance(clip.astype(np.int16), sounds)


def words(count: int, seed: int) -> list[Utterance]:
    rng = np.random.default_rng(seed)
    spell = [[list(SOUNDS)[i] for i in rng.integers(0, 3, int(rng.integers(2, 5)))] for _ in range(count)]
    return [sung(*word, seed=seed * 1000 + i) for i, word in enumerate(spell)]


def test_a_frame_is_labelled_with_the_sound_heard_at_it() -> None:
    sounds = (Sound("M", 0.05, 0.10), Sound("AA", 0.10, 0.25), Sound("T", 0.25, 0.28))
    labels = frame_labels(sounds, 60, 100.0, tempo=1.5, start=10.0, delay=3)
    slow = []
    for frame in range(60):  # the moment of the clip whose name comes at this frame
        moment = (frame - 3 - 10) / 100 / 1.5
        slow.append(next((SYMBOLS.index(s.symbol) for s in sounds if s.start <= moment + 1e-9 < s.end), 0))
    differ = np.flatnonzero(labels != slow)
    assert len(differ) <= 2  # edges that round to another frame
    assert set(labels.tolist()) == {0, *(SYMBOLS.index(s.symbol) for s in sounds)}


def test_sounds_outside_of_a_window_label_none_of_it() -> None:
    sounds = (Sound("M", 0.0, 0.1), Sound("S", 0.1, 5.0))
    assert frame_labels(sounds, 20, 100.0, start=-12.0).tolist() == [SYMBOLS.index("S")] * 20
    assert not frame_labels(sounds[:1], 20, 100.0, start=-12.0).any()


def test_a_base_learns_sounds_and_is_the_same_again(tmp_path: Path) -> None:
    recipe = PretrainRecipe(units=24, window_frames=70, epochs=6, learning_rate=1e-2, augment=QUIET)
    history: list[PretrainEpoch] = []
    noise = np.random.default_rng(0).normal(0, 300, 32_000).astype(np.int16)

    def run(epochs: list[PretrainEpoch]) -> Base:
        return pretrain(words(200, 1), words(200, 2), words(60, 3), noise, recipe, 0, epochs.append)

    base = run(history)
    assert history[-1].frame_errors < 0.25
    again = run([])
    assert all(np.array_equal(base.arrays[name], again.arrays[name]) for name in base.arrays)
    base.save(tmp_path / "base.npz")
    read = read_base(tmp_path / "base.npz")
    assert read.names_sounds
    assert all(np.array_equal(base.arrays[name], read.arrays[name]) for name in base.arrays)
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


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("own.npz", "has 8 units, the recipe 256: train with --units 8"),
        ("broken.npz", "no usable base of a network: it is not what `wakeword pretrain` writes"),
        ("nameless.npz", "cannot name sounds, as phrases need it to"),
        ("base.txt", "does not end in .npz"),
    ],
)
def test_a_base_that_cannot_be_used_is_told_before_anything_is_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, sentence: str
) -> None:
    recipe = PretrainRecipe(units=8, window_frames=70, epochs=1, augment=QUIET)
    pretrain(words(70, 1), [], words(5, 2), np.zeros(0, np.int16), recipe, 0).save(tmp_path / "own.npz")
    (tmp_path / "broken.npz").write_bytes(b"broken")
    bundled = find_base("english", 256)
    assert bundled
    assert not bundled.names_sounds
    bundled.save(tmp_path / "nameless.npz")
    with pytest.raises(SystemExit) as stop:
        main(["train", "marvin", "--base", str(tmp_path / name)])
    assert stop.value.code == 2
    said = capsys.readouterr()
    assert sentence in said.err
    assert not said.out


def test_a_base_is_found_by_its_kind_or_its_file(tmp_path: Path) -> None:
    recipe = PretrainRecipe(units=8, window_frames=70, epochs=1, augment=QUIET)
    base = pretrain(words(70, 1), [], words(5, 2), np.zeros(0, np.int16), recipe, 0)
    base.save(tmp_path / "own.npz")
    found = find_base(str(tmp_path / "own.npz"), 8)
    assert found
    assert all(np.array_equal(found.arrays[name], base.arrays[name]) for name in base.arrays)
    assert find_base("sounds", 7) is None
    for kind in ("english", "sounds"):
        bundled = [find_base(kind, units) for units in (128, 256)]
        assert [one.units for one in bundled if one] == [128, 256]
        assert all(one.names_sounds == (kind == "sounds") for one in bundled if one)


def test_clips_that_do_not_fit_are_left_out(tmp_path: Path) -> None:
    recipe = PretrainRecipe(units=4, window_frames=20, epochs=1, augment=QUIET)
    with pytest.raises(TrainingError, match="short enough"):
        pretrain(words(5, 1), [], words(5, 2), np.zeros(0, np.int16), recipe, 0)
