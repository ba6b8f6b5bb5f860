"""Synthesis that fails: what cannot be spoken is skipped, and a bad cache, disk or worker is one plain sentence."""

from __future__ import annotations

import functools
import os
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from close_negatives import synthesize
from close_negatives.cache import CACHE_VARIABLE
from close_negatives.engines import ENGINES, EngineError, Request, Voice
from close_negatives.store import Store
from close_negatives.synthesize import clip_key, speak
from wakeword.errors import SynthesisError

RequestsFor = Callable[..., list[Request]]
pytestmark = pytest.mark.usefixtures("cache")


def test_what_one_engine_cannot_speak_is_skipped_and_the_rest_go_on(
    requests_for: RequestsFor, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_an_unknown_voice_is_skipped_alone(requests_for: RequestsFor) -> None:
    good = requests_for("marvin", clips=2)
    strangers = [Voice(engine, "nobody", "en-US", "", True) for engine in ("kokoro", "espeak", "parrot")]
    asked = [good[0], *(Request(voice, "marvin") for voice in strangers), good[1]]
    spoken = speak(asked)
    assert spoken.requests == tuple(good)
    assert [skipped.request for skipped in spoken.skipped] == asked[1:4]
    reasons = [skipped.reason for skipped in spoken.skipped]
    assert "'nobody'" in reasons[1]
    assert "there is no speech engine 'parrot'" in reasons[2]


def test_a_word_that_no_engine_can_speak_is_one_sentence(requests_for: RequestsFor) -> None:
    good = requests_for("marvin", clips=1)
    silent = Voice("espeak", "en-US+nobody", "en-US", "", False)
    with pytest.raises(SynthesisError, match=r"no speech engine could speak 'heaven': .* has no voice") as error:
        speak([*good, Request(silent, "heaven"), Request(silent, "heaven", seed=1)])
    assert "\n" not in str(error.value)


def test_a_request_that_is_out_of_bounds_never_reaches_an_engine() -> None:
    with pytest.raises(EngineError):
        Request(Voice("espeak", "en-US", "en-US", "", False), "a", rate=9.0)


def test_an_unwritable_cache_is_one_sentence(
    requests_for: RequestsFor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_a_full_disk_is_one_sentence_and_what_was_kept_stays(
    requests_for: RequestsFor, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_a_worker_that_the_system_kills_is_one_sentence(
    requests_for: RequestsFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = requests_for("marvin", clips=300)
    monkeypatch.setattr(synthesize, "_speak_chunk", _die)
    with pytest.raises(SynthesisError, match="ended by the system, most often for want of memory"):
        speak(requests, jobs=2)


def _die(chunk: object) -> object:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)
    return chunk
