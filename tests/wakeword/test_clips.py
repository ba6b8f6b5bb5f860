"""Near misses, the clips of ``listen --save-clips``, and the commands of ``listen --exec``."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from wakeword import Detection, Detector, Step
from wakeword.audio import read_mono
from wakeword.cli.hook import MOST_AT_ONCE, Hook
from wakeword.clip_recorder import ClipRecorder, ClipSettings
from wakeword.clips import MANIFEST, Clip, free_name, read_clips, save_clip, slug, sound_file
from wakeword.errors import AudioError, WakewordError
from wakeword.listener import hear
from wakeword.near_misses import NearMisses

HOP_S = 0.08


def fake_detector(*thresholds: float) -> Any:
    spec = SimpleNamespace(window_samples=16_000, sample_rate=16_000)
    models = [SimpleNamespace(keyword=f"word{i}", spec=spec) for i in range(len(thresholds))]
    return SimpleNamespace(models=models, thresholds=list(thresholds))


def near_of(scores: list[float], fired_at: tuple[int, ...] = (), margin: float = 2.0) -> list[tuple[int, float]]:
    """(window, score) of the near misses of one keyword with threshold 5, one step a window."""
    finder, found = NearMisses(fake_detector(5.0), margin), []
    for index, score in enumerate(scores):
        end = index * HOP_S
        fired = [Detection("word0", end - 1.0, end, score)] if index in fired_at else []
        found += finder.push(Step(fired, np.array([end]), np.array([[score]], np.float32)))
    return [(round(near.end_s / HOP_S), near.score) for near in found]


def test_a_near_miss_is_the_peak_of_an_approach() -> None:
    assert near_of([0, 3.5, 4.5, 4.0, 0, 0, 3.0, 2.9]) == [(2, 4.5), (6, 3.0)]
    assert near_of([0, 2.9, 2.9, 0]) == []
    assert near_of([0, 5.5, 0]) == [(1, 5.5)]  # above the threshold, but for too few windows to count


def test_a_detection_and_its_echo_are_no_near_misses() -> None:
    assert near_of([0, 4, 6, 7, 4, 0], fired_at=(3,)) == []
    assert near_of([0, 6, 7, 0, 4, 0], fired_at=(2,)) == []
    later = [0.0, 6, 7, *[0.0] * 14, 4, 0]
    assert near_of(later, fired_at=(2,)) == [(17, 4.0)]


def test_an_approach_without_end_is_told_once() -> None:
    assert near_of([4.0] * 200) == [(0, 4.0)]


def test_keywords_have_near_misses_of_their_own_and_windows_may_be_missing() -> None:
    finder, found = NearMisses(fake_detector(5.0, 1.0), 1.0), []
    rows = [[4.5, np.nan], [np.nan, 0.5], [0.0, np.nan], [np.nan, -1.0]]
    for index, row in enumerate(rows):
        found += finder.push(Step([], np.array([index * HOP_S]), np.array([row], np.float32)))
    assert [(near.keyword, near.score) for near in found] == [("word0", 4.5), ("word1", 0.5)]


@pytest.fixture
def detector(make_model: Callable[..., Any]) -> Detector:
    return Detector(make_model("wo/rd\x1b"), threshold=1.0)


def record(detector: Detector, sound: np.ndarray, settings: ClipSettings, told: list[str] | None = None) -> list[Clip]:
    detector.reset()
    with ClipRecorder(detector, settings, (told if told is not None else []).append) as recorder:
        for heard in hear((sound[i : i + 1280] for i in range(0, len(sound), 1280)), detector):
            recorder.push(heard)
    return read_clips(settings.folder)


def test_saved_clips_are_the_sound_around_the_windows(detector: Detector, voice: np.ndarray, tmp_path: Path) -> None:
    sound = np.concatenate((voice, voice))
    expected = detector.process(sound)
    clips = record(detector, sound, ClipSettings(tmp_path, before_s=0.5, after_s=0.3))
    saved = [clip for clip in clips if clip.kind == "detection"]
    assert len(saved) == len(expected) >= 2
    for clip, detection in zip(saved, expected, strict=True):
        heard = read_mono(tmp_path / clip.file)
        first = max(0, round((detection.start_s - 0.5) * 16_000))
        np.testing.assert_allclose(heard, sound[first : first + len(heard)], atol=2e-4)
        assert clip.window_end_s - clip.window_start_s == pytest.approx(0.995, abs=1e-3)
        assert first / 16_000 + clip.window_end_s == pytest.approx(detection.end_s, abs=1e-3)
        assert len(heard) / 16_000 == pytest.approx(min(clip.window_end_s + 0.3, 12.0 - first / 16_000), abs=1e-3)
        assert clip.file.startswith("20")
        assert "-wo_rd-detection" in clip.file


def test_near_misses_are_saved_too(make_model: Callable[..., Any], voice: np.ndarray, tmp_path: Path) -> None:
    scores = Detector(make_model(), threshold=99.0).step(voice).scores[:, 0]
    detector = Detector(make_model(), threshold=float(scores.max()) + 1.0)
    clips = record(detector, voice, ClipSettings(tmp_path, margin=1.5))
    assert {clip.kind for clip in clips} == {"near_miss"}
    assert max(clip.score for clip in clips) == pytest.approx(scores.max(), abs=1e-3)
    assert record(detector, voice, ClipSettings(tmp_path / "none", margin=0.5)) == []


def test_a_full_folder_is_told_once_and_takes_no_more(detector: Detector, voice: np.ndarray, tmp_path: Path) -> None:
    told: list[str] = []
    assert len(record(detector, voice, ClipSettings(tmp_path, most=1), told)) == 1
    assert told == [f"{tmp_path} holds 1 clips: no more are saved"]
    told.clear()
    assert len(record(detector, voice, ClipSettings(tmp_path, most=1), told)) == 1


def test_a_folder_that_goes_away_is_told_and_listening_goes_on(
    detector: Detector, voice: np.ndarray, tmp_path: Path
) -> None:
    told: list[str] = []
    folder = tmp_path / "clips"
    with ClipRecorder(detector, ClipSettings(folder), told.append) as recorder:
        shutil.rmtree(folder)
        folder.write_text("a file in its place")
        for heard in hear((voice[i : i + 1280] for i in range(0, len(voice), 1280)), detector):
            recorder.push(heard)
    assert recorder.saved == 0
    assert len(told) == 1
    assert "no more clips are saved" in told[0]
    with pytest.raises(WakewordError, match="cannot be made a folder of clips"):
        ClipRecorder(detector, ClipSettings(folder / "below"), told.append)


def clip_named(file: str) -> Clip:
    return Clip(file, "detection", "word", 1.0, 0.5, 0.5, 1.5, "2024-05-01T12:00:00+02:00")


def test_the_manifest_outlives_a_crash(tmp_path: Path) -> None:
    assert read_clips(tmp_path) == []
    first, second = clip_named("a.flac"), clip_named("b.flac")
    save_clip(tmp_path, first, np.zeros(160, np.float32))
    with open(tmp_path / MANIFEST, "a") as manifest:
        manifest.write('{"file": "cut')
    assert read_clips(tmp_path) == [first]
    save_clip(tmp_path, second, np.zeros(160, np.float32))
    assert read_clips(tmp_path) == [first, second]
    (tmp_path / "a.flac").unlink()
    assert read_clips(tmp_path) == [second]


@pytest.mark.parametrize("wrong", [{"file": "../a.flac"}, {"window_end_s": "x"}, {"other": 1}])
def test_a_foreign_line_of_the_manifest_is_named(tmp_path: Path, wrong: dict[str, Any]) -> None:
    save_clip(tmp_path, clip_named("a.flac"), np.zeros(160, np.float32))
    good = json.loads((tmp_path / MANIFEST).read_text())
    (tmp_path / MANIFEST).write_text(json.dumps({**good, **wrong}) + "\n" + json.dumps(good) + "\n")
    with pytest.raises(AudioError, match="line 1, describes no clip"):
        read_clips(tmp_path)


def test_names_are_free_and_safe(tmp_path: Path) -> None:
    assert [slug(text) for text in ("Hey, Computer!", "../../etc", "\x00", "你好")] == [
        "hey_computer", "etc", "_", "你好",
    ]  # fmt: skip
    (tmp_path / "a.flac").write_bytes(sound_file(np.zeros(160, np.float32)))
    (tmp_path / "a-2.flac").touch()
    assert free_name(tmp_path, "a") == "a-3.flac"


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 10.0
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_keyword_is_never_read_by_the_shell(tmp_path: Path) -> None:
    out, harm = tmp_path / "out", tmp_path / "harm"
    told: list[str] = []
    printed = '"$WAKEWORD_KEYWORD" $WAKEWORD_TIME $WAKEWORD_SCORE $WAKEWORD_THRESHOLD'
    hook = Hook(f'printf "%s|%s|%s|%s" {printed} > {out}.new && mv {out}.new {out}', told.append)
    hook.run(Detection(f'$(touch {harm}) "; touch {harm}; \x00', 1.0, 2.0, 9.5), 4.0)
    wait_until(out.exists)
    assert out.read_text() == f'$(touch {harm}) "; touch {harm}; ?|2.000|9.5000|4.0000'
    assert not harm.exists()
    hook.close()


def test_commands_do_not_hold_up_the_sound_and_are_bounded(tmp_path: Path) -> None:
    told: list[str] = []
    gate = tmp_path / "gate"
    hook = Hook(f"until [ -e {gate} ]; do sleep 0.05; done; exit 3", told.append)
    for _ in range(MOST_AT_ONCE + 1):
        hook.run(Detection("word", 0.0, 1.0, 1.0), 0.0)
    assert not gate.exists()  # it returned while they all still run
    assert [line for line in told if "still running" in line] == told
    assert len(told) == 1
    gate.touch()

    def all_ended() -> bool:
        hook.reap()
        return told.count("the command of --exec ended with code 3") == MOST_AT_ONCE

    wait_until(all_ended)
    hook.close()
