"""The Speech Commands folder: the official partition, the lists, and clips of one fixed length."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from training import speech_commands as sc
from training.corpus import load_recordings
from wakeword.errors import DataError

MANIFEST = Path(__file__).parents[2].parent / "shared" / "data" / "audio" / "manifest.csv"
# Speakers of the data set, one of each official split.
TRAIN, VALIDATION, TEST = "004ae714", "060cd039", "0c540988"


def make_files(root: Path, names: Sequence[str]) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def write_wave(path: Path, samples: np.ndarray, rate: int = 16000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype="PCM_16")
    return path


def splits(root: Path) -> dict[str, str]:
    return {clip.path.relative_to(root).as_posix(): clip.split for clip in sc.read_folder(root)}


def test_partition_agrees_with_the_published_splits() -> None:
    if not MANIFEST.is_file():
        pytest.skip("the recordings to compare with (../shared/data/audio) are not here")
    with MANIFEST.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "word"]
    assert len(rows) > 6000
    assert [row["path"] for row in rows if sc.partition(row["path"]) != row["split"]] == []


@pytest.mark.parametrize(("speaker", "split"), [(TRAIN, "train"), (VALIDATION, "validation"), (TEST, "test")])
def test_partition_of_known_speakers(speaker: str, split: str) -> None:
    names = [f"{speaker}_nohash_0.wav", f"{speaker}_nohash_12.flac", f"a/word/{speaker}_nohash_1.wav"]
    assert [sc.partition(name) for name in names] == [split] * 3


def test_partition_spreads_speakers_by_the_official_shares() -> None:
    found = [sc.partition(f"{number:08x}_nohash_0.wav") for number in range(20000)]
    shares = [found.count(split) / len(found) for split in ("train", "validation", "test")]
    np.testing.assert_allclose(shares, [0.8, 0.1, 0.1], atol=0.01)


def test_read_folder_without_lists_uses_the_partition_and_ignores_the_rest(tmp_path: Path) -> None:
    clips = [f"yes/{VALIDATION}_nohash_0.wav", f"yes/{TEST}_nohash_1.FLAC", f"no/{TRAIN}_nohash_0.wav"]
    others = ["yes/notes.txt", "yes/._a_nohash_0.wav", ".cache/a_nohash_0.wav", "README.md", "loose.wav"]
    make_files(tmp_path, [*clips, *others, f"{sc.BACKGROUND}/rain.wav"])
    assert sc.read_folder(tmp_path) == [
        sc.Clip(tmp_path / clips[2], "no", TRAIN, "train"),
        sc.Clip(tmp_path / clips[0], "yes", VALIDATION, "validation"),
        sc.Clip(tmp_path / clips[1], "yes", TEST, "test"),
    ]
    assert sc.background_files(tmp_path) == [tmp_path / sc.BACKGROUND / "rain.wav"]


def test_an_own_recording_is_its_own_speaker(tmp_path: Path) -> None:
    make_files(tmp_path, ["yes/kitchen 3.wav"])
    assert [clip.speaker for clip in sc.read_folder(tmp_path)] == ["kitchen 3"]


def test_the_lists_decide_against_the_partition(tmp_path: Path) -> None:
    names = [f"yes/{speaker}_nohash_0.flac" for speaker in (TRAIN, VALIDATION, TEST)]
    make_files(tmp_path, names)
    listed = f"yes/{TRAIN}_nohash_0.wav\r\n\r\nyes/absent_nohash_0.wav\r\n"
    (tmp_path / "validation_list.txt").write_bytes(listed.encode())
    (tmp_path / "testing_list.txt").write_text(f"yes/{VALIDATION}_nohash_0.wav\n", encoding="utf-8")
    assert splits(tmp_path) == dict(zip(names, ["validation", "test", "train"], strict=True))


def test_one_list_alone_decides_too(tmp_path: Path) -> None:
    names = [f"yes/{speaker}_nohash_0.wav" for speaker in (TRAIN, VALIDATION)]
    make_files(tmp_path, names)
    (tmp_path / "testing_list.txt").write_text(names[0] + "\n", encoding="utf-8")
    assert splits(tmp_path) == dict(zip(names, ["test", "train"], strict=True))


def test_a_list_of_another_word_does_not_match(tmp_path: Path) -> None:
    make_files(tmp_path, [f"yes/{TRAIN}_nohash_0.wav"])
    (tmp_path / "testing_list.txt").write_text(f"no/{TRAIN}_nohash_0.wav\n", encoding="utf-8")
    assert list(splits(tmp_path).values()) == ["train"]


def test_a_list_that_is_no_text_is_named(tmp_path: Path) -> None:
    make_files(tmp_path, ["yes/a_nohash_0.wav"])
    (tmp_path / "testing_list.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match=r"testing_list\.txt is not UTF-8"):
        sc.read_folder(tmp_path)


def test_a_missing_and_an_empty_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"There is no folder .*absent"):
        sc.read_folder(tmp_path / "absent")
    with pytest.raises(DataError, match=r"There is no folder .*absent"):
        sc.background_files(tmp_path / "absent")
    make_files(tmp_path, [f"{sc.BACKGROUND}/rain.wav", "loose.wav"])
    with pytest.raises(DataError, match="<word>/<speaker>_nohash_<n>"):
        sc.read_folder(tmp_path)


def test_load_clip_keeps_the_values_of_a_16_bit_file(tmp_path: Path) -> None:
    wave = np.random.default_rng(0).integers(-32768, 32768, 16000).astype(np.int16)
    wave[:2] = -32768, 32767
    loaded = sc.load_clip(write_wave(tmp_path / "a.wav", wave))
    assert loaded.dtype == np.int16
    np.testing.assert_array_equal(loaded, wave)


@pytest.mark.parametrize(("length", "samples"), [(8, 5), (9, 4), (5, 8), (4, 9), (6, 6)])
def test_load_clip_cuts_and_pads_around_the_middle(tmp_path: Path, length: int, samples: int) -> None:
    wave = np.arange(1, length + 1, dtype=np.int16)
    loaded = sc.load_clip(write_wave(tmp_path / "a.wav", wave), samples)
    lost = abs(length - samples)
    if length >= samples:
        expected = wave[lost // 2 : lost // 2 + samples]
    else:
        expected = np.concatenate([np.zeros(lost // 2), wave, np.zeros(lost - lost // 2)])
    np.testing.assert_array_equal(loaded, expected)


def test_load_clip_converts_rate_and_channels(tmp_path: Path) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(44100) / 44100)
    path = write_wave(tmp_path / "a.wav", np.stack([tone, tone], axis=1), rate=44100)
    loaded = sc.load_clip(path) / 32768
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    np.testing.assert_allclose(loaded[1000:15000], expected[1000:15000], atol=0.01)


def test_load_clips_keeps_the_order(tmp_path: Path) -> None:
    for number in range(40):
        write_wave(tmp_path / "yes" / f"{number:02}_nohash_0.wav", np.full(200, number, np.int16))
    clips = sc.read_folder(tmp_path)[::-1]
    loaded = sc.load_clips(clips, samples=100, jobs=8)
    assert loaded.shape == (40, 100)
    assert loaded.dtype == np.int16
    np.testing.assert_array_equal(loaded[:, 50], np.arange(40)[::-1])
    assert sc.load_clips([], samples=100).shape == (0, 100)


def test_load_clips_names_the_damaged_file(tmp_path: Path) -> None:
    write_wave(tmp_path / "yes" / "a_nohash_0.wav", np.ones(100, np.int16))
    (tmp_path / "yes" / "b_nohash_0.wav").write_bytes(b"RIFF, and nothing more")
    with pytest.raises(DataError, match=r"b_nohash_0\.wav.*; replace or remove this clip\.$"):
        sc.load_clips(sc.read_folder(tmp_path))


def test_an_empty_clip_is_damaged_too(tmp_path: Path) -> None:
    path = write_wave(tmp_path / "a.wav", np.zeros(0, np.int16))
    with pytest.raises(DataError, match=r"a\.wav"):
        sc.load_clip(path)


def test_the_loudest_stretch_of_an_own_recording_is_kept(tmp_path: Path) -> None:
    """The word and not the silence between it and the click of the stop button; a clip of an instant is no error."""
    rng = np.random.default_rng(0)
    clip = 0.001 * rng.standard_normal(48_000)
    clip[3200:14_400] += 0.3 * rng.standard_normal(11_200).clip(-2, 2)
    clip[46_400:46_480] += 0.5
    write_wave(tmp_path / "a.wav", clip)
    write_wave(tmp_path / "b.wav", 0.1 * np.ones(100))
    words = load_recordings("word", [tmp_path], 16_000)
    kept = words.samples[0] / 32767
    assert np.sum(kept**2) == pytest.approx(np.sum(clip[3200:14_400] ** 2), rel=0.01)
    assert np.flatnonzero(np.abs(kept) > 0.1)[0] == pytest.approx((16_000 - 11_200) / 2, abs=900)
    assert np.count_nonzero(words.samples[1]) == 100
