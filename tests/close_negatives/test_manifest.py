"""The folder that is written: every clip is there, as the manifest says, and writing again changes nothing."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from close_negatives.engines import ENGINES
from close_negatives.manifest import COLUMNS, read_manifest, write_folder
from close_negatives.plan import PlanSettings, plan
from close_negatives.synthesize import Spoken, speak
from close_negatives.voices import Split
from close_negatives.words import CloseWord
from wakeword.errors import SynthesisError

SETTINGS = PlanSettings({"espeak": 1.0})


def spoken(*words: str | CloseWord, split: Split = "train", clips: int = 2) -> Spoken:
    if not ENGINES["espeak"].available():
        pytest.skip("the speech engine 'espeak' is not installed")
    return speak(plan(words, clips, split, 3, SETTINGS), jobs=1)


def test_the_manifest_tells_the_truth_of_every_clip(tmp_path: Path) -> None:
    said = spoken("hey computer", CloseWord("mar", ("M", "AA1", "R"), 0.5, "truncation"))
    path = write_folder(said, tmp_path / "new" / "folder")
    rows = read_manifest(path)
    assert [row["path"] for row in rows] == sorted(row["path"] for row in rows)
    files = {str(file.relative_to(path.parent)) for file in path.parent.rglob("*") if file.is_file()}
    assert files == {row["path"] for row in rows} | {"manifest.csv"}
    by_seed = {str(request.seed): (clip, request) for clip, request in zip(said.clips, said.requests, strict=True)}
    for row in rows:
        clip, request = by_seed.pop(row["seed"])
        content = (path.parent / row["path"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == row["sha256"]
        samples, rate = soundfile.read(path.parent / row["path"], dtype="int16")
        assert rate == 16_000
        assert np.array_equal(samples, clip)
        assert row["path"].startswith({"hey computer": "hey_computer/", "mar": "mar/"}[row["text"]])
        assert (row["text"], row["voice"], float(row["rate"]), float(row["pitch"])) == (
            (request.name, request.voice.name, request.rate, request.pitch)
        )
        assert (row["split"], row["engine"], row["licence"]) == ("train", "espeak", "GPL-3.0-or-later")
        assert row["phonemes"] == {"hey computer": "HH EY1 K AH0 M P Y UW1 T ER0", "mar": "M AA1 R"}[row["text"]]
        assert float(row["seconds"]) == pytest.approx(len(clip) / 16_000, abs=0.001)
    assert not by_seed


def test_writing_again_changes_nothing_and_another_split_is_added(tmp_path: Path) -> None:
    train, test = spoken("marvin"), spoken("marvin", split="test")
    path = write_folder(train, tmp_path)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    write_folder(train, tmp_path)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before
    write_folder(test, tmp_path)
    assert sorted(row["split"] for row in read_manifest(path)) == ["test", "test", "train", "train"]


def test_a_foreign_manifest_is_left_alone(tmp_path: Path) -> None:
    said = spoken("marvin")
    for content in (
        b"a,b\n1,2\n",
        b"\xff\xfe",
        b'"open',
        (",".join(COLUMNS) + "\nshort\n").encode(),
    ):
        (tmp_path / "manifest.csv").write_bytes(content)
        with pytest.raises(
            SynthesisError, match=r"manifest.csv (is no manifest of spoken clips|cannot be read)"
        ) as error:
            write_folder(said, tmp_path)
        assert "\n" not in str(error.value)
        assert [file.name for file in tmp_path.iterdir()] == ["manifest.csv"]
        assert (tmp_path / "manifest.csv").read_bytes() == content


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SynthesisError, match=r"cannot be written to .*file/marvin \(Not a directory\): name another"):
        write_folder(spoken("marvin"), tmp_path / "file")


def test_the_manifest_is_what_csv_readers_take(tmp_path: Path) -> None:
    path = write_folder(spoken("oh, marvin!"), tmp_path)
    with path.open(newline="") as stream:
        assert [row["text"] for row in csv.DictReader(stream)] == ["oh, marvin!"] * 2
