"""``wakeword review``: labels by one key, resumable, and folders that training takes."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soundfile

from wakeword.audio import read_mono
from wakeword.cli import main
from wakeword.clips import Clip, save_clip
from wakeword.labels import Review

Capture = pytest.CaptureFixture[str]


def ramp(seconds: float) -> np.ndarray:
    """A sound of which every stretch tells where it was cut."""
    return np.linspace(0.0, 0.9, round(seconds * 16_000), dtype=np.float32)


def fill(folder: Path, *keywords: str) -> None:
    for index, keyword in enumerate(keywords):
        clip = Clip(f"{index}.flac", "near_miss", keyword, 1.25, 2.5, 1.0, 2.0, "2024-05-01T12:00:00+02:00")
        save_clip(folder, clip, ramp(2.4))


def review(monkeypatch: pytest.MonkeyPatch, folder: Path, keys: str, *options: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(keys))
    with pytest.raises(SystemExit) as ended:
        main(["review", str(folder), *options])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.parent != folder)


def test_keys_label_and_lay_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    fill(tmp_path, "happy", "happy", "happy", "happy")
    assert review(monkeypatch, tmp_path, "k\nn\nxs") == 0  # x is no key; then the input is over
    assert json.loads((tmp_path / "labels.json").read_text()) == {
        "0.flac": "keyword",
        "1.flac": "not",
        "2.flac": "skip",
    }
    assert [path for path in files(tmp_path) if path.endswith(".flac")] == ["negative/1.flac", "positive/0.flac"]
    out = capsys.readouterr().out
    assert "1/4  happy  near miss  score 1.25 (fires at 2.50)  2024-05-01T12:00:00+02:00" in out
    assert "1 keyword, 1 not, 1 skipped, 1 to do" in out
    assert f"for training: {tmp_path / 'positive'}" in out
    info = soundfile.info(tmp_path / "positive" / "0.flac")
    assert (info.samplerate, info.channels, info.subtype) == (16_000, 1, "PCM_16")
    cut = read_mono(tmp_path / "positive" / "0.flac")
    np.testing.assert_allclose(cut, ramp(2.4)[round(0.85 * 16_000) : round(2.15 * 16_000)], atol=1e-4)


def test_training_takes_what_was_laid_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from training.corpus import load_recordings

    fill(tmp_path, "happy", "happy")
    review(monkeypatch, tmp_path, "kk")
    words = load_recordings("happy", [tmp_path / "positive"], 16_000)
    assert words.names == ("0.flac", "1.flac")
    assert words.is_keyword.all()
    assert np.abs(words.samples).max() > 10_000


def test_it_goes_on_where_it_stopped_and_undoes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    fill(tmp_path, "happy", "happy", "happy")
    review(monkeypatch, tmp_path, "kq")
    capsys.readouterr()
    review(monkeypatch, tmp_path, "nuunkk")  # 1 not; undo it and the first; then not, keyword, keyword
    assert json.loads((tmp_path / "labels.json").read_text()) == {
        "0.flac": "not", "1.flac": "keyword", "2.flac": "keyword",
    }  # fmt: skip
    assert files(tmp_path) == ["negative/0.flac", "positive/1.flac", "positive/2.flac"]
    assert capsys.readouterr().out.startswith("1/2  happy")
    review(monkeypatch, tmp_path, "k", "--again")
    assert files(tmp_path) == ["positive/0.flac", "positive/1.flac", "positive/2.flac"]
    review(monkeypatch, tmp_path, "u")
    assert "0 to do" in capsys.readouterr().out  # nothing was left to ask, so no key was read


def test_undo_with_nothing_to_undo_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    fill(tmp_path, "happy")
    review(monkeypatch, tmp_path, "uq")
    assert "nothing to undo" in capsys.readouterr().out


def test_a_run_killed_between_label_and_copy_is_mended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, "happy", "happy")
    (tmp_path / "labels.json").write_text('{"0.flac": "keyword"}')
    (tmp_path / "negative").mkdir()
    (tmp_path / "negative" / "1.flac").write_bytes(b"left over")
    review(monkeypatch, tmp_path, "")
    assert files(tmp_path) == ["positive/0.flac"]


def test_each_keyword_has_folders_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, "happy", "hey you")
    review(monkeypatch, tmp_path, "kn")
    assert [path for path in files(tmp_path) if path.endswith(".flac")] == [
        "happy/positive/0.flac", "hey_you/negative/1.flac",
    ]  # fmt: skip


def test_a_second_keyword_moves_the_copies_of_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was laid out while the folder had one keyword would else be trained with under a label taken back."""
    fill(tmp_path, "happy")
    review(monkeypatch, tmp_path, "k")
    assert files(tmp_path) == ["positive/0.flac"]
    fill(tmp_path / "later", "happy", "seven")
    for name in ("1.flac", "clips.jsonl"):
        (tmp_path / "later" / name).rename(tmp_path / name)
    shutil.rmtree(tmp_path / "later")
    review(monkeypatch, tmp_path, "n")
    assert [path for path in files(tmp_path) if path.endswith(".flac")] == [
        "happy/positive/0.flac", "seven/negative/1.flac",
    ]  # fmt: skip
    review(monkeypatch, tmp_path, "nn", "--again")
    assert [path for path in files(tmp_path) if path.endswith(".flac")] == [
        "happy/negative/0.flac", "seven/negative/1.flac",
    ]  # fmt: skip


def test_clips_that_differ_in_the_end_of_their_names_have_copies_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "one.wav", np.zeros(16_000), 16_000)
    review(monkeypatch, tmp_path, "n")
    soundfile.write(tmp_path / "one.flac", np.zeros(16_000), 16_000)
    review(monkeypatch, tmp_path, "k")
    assert files(tmp_path) == ["negative/one.wav.flac", "positive/one.flac"]
    (tmp_path / "one.flac").unlink()
    soundfile.write(tmp_path / "one.ogg", np.zeros(16_000), 16_000)
    review(monkeypatch, tmp_path, "ns", "--again")  # one.ogg, one.wav
    assert [path for path in files(tmp_path) if path.startswith("neg")] == ["negative/one.ogg.flac"]
    (tmp_path / "one.ogg").unlink()
    review(monkeypatch, tmp_path, "k", "--again")
    assert [path for path in files(tmp_path) if "wav" in path or path.endswith("one.flac")] == ["positive/one.flac"]


def test_sound_files_without_a_manifest_are_labelled_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile.write(tmp_path / "mine.wav", np.zeros(48_000), 48_000)
    (tmp_path / "broken.wav").write_bytes(b"no sound")
    review(monkeypatch, tmp_path, "kk")  # the broken one cannot be labelled and is passed over
    assert files(tmp_path) == ["positive/mine.flac"]
    assert len(read_mono(tmp_path / "positive" / "mine.flac")) == 16_000


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda folder: None, "holds no clips"),
        (lambda folder: (folder / "labels.json").write_text("{"), "is damaged"),
        (lambda folder: (folder / "labels.json").write_text('{"a": "b"}'), "holds other labels"),
    ],
)
def test_what_cannot_be_reviewed_is_one_sentence(
    tmp_path: Path, write: Any, said: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    if said != "holds no clips":
        fill(tmp_path, "happy")
    write(tmp_path)
    assert review(monkeypatch, tmp_path, "k") == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert review(monkeypatch, tmp_path / "none", "k") == 2


def test_clips_are_played_at_the_devices_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    played: list[tuple[np.ndarray, int]] = []
    fake = SimpleNamespace(
        PortAudioError=RuntimeError,
        query_devices=lambda kind: {"default_samplerate": 48_000.0},
        play=lambda samples, rate, blocking: played.append((samples, rate)),
    )
    monkeypatch.setitem(__import__("sys").modules, "sounddevice", fake)
    fill(tmp_path, "happy")
    review(monkeypatch, tmp_path, "pk")
    assert [(len(samples), rate) for samples, rate in played] == [(round(2.4 * 48_000), 48_000)]
    assert Review(tmp_path).open_items == []
