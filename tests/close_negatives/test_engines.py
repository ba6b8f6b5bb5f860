"""What every engine promises, asked of each one that is installed."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from close_negatives.engines import (
    ENGINES,
    Engine,
    EngineError,
    Request,
    Voice,
    available_engines,
    get_engine,
    helper,
    missing_engines,
)
from close_negatives.engines import kokoro as kokoro_module
from close_negatives.phonemes import pronounce

RATES = {"kokoro": 24_000, "hibari": 24_000, "pico": 16_000, "espeak": 22_050}
DROPPED = {"zac", "kaukovalta", "Alicia", "shelby", "marcelo", "ian", "Demonic", "Lee", "whisperf", "boris"}


@pytest.fixture(params=list(ENGINES))
def engine(request: pytest.FixtureRequest) -> Engine:
    engine = ENGINES[request.param]
    if not engine.available():
        pytest.skip(f"the speech engine '{engine.name}' is not installed")
    return engine


def installed(name: str) -> Engine:
    if not ENGINES[name].available():
        pytest.skip(f"the speech engine '{name}' is not installed")
    return ENGINES[name]


def hash_of(engine: Engine, request: Request) -> int:
    return zlib.crc32(engine.speak(request)[0].tobytes())


def test_a_word_is_heard_at_the_right_rate(engine: Engine) -> None:
    samples, rate = engine.speak(Request(engine.voices()[0], "marvin"))
    assert rate == RATES.get(engine.name, rate)
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert 0.15 < len(samples) / rate < 2.0
    assert np.sqrt(np.mean(samples**2)) > 0.01
    assert np.abs(samples).max() <= 1.0
    assert np.mean(np.abs(samples) > 0.999) < 0.001  # not cut off at full scale


def test_what_was_spoken_before_changes_nothing(engine: Engine) -> None:
    first, last = engine.voices()[0], engine.voices()[-1]
    requests = [Request(first, "marvin", seed=1), Request(last, "heaven", rate=1.2), Request(last, "marvin", seed=2)]
    forth = [hash_of(engine, request) for request in requests]
    back = [hash_of(engine, request) for request in reversed(requests)][::-1]
    assert forth == back
    assert len(set(forth)) == 3


def test_another_process_says_the_same(engine: Engine) -> None:
    code = (
        "import sys, zlib\nfrom close_negatives.engines import ENGINES, Request\nengine = ENGINES[sys.argv[1]]\n"
        "print(zlib.crc32(engine.speak(Request(engine.voices()[0], 'marvin', seed=5))[0].tobytes()))"
    )
    run = subprocess.run([sys.executable, "-c", code, engine.name], capture_output=True, text=True, check=True)
    assert int(run.stdout) == hash_of(engine, Request(engine.voices()[0], "marvin", seed=5))


def test_what_the_engine_heeds_changes_the_clip_and_nothing_else_does(engine: Engine) -> None:
    plain = Request(engine.voices()[0], "marvin")
    usual = hash_of(engine, plain)
    for field, value in (("rate", 1.25), ("pitch", 1.2), ("seed", 7)):
        other = hash_of(engine, dataclasses.replace(plain, **{field: value}))
        assert (other != usual) == (field in engine.heeds), field


def test_a_faster_rate_is_shorter_and_a_higher_pitch_is_not(engine: Engine) -> None:
    plain = Request(engine.voices()[0], "computer")
    usual, fast, high = (
        len(engine.speak(dataclasses.replace(plain, **change))[0]) for change in ({}, {"rate": 1.5}, {"pitch": 1.2})
    )
    assert fast < 0.9 * usual
    assert abs(high - usual) < 0.15 * usual


def test_phonemes_of_a_word_sound_like_the_word(engine: Engine) -> None:
    american = next((voice for voice in engine.voices() if voice.language == "en-US"), engine.voices()[0])
    phonemes = Request(american, phonemes=pronounce("marvin"))
    if not engine.speaks_phonemes:
        with pytest.raises(EngineError, match="speaks text only"):
            engine.speak(phonemes)
        return
    assert hash_of(engine, phonemes) == hash_of(engine, Request(american, "marvin"))


def test_voices_are_unique_and_the_bad_ones_are_not_among_them(engine: Engine) -> None:
    names = [voice.name for voice in engine.voices()]
    assert names
    assert len(set(names)) == len(names)
    assert {voice.engine for voice in engine.voices()} == {engine.name}
    assert all(voice.licence for voice in engine.voices())
    parts = {part for name in names for part in name.split("+")}
    assert not parts & (DROPPED | {"jf_alpha"})


def test_an_unknown_voice_is_refused(engine: Engine) -> None:
    with pytest.raises(EngineError, match="has no voice 'nobody'"):
        engine.speak(Request(Voice(engine.name, "nobody", "en", "", False), "marvin"))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "nothing to speak"),
        ({"text": "  "}, "nothing to speak"),
        ({"text": "a", "phonemes": ("AH0",)}, "either"),
        ({"text": "?!"}, "no letter"),
        ({"text": "日本"}, "only English letters"),
        ({"text": "[[m'A@]]"}, "only English letters"),
        ({"text": "a" * 501}, "too long"),
        ({"phonemes": ("M", "QQ")}, "'QQ' is not a phoneme"),
        ({"text": "a", "rate": 3.0}, "rate 3 is out of range"),
        ({"text": "a", "pitch": 0.1}, "pitch 0.1 is out of range"),
        ({"text": "a", "seed": -1}, "seed -1 is out of range"),
    ],
)
def test_what_cannot_be_spoken_is_said_in_one_sentence(fields: dict[str, object], message: str) -> None:
    with pytest.raises(EngineError, match=message) as error:
        Request(Voice("espeak", "en-US", "en-US", "", False), **fields)  # type: ignore[arg-type]
    assert "\n" not in str(error.value)


def test_a_missing_engine_says_how_to_install_it_and_the_rest_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = ENGINES["pico"]
    monkeypatch.setattr(gone, "packages", ("no_such_package",))
    assert gone not in available_engines()
    assert any(gone.install_hint in str(error) for error in missing_engines())
    for ask in (gone.voices, lambda: get_engine("pico")):
        with pytest.raises(EngineError, match=r"'pico' is not installed: pip install py-nanotts"):
            ask()
    with pytest.raises(EngineError, match="choose from kokoro"):
        get_engine("parrot")


def test_a_dead_child_is_replaced() -> None:
    engine = installed("espeak")
    request = Request(engine.voices()[0], "marvin")
    before = hash_of(engine, request)
    engine._helper._process.kill()  # type: ignore[attr-defined]
    with pytest.raises(EngineError, match="crashed or hung"):
        engine.speak(request)
    assert hash_of(engine, request) == before


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")
def test_data_in_a_deep_folder_is_reached_by_a_short_link_that_does_not_stay(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a_folder_with_a_long_name"] * 8)
    deep.mkdir(parents=True)
    code = (
        "import runpy, os, sys\nshort_path = runpy.run_path(sys.argv[1])['short_path']\n"
        "link = short_path(sys.argv[2])\nassert os.path.samefile(link, sys.argv[2])\nprint(link)"
    )
    command = [sys.executable, "-P", "-c", code, str(helper._CHILD), str(deep)]
    link = Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
    assert len(str(link)) < 140 < len(str(deep))
    assert not link.parent.exists()


@pytest.fixture
def voices_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str, int], None]:
    monkeypatch.setenv(kokoro_module.VOICES_VARIABLE, str(tmp_path))
    kokoro_module._styles.cache_clear()
    kokoro_module._voices.cache_clear()
    return lambda name, numbers: np.zeros(numbers, "<f4").tofile(tmp_path / f"{name}.bin")


def test_a_folder_of_kokoro_voices_is_used(voices_folder: Callable[[str, int], None]) -> None:
    engine = installed("kokoro")
    for name in ("af_a", "bm_b", "ff_siwis"):
        voices_folder(name, 510 * 256)
    voices = {voice.name: voice.language for voice in engine.voices()}
    assert voices["af_a"] == "en-US"
    assert voices["bm_b"] == "en-GB"
    assert "af_a+bm_b" in voices
    assert "ff_siwis" not in voices


def test_a_folder_without_kokoro_voices_is_named(voices_folder: Callable[[str, int], None]) -> None:
    engine = installed("kokoro")
    with pytest.raises(EngineError, match=r"has no \*\.bin files"):
        engine.voices()
    voices_folder("af_a", 7)
    with pytest.raises(EngineError, match="is not a voice of Kokoro"):
        engine.voices()
