"""Synthesis with the real engines: the same bits every time, nothing spoken twice, plain sentences when it fails."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soxr

from close_negatives import synthesize
from close_negatives.cache import CACHE_VARIABLE
from close_negatives.clip import finish, trim
from close_negatives.engines import ENGINES, Engine, EngineError, Request, Voice
from close_negatives.plan import PlanSettings, plan
from close_negatives.store import Store
from close_negatives.synthesize import Spoken, clip_key, speak
from wakeword.errors import SynthesisError

FAST = PlanSettings({"hibari": 0.3, "pico": 0.2, "espeak": 0.5})
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


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def requests_for(*words: str, clips: int = 3) -> list[Request]:
    if not all(ENGINES[name].available() for name in FAST.shares):
        pytest.skip("an engine of the plan is not installed")
    return plan(words, clips, "train", 5, FAST)


def digest(spoken: Spoken) -> str:
    return hashlib.sha256(b"".join(clip.tobytes() for clip in spoken.clips)).hexdigest()


def forbid_speaking(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Engine, request: Request) -> None:
        raise AssertionError(f"{request} was spoken again")

    monkeypatch.setattr(Engine, "speak", fail)


def test_clips_are_what_the_engines_say_resampled_trimmed_and_levelled() -> None:
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


def test_the_columns_tell_what_each_clip_is() -> None:
    spoken = speak(requests_for("marvin", "hey computer"))
    assert spoken.texts == ("marvin",) * 3 + ("hey computer",) * 3
    assert spoken.phonemes[0] == ("M", "AA1", "R", "V", "IH0", "N")
    assert spoken.phonemes[-1][:2] == ("HH", "EY1")
    assert set(spoken.splits) == {"train"}
    assert set(spoken.engines) <= set(FAST.shares)
    assert all(ENGINES[e].has_voice(r.voice) for e, r in zip(spoken.engines, spoken.requests, strict=True))


def test_a_rerun_speaks_nothing_and_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = requests_for("marvin")
    first = speak(requests)
    forbid_speaking(monkeypatch)
    steps: list[tuple[int, int]] = []
    again = speak([*requests, requests[0]], progress=lambda done, total: steps.append((done, total)))
    assert all(np.array_equal(a, b) for a, b in zip(first.clips, again.clips, strict=False))
    assert np.array_equal(again.clips[3], again.clips[0])
    assert steps == [(4, 4)]


def test_other_processes_say_the_same_without_the_cache(cache: Path) -> None:
    requests = requests_for("marvin", "heaven", clips=60)  # enough for workers to be started
    here = digest(speak(requests, jobs=1))
    for jobs in (1, 2):
        (cache / "speech.sqlite").unlink()
        command = [sys.executable, "-W", "error", "-c", SPEAK_IN_ANOTHER_PROCESS, "60", str(jobs)]
        run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
        assert run.stdout.split()[-1] == here
        assert run.stderr == ""


def test_a_killed_run_goes_on_where_it_was(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_everything_that_changes_a_clip_changes_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_what_one_engine_cannot_speak_is_skipped_and_the_rest_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = requests_for("marvin", clips=12)
    pico = [request for request in requests if request.voice.engine == "pico"]
    assert 0 < len(pico) < 12
    monkeypatch.setattr(ENGINES["pico"], "packages", ("no_such_package",))
    spoken = speak(requests)
    assert [request for request, _ in spoken.skipped] == pico
    assert "pip install py-nanotts" in spoken.skipped[0].reason
    assert len(spoken.clips) == 12 - len(pico)
    with pytest.raises(SynthesisError, match=r"could speak 'marvin': the speech engine 'pico' is not installed: pip"):
        speak(pico)


def test_an_unknown_voice_is_skipped_alone() -> None:
    good = requests_for("marvin", clips=2)
    strangers = [Voice(engine, "nobody", "en-US", "", True) for engine in ("kokoro", "espeak", "parrot")]
    asked = [good[0], *(Request(voice, "marvin") for voice in strangers), good[1]]
    spoken = speak(asked)
    assert spoken.requests == tuple(good)
    assert [skipped.request for skipped in spoken.skipped] == asked[1:4]
    reasons = [skipped.reason for skipped in spoken.skipped]
    assert "'nobody'" in reasons[1]
    assert "there is no speech engine 'parrot'" in reasons[2]


def test_a_word_that_no_engine_can_speak_is_one_sentence() -> None:
    good = requests_for("marvin", clips=1)
    silent = Voice("espeak", "en-US+nobody", "en-US", "", False)
    with pytest.raises(SynthesisError, match=r"no speech engine could speak 'heaven': .* has no voice") as error:
        speak([*good, Request(silent, "heaven"), Request(silent, "heaven", seed=1)])
    assert "\n" not in str(error.value)


def test_an_unwritable_cache_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = requests_for("marvin", clips=1)
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file" / "cache"))
    with pytest.raises(SynthesisError, match=r"cannot be used \(Not a directory\): mend its folder or let WAKE"):
        speak(requests)
    (tmp_path / "folder" / "speech.sqlite").mkdir(parents=True)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "folder"))
    with pytest.raises(SynthesisError, match="cannot be used"):
        speak(requests)
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "speech.sqlite").write_bytes(b"no database" * 100)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "damaged"))
    with pytest.raises(SynthesisError, match="is damaged: delete it"):
        speak(requests)


def test_a_full_disk_is_one_sentence_and_what_was_kept_stays(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    requests = requests_for("marvin", clips=400)
    speak(requests[:5])

    class SmallDisk(sqlite3.Connection):
        """SQLite answers here as it does where the disk itself is full."""

        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **options)  # type: ignore[arg-type]
            self.execute("PRAGMA max_page_count = 200")

    monkeypatch.setattr(sqlite3, "connect", functools.partial(sqlite3.connect, factory=SmallDisk))
    with pytest.raises(SynthesisError, match=r"the disk is full at .*speech\.sqlite: free some space") as error:
        speak(requests, jobs=2)
    assert "\n" not in str(error.value)
    monkeypatch.undo()
    monkeypatch.setenv(CACHE_VARIABLE, str(cache))
    with Store() as store:
        assert len(store.clips(map(clip_key, requests[:5]))) == 5


def test_a_worker_that_the_system_kills_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = requests_for("marvin", clips=300)
    monkeypatch.setattr(synthesize, "_speak_chunk", _die)
    with pytest.raises(SynthesisError, match="ended by the system, most often for want of memory"):
        speak(requests, jobs=2)


def _die(chunk: object) -> object:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)
    return chunk


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


def test_a_request_that_is_out_of_bounds_never_reaches_an_engine() -> None:
    with pytest.raises(EngineError):
        Request(Voice("espeak", "en-US", "en-US", "", False), "a", rate=9.0)
