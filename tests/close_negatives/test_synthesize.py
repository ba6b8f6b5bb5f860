"""Synthesis with the real engines: what they say, the same bits every time, and nothing spoken twice."""

from __future__ import annotations

import dataclasses
import hashlib
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soxr

from close_negatives import synthesize
from close_negatives.clip import finish, trim
from close_negatives.engines import ENGINES, Engine, Request, Voice
from close_negatives.plan import PlanSettings
from close_negatives.store import Store
from close_negatives.synthesize import Spoken, clip_key, speak

RequestsFor = Callable[..., list[Request]]
ROOT = Path(__file__).resolve().parents[2]
SPEAK_IN_ANOTHER_PROCESS = """
import hashlib, sys
from close_negatives.plan import PlanSettings, plan
from close_negatives.synthesize import speak
settings = PlanSettings({"hibari": .3, "pico": .2, "espeak": .5})
requests = plan(["marvin", "heaven"], int(sys.argv[1]), "train", 5, settings)
spoken = speak(requests, jobs=int(sys.argv[2]), progress=lambda done, total: print(done, flush=True))
print(hashlib.sha256(b"".join(clip.tobytes() for clip in spoken.clips)).hexdigest())
"""
pytestmark = pytest.mark.usefixtures("cache")


def digest(spoken: Spoken) -> str:
    return hashlib.sha256(b"".join(clip.tobytes() for clip in spoken.clips)).hexdigest()


def forbid_speaking(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Engine, request: Request) -> None:
        raise AssertionError(f"{request} was spoken again")

    monkeypatch.setattr(Engine, "speak", fail)


def test_clips_are_what_the_engines_say_resampled_trimmed_and_levelled(requests_for: RequestsFor) -> None:
    requests = requests_for("marvin", "hey computer")
    spoken = speak(requests)
    assert spoken.requests == tuple(requests)
    assert spoken.skipped == ()
    for clip, request in zip(spoken.clips, requests, strict=True):
        samples, rate = ENGINES[request.voice.engine].speak(request)
        whole = samples if rate == 16_000 else soxr.resample(samples, rate, 16_000)
        assert clip.dtype == np.int16
        assert np.abs(clip).max() == 16_384
        # The clip is a stretch of what was said, outside of which nothing is nearly as loud as in it.
        at = int(np.argmax(np.abs(whole))) - int(np.argmax(np.abs(clip)))
        stretch = whole[at : at + len(clip)] * (16_384 / np.abs(whole).max())
        assert np.abs(stretch - clip).max() <= 0.51
        outside = np.concatenate([whole[:at], whole[at + len(clip) :], np.zeros(1)])
        assert np.abs(outside).max() < 0.15 * np.abs(whole).max()
        assert 0.2 < len(clip) / 16_000 < 1.5


def test_the_columns_tell_what_each_clip_is(requests_for: RequestsFor, fast_plan: PlanSettings) -> None:
    spoken = speak(requests_for("marvin", "hey computer"))
    assert spoken.texts == ("marvin",) * 3 + ("hey computer",) * 3
    assert spoken.phonemes[0] == ("M", "AA1", "R", "V", "IH0", "N")
    assert spoken.phonemes[-1][:2] == ("HH", "EY1")
    assert set(spoken.splits) == {"train"}
    assert set(spoken.engines) <= set(fast_plan.shares)
    assert all(ENGINES[e].has_voice(r.voice) for e, r in zip(spoken.engines, spoken.requests, strict=True))


def test_a_rerun_speaks_nothing_and_gives_the_same(requests_for: RequestsFor, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = requests_for("marvin")
    first = speak(requests)
    forbid_speaking(monkeypatch)
    steps: list[tuple[int, int]] = []
    again = speak([*requests, requests[0]], progress=lambda done, total: steps.append((done, total)))
    assert all(np.array_equal(a, b) for a, b in zip(first.clips, again.clips, strict=False))
    assert np.array_equal(again.clips[3], again.clips[0])
    assert steps == [(4, 4)]


def test_other_processes_say_the_same_without_the_cache(requests_for: RequestsFor, cache: Path) -> None:
    requests = requests_for("marvin", "heaven", clips=60)  # enough for workers to be started
    here = digest(speak(requests, jobs=1))
    for jobs in (1, 2):
        (cache / "speech.sqlite").unlink()
        command = [sys.executable, "-W", "error", "-c", SPEAK_IN_ANOTHER_PROCESS, "60", str(jobs)]
        run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
        assert run.stdout.split()[-1] == here
        assert run.stderr == ""


def test_a_killed_run_goes_on_where_it_was(
    requests_for: RequestsFor, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = requests_for("marvin", "heaven", clips=500)
    command = [sys.executable, "-c", SPEAK_IN_ANOTHER_PROCESS, "500", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    with process.stdout:
        done = [int(process.stdout.readline()) for _ in range(2)][-1]
        process.send_signal(signal.SIGKILL)
        process.wait()
    keys = [clip_key(request) for request in requests]
    with Store() as store:
        kept = set(store.clips(keys))
    assert 0 < done <= len(kept) < len(requests)
    # What was kept is not spoken again, and what was not is.
    speak_really, said = Engine.speak, []

    def noted(self: Engine, request: Request) -> object:
        said.append(clip_key(request))
        return speak_really(self, request)

    monkeypatch.setattr(Engine, "speak", noted)
    rest = [request for request, key in zip(requests, keys, strict=True) if key not in kept][:10]
    speak([*(r for r, key in zip(requests, keys, strict=True) if key in kept), *rest], jobs=1)
    assert sorted(said) == sorted(clip_key(request) for request in rest)


def test_everything_that_changes_a_clip_changes_its_key(
    requests_for: RequestsFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = requests_for("marvin", clips=1)[0]
    espeak = dataclasses.replace(request, voice=Voice("espeak", "en-US", "en-US", "", False))
    voice = dataclasses.replace(espeak.voice, name="x")
    changes = {"text": "heaven", "rate": 1.1, "pitch": 1.1, "seed": 99, "voice": voice}
    keys = {clip_key(espeak), *(clip_key(dataclasses.replace(espeak, **{k: v})) for k, v in changes.items())}  # type: ignore[arg-type]
    keys.add(clip_key(dataclasses.replace(espeak, text="", phonemes=("M", "AA1", "R"))))
    before = len(keys)
    assert before == 7
    assert clip_key(dataclasses.replace(espeak, label="called so")) in keys  # a name is no sound
    monkeypatch.setattr(ENGINES["espeak"], "revision", 2)
    keys.add(clip_key(espeak))
    monkeypatch.setattr("close_negatives.engines.base._version", lambda name: "9.9")
    keys.add(clip_key(espeak))
    monkeypatch.setattr("close_negatives.clip.REVISION", 2)
    synthesize._finishing.cache_clear()
    keys.add(clip_key(espeak))
    assert len(keys) == before + 3
    synthesize._finishing.cache_clear()


def test_another_kokoro_voice_of_the_same_name_is_another_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = ENGINES["kokoro"]
    if not engine.available():
        pytest.skip("the speech engine 'kokoro' is not installed")
    keys = set()
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        np.full(510 * 256, number, "<f4").tofile(folder / "af_a.bin")
        monkeypatch.setenv("WAKEWORD_KOKORO_VOICES", str(folder))
        voice = next(voice for voice in engine.voices() if voice.name == "af_a")
        keys.add(clip_key(Request(voice, "marvin")))
    assert len(keys) == 2


def test_silence_around_a_word_goes_and_silence_within_stays() -> None:
    rng = np.random.default_rng(0)
    tone = rng.standard_normal(3_200).astype(np.float32)
    within = np.concatenate([tone, np.zeros(1_600, np.float32), tone * 0.02])
    padded = np.concatenate([np.zeros(16_000, np.float32), within, np.full(8_000, 1e-4, np.float32)])
    trimmed = trim(padded)
    assert len(within) <= len(trimmed) <= len(within) + 2 * 4 * 160
    at = int(np.argmax(np.abs(trimmed))) - int(np.argmax(np.abs(within)))
    assert np.array_equal(trimmed[at : at + len(within)], within)
    assert np.array_equal(trim(within), within)
    assert np.abs(finish(padded * np.float32(1e-3), 16_000)).max() == 16_384
