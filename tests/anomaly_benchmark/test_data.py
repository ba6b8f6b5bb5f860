"""The data sets: nobody is on two sides, masks mask half, and the scaling is the training part's."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from anomaly_benchmark.datasets import keyword, load, mnist, noisy_sine
from anomaly_benchmark.datasets.base import Part
from training.corpus import SPLITS
from training.speech_commands import Clip, read_folder
from wakeword.errors import DataError


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """A file of the MNIST subset's layout: zeros are bright frames, ones bright bars; each image is its own."""
    rng = np.random.default_rng(0)

    def images(count: int) -> tuple[np.ndarray, np.ndarray]:
        labels = np.arange(count) % 2
        x = rng.integers(100, 256, (count, 28, 28))
        x[labels == 0, 8:20, 8:20] = 0
        x[labels == 1, :, :10] = 0
        return x.astype(np.uint8), labels.astype(np.uint8)

    (tmp_path / "benchmark").mkdir()
    x_train, y_train = images(80)
    x_test, y_test = images(20)
    np.savez(tmp_path / "benchmark" / "mnist_01.npz", x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
    return tmp_path


def test_mnist_holds_out_its_validation_and_masks_half_of_each_zero(digits: Path) -> None:
    found = load("mnist-half-zeros", "", {"negatives": 12}, digits, 0)
    assert found.counts() == {
        "train": {"normal": 34, "far": 12},
        "validation": {"normal": 6, "far": 6, "close": 6},
        "test": {"normal": 10, "far": 10, "close": 10},
    }
    seen = [
        {x.tobytes() for x in part.x[part.group != "close"]} for part in (found.train, found.validation, found.test)
    ]
    assert not seen[0] & seen[1] | seen[1] & seen[2] | seen[0] & seen[2]
    black = -mnist.MEAN / mnist.STD
    for zero, half in zip(
        found.test.x[found.test.group == "normal"], found.test.x[found.test.group == "close"], strict=True
    ):
        changed = zero != half
        assert np.allclose(half[changed], black)
        assert 200 < changed.sum() <= 392  # a masked pixel that was black already does not show


def test_masking_is_exact() -> None:
    whole = np.full((5, 28, 28), 9, np.uint8)
    masked = mnist.mask_pixels(whole, 0.5, np.random.default_rng(0))
    assert ((masked == 0).sum(axis=(1, 2)) == 392).all()
    assert (whole == 9).all()
    assert len({image.tobytes() for image in masked}) == 5


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 broken"])
def test_a_damaged_file_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "benchmark").mkdir()
    (tmp_path / "benchmark" / "mnist_01.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"mnist_01\.npz is damaged"):
        load("mnist-half-zeros", "", {}, tmp_path, 0)


def idx(array: np.ndarray) -> bytes:
    """As MNIST is published: two zero bytes, 8 for unsigned bytes, the number of axes, their lengths, the values."""
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return gzip.compress(head + array.tobytes())


def publish(digits: Path, folder: Path) -> None:
    """MNIST's four files with the digits of ``digits`` in their order, and twos among them that nobody asks for."""
    for part, prefix in (("train", "train"), ("test", "t10k")):
        with np.load(digits / "benchmark" / "mnist_01.npz") as found:
            images, labels = found[f"x_{part}"], found[f"y_{part}"]
        images = np.insert(images, [0, 5, len(labels)], 77, axis=0)
        labels = np.insert(labels, [0, 5, len(labels)], 2)
        (folder / f"{prefix}-images-idx3-ubyte.gz").write_bytes(idx(images))
        (folder / f"{prefix}-labels-idx1-ubyte.gz").write_bytes(idx(labels))


def test_mnist_as_it_is_published_gives_the_same(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("published")
    publish(digits, folder)
    ours, theirs = (load("mnist-half-zeros", "", {"negatives": 12}, place, 0) for place in (digits, folder))
    for part in ("train", "validation", "test"):
        one, other = getattr(ours, part), getattr(theirs, part)
        np.testing.assert_array_equal(one.x, other.x)
        np.testing.assert_array_equal(one.y, other.y)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"not gzipped", "is damaged"),
        (gzip.compress(b"\0\0"), "is damaged"),
        (idx(np.zeros(9, np.uint8))[:-9], "is damaged"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x09abc"), "is damaged"),
        (gzip.compress(b"\0\0\x0d\x01\0\0\0\x03abc"), "is damaged"),  # floats
        (idx(np.zeros(9, np.uint8)), "do not fit each other"),
    ],
)
def test_damaged_published_files_are_one_sentence(
    digits: Path, tmp_path_factory: pytest.TempPathFactory, content: bytes, said: str
) -> None:
    folder = tmp_path_factory.mktemp("published")
    publish(digits, folder)
    (folder / "t10k-labels-idx1-ubyte.gz").write_bytes(content)
    with pytest.raises(DataError, match=said):
        load("mnist-half-zeros", "", {}, folder, 0)


def test_the_sine_is_displaced_by_what_its_group_says() -> None:
    found = load("noisy-sine", "", {"negatives": 50}, Path(), 3)
    x, y = found.test.x[:, 0] * 2.9 + 5, found.test.x[:, 1]
    off = np.abs(y - np.sin(x))
    for group in ("normal", *(f"{d:g}" for d in noisy_sine.DISPLACEMENTS)):
        of = found.test.group == group
        np.testing.assert_allclose(off[of], 0 if group == "normal" else float(group), atol=1e-5)
        assert of.sum() == 1024
    assert (np.sign(y - np.sin(x))[found.test.group == "1"] > 0).mean() == pytest.approx(0.5, abs=0.1)
    far = found.train.x[found.train.group == "far"]
    away = np.abs(far[:, 1] - np.sin(far[:, 0] * 2.9 + 5))
    assert away.min() >= 2 - 1e-5
    assert len(away) == 50
    assert abs(found.test.x[:, 2:].std() - 1) < 0.02


def test_speakers_move_whole_to_a_test_split_that_is_too_small() -> None:
    clips = [Clip(Path(f"{w}/{s}_nohash_0.wav"), w, f"{s}", "train") for s in range(300) for w in ("yes", "no")]
    clips += [Clip(Path("no/x_nohash_0.wav"), "no", "x", "test")]
    moved = keyword.with_enough_judged(clips, "yes")
    sides = {split: [clip for clip in moved if clip.split == split] for split in SPLITS}
    for split, fewest in (("test", 60), ("validation", 40), ("train", 200)):
        assert sum(clip.word == "yes" for clip in sides[split]) == fewest
    speakers = [{clip.speaker for clip in sides[split]} for split in SPLITS]
    assert not speakers[0] & speakers[1] | speakers[1] & speakers[2] | speakers[0] & speakers[2]
    assert keyword.with_enough_judged(moved, "yes") == moved


def test_a_keyword_is_scaled_by_its_training_part(real_data: Path) -> None:
    options = {"positives": 30, "others": 40, "judged": 20}
    found = load("keyword", "bed", options, real_data.parent, 0)
    assert found.counts() == {
        "train": {"normal": 30, "far": 40},
        "validation": {"normal": 20, "far": 20},
        "test": {"normal": 20, "far": 20},
    }
    assert found.train.x.shape == (70, 98, 32)
    np.testing.assert_allclose(found.train.x.mean(axis=(0, 1)), 0, atol=1e-3)
    np.testing.assert_allclose(found.train.x.std(axis=(0, 1)), 1, atol=1e-3)
    assert np.abs(found.test.x.mean(axis=(0, 1))).max() > 0.01


def test_enough_test_clips_of_zero_without_a_speaker_on_two_sides(real_data: Path) -> None:
    clips = keyword.with_enough_judged(read_folder(real_data / "speech_commands"), "zero")
    assert sum(clip.word == "zero" and clip.split == "test" for clip in clips) >= 60
    sides: dict[str, set[str]] = {}
    for clip in clips:
        sides.setdefault(clip.speaker, set()).add(clip.split)
    assert all(len(found) == 1 for found in sides.values())


def test_a_part_must_be_of_one_length() -> None:
    with pytest.raises(ValueError, match="2, 3 and 3"):
        Part(np.zeros((2, 1), np.float32), np.zeros(3, np.float32), np.zeros(3, str))
