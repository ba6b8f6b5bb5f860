"""The demonstration: its recording is what it claims, its verdict is right, and it finds what was spoken."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from demo.replay import BLOCK, Pace, Spoken, judge, read_spoken, replay, table
from wakeword import Detection, Detector, bundled_models, load_model
from wakeword.cli.bars import Look
from wakeword.cli.meter import Meter, Screen
from wakeword.errors import AudioError
from wakeword.model import calibration_path
from wakeword.sidecar import content

ROOT = Path(__file__).resolve().parents[2]
RECORDINGS = ROOT / "demo" / "recordings"
SPOKEN = [
    Spoken("cat", 1.0, 2.0),
    Spoken("happy", 2.5, 3.5),
    Spoken("dog", 4.0, 5.0),
    Spoken("happy", 6.0, 7.0),
]


def at(end_s: float) -> Detection:
    return Detection("happy", end_s - 0.995, end_s, 9.0)


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "demo", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def model(tmp_path: Path, make_model: Callable[..., Any]) -> str:
    path = tmp_path / "happy.wakeword"
    make_model("happy").save(path)
    return str(path)


def test_the_list_fits_the_recording() -> None:
    info = soundfile.info(RECORDINGS / "happy.flac")
    assert (info.samplerate, info.channels, info.subtype) == (16_000, 1, "PCM_16")
    assert 45.0 <= info.duration <= 60.0
    samples, _ = soundfile.read(RECORDINGS / "happy.flac")
    assert np.abs(samples).max() < 1.0
    spoken = read_spoken(RECORDINGS / "happy.json")
    words = Counter(word.word for word in spoken)
    assert words["happy"] == 6
    assert len(spoken) == 34
    ends = [0.0, *(word.end_s for word in spoken)]
    assert spoken[-1].end_s + 1.0 == pytest.approx(info.duration, abs=1e-3)
    for before, word in zip(ends, spoken, strict=False):
        assert word.start_s - before >= 0.15 - 1e-3
        start, end = round(word.start_s * 16_000), round(word.end_s * 16_000)
        gap = samples[round(before * 16_000) : start]
        assert 10 * np.log10(np.mean(gap**2)) == pytest.approx(-70.0, abs=1.0)
        assert np.mean(samples[start:end] ** 2) > 10 * np.mean(gap**2)  # a word is where one is listed


def test_no_speaker_was_ever_trained_on() -> None:
    sorting = pytest.importorskip("training.speech_commands", reason="needs the training room")
    clips = [entry["clip"] for entry in json.loads((RECORDINGS / "happy.json").read_text())]
    assert [sorting.partition(f"{clip}.wav") for clip in clips] == ["test"] * 34
    assert len({clip.split("/")[1].split("_")[0] for clip in clips}) == 34


def test_every_clip_is_attributed() -> None:
    text = (RECORDINGS / "ATTRIBUTION.md").read_text(encoding="utf-8")
    for entry in json.loads((RECORDINGS / "happy.json").read_text()):
        assert f"| {entry['start_s']:.2f} | {entry['word']} | `{entry['clip'].split('/')[1]}` |" in text
    assert "creativecommons.org/licenses/by/4.0/" in text
    assert "Pete Warden" in text


def test_the_recording_is_what_its_script_builds(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "speech_commands"
    command = [sys.executable, "-m", "demo.build_recording", "--data", str(folder), "--out", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=120)
    for name in ("happy.json", "ATTRIBUTION.md"):
        assert (tmp_path / name).read_bytes() == (RECORDINGS / name).read_bytes()
    built, shipped = (soundfile.read(place / "happy.flac", dtype="int16")[0] for place in (tmp_path, RECORDINGS))
    np.testing.assert_array_equal(built, shipped)


def test_a_trained_speaker_is_refused() -> None:
    building = pytest.importorskip("demo.build_recording", reason="needs the training room")
    clip = building.Clip(Path("happy/004ae714_nohash_0.wav"), "happy", "004ae714", "test")  # in training
    with pytest.raises(AssertionError, match="train split"):
        building.assert_unheard([building.Placed(clip, 0, 16_000)])


def test_everything_found_passes() -> None:
    verdict = judge(SPOKEN, [at(7.4), at(3.2)], "happy")
    assert [detection.end_s for _, detection in verdict.found if detection] == [3.2, 7.4]
    assert verdict.passed
    assert table(verdict, SPOKEN, 8.0, "happy") == [
        "spoken               found",
        "  2.50 s  happy       at 3.20 s, score 9.00",
        "  6.00 s  happy       at 7.40 s, score 9.00",
        "",
        "2 other words: cat, dog",
        "PASSED: 2 of 2 found, 0 false alarms in 8.0 s",
    ]


@pytest.mark.parametrize("late", [[], [7.6]], ids=["never", "too late"])
def test_a_miss_fails(late: list[float]) -> None:
    verdict = judge(SPOKEN, [at(3.2), *map(at, late)], "happy")
    assert (verdict.missed, len(verdict.false_alarms)) == (1, len(late))
    assert not verdict.passed
    lines = table(verdict, SPOKEN, 8.0, "happy")
    assert "  6.00 s  happy       missed" in lines
    assert lines[-1].startswith("FAILED: 1 of 2 found")


@pytest.mark.parametrize(
    ("extra", "near"), [(1.9, "cat"), (3.4, "happy"), (4.6, "dog")], ids=["before", "twice", "between"]
)
def test_a_false_alarm_fails(extra: float, near: str) -> None:
    verdict = judge(SPOKEN, [at(3.2), at(extra), at(6.9)], "happy")
    assert verdict.missed == 0
    assert [alarm.end_s for alarm in verdict.false_alarms] == [extra]
    assert not verdict.passed
    lines = table(verdict, SPOKEN, 8.0, "happy")
    assert any(f'false alarm at {extra:.2f} s, score 9.00 near "{near}"' in line for line in lines)
    assert lines[-1] == "FAILED: 2 of 2 found, 1 false alarm in 8.0 s"


@pytest.mark.parametrize("text", ["", "{", '[{"word": "happy"}]', "[1]", '[{"word": "a", "start_s": "x", "end_s": 1}]'])
def test_a_broken_list_is_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "list.json").write_text(text)
    with pytest.raises(AudioError, match="is no list of spoken words"):
        read_spoken(tmp_path / "list.json")


class Time:
    """A clock that only sleeping and work move; work takes 30 ms a block."""

    def __init__(self) -> None:
        self.now, self.slept = 100.0, 0.0

    def __call__(self) -> float:
        self.now += 0.03
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.now += seconds


def replayed(model: str, samples: np.ndarray, fast: bool, time: Time) -> list[Detection]:
    detector = Detector(model, threshold=-1.0)
    with Meter(detector, screen=Screen(io.StringIO(), Look(live=False))) as meter:
        return replay(detector, samples, [], meter, Pace(fast, time, time.sleep))


def test_replay_takes_as_long_as_the_sound_and_changes_nothing(model: str, voice: np.ndarray) -> None:
    detector = Detector(model, threshold=-1.0)
    expected = [d for at in range(0, len(voice), BLOCK) for d in detector.process(voice[at : at + BLOCK])]
    assert expected
    slow, quick = Time(), Time()
    assert replayed(model, voice, fast=False, time=slow) == expected
    assert slow.now - 100.0 == pytest.approx(len(voice) / 16_000, abs=0.1)  # no drift over 75 blocks
    assert slow.slept < 0.8 * BLOCK / 16_000 * (len(voice) / BLOCK)  # the work's time is not waited for twice
    assert replayed(model, voice, fast=True, time=quick) == expected
    assert quick.slept == 0.0


def test_a_pipe_gets_plain_text_and_the_verdicts_exit_code(model: str) -> None:
    ended = demo("--fast", "--model", model)
    assert ended.returncode == 1  # random weights find no keyword without alarms
    assert "FAILED" in ended.stdout
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", ended.stdout + ended.stderr)


def test_a_missing_model_is_one_sentence() -> None:
    ended = demo("--fast", "--model", "nowhere.wakeword")
    assert ended.returncode == 2
    assert ended.stderr.startswith("wakeword: nowhere.wakeword: there is no such model file")
    assert ended.stderr.count("\n") == 1


def test_a_model_of_another_keyword_is_refused(tmp_path: Path, make_model: Callable[..., Any]) -> None:
    make_model("cat").save(tmp_path / "cat.wakeword")
    ended = demo("--fast", "--model", str(tmp_path / "cat.wakeword"))
    assert ended.returncode == 2
    assert "hears another keyword" in ended.stderr


def test_the_bundled_model_finds_everything_and_nothing_else() -> None:
    ended = demo("--fast")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "PASSED: 6 of 6 found, 0 false alarms" in ended.stdout


def test_the_calibration_of_a_room_changes_nothing_in_the_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAKEWORD_CONFIG", str(tmp_path))
    happy = bundled_models()["happy"]
    calibration_path(happy).write_bytes(content(happy, {"threshold": 99.0}))
    assert load_model("happy").rule().threshold == 99.0
    assert "PASSED: 6 of 6 found, 0 false alarms" in demo("--fast").stdout
