"""No speaker is on two sides, and every side has somebody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from close_negatives.engines import ENGINES, Request, Voice
from close_negatives.engines import kokoro as kokoro_module
from close_negatives.engines.base import EngineError
from close_negatives.voices import SPLITS, speaker_split, speakers, split_of, voice_drawer, voices_of

#: the speakers of the folder that scripts/kokoro_voices.sh fetches
ENGLISH = (  # noqa: SIM905, which would take a page
    "af_alloy af_aoede af_bella af_heart af_jessica af_kore af_nicole af_nova af_river af_sarah af_sky am_adam am_echo "
    "am_eric am_fenrir am_liam am_michael am_onyx am_puck am_santa bf_alice bf_emma bf_isabella bf_lily bm_daniel "
    "bm_fable bm_george bm_lewis"
).split()
FOREIGN = "ef_dora em_alex em_santa hf_beta hm_omega hm_psi im_nicola pf_dora pm_alex pm_santa zm_yunxi".split()  # noqa: SIM905


def kokoro_voice(name: str) -> Voice:
    return kokoro_module.voice_of(kokoro_module.blend_of(name), name)


@pytest.fixture
def many_voices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of the names above, each with a style of its own."""
    if not ENGINES["kokoro"].available():
        pytest.skip("the speech engine 'kokoro' is not installed")
    for number, name in enumerate((*ENGLISH, *FOREIGN)):
        np.full(510 * 256, number, "<f4").tofile(tmp_path / f"{name}.bin")
    monkeypatch.setenv(kokoro_module.VOICES_VARIABLE, str(tmp_path))


@pytest.mark.parametrize("name", list(ENGINES))
def test_no_speaker_of_an_engine_is_on_two_sides(name: str) -> None:
    engine = ENGINES[name]
    if not engine.available():
        pytest.skip(f"the speech engine '{name}' is not installed")
    heard = {split: set().union(*map(speakers, voices_of(engine, split)), set()) for split in SPLITS}
    assert not heard["train"] & heard["validation"]
    assert not heard["train"] & heard["test"]
    assert not heard["validation"] & heard["test"]
    assert sum(map(len, heard.values())) == len(set().union(*(speakers(v) for v in engine.voices())))


def test_an_espeak_variant_is_one_speaker_in_every_accent() -> None:
    if not ENGINES["espeak"].available():
        pytest.skip("the speech engine 'espeak' is not installed")
    sides: dict[str, set[str | None]] = {}
    for voice in ENGINES["espeak"].voices():
        sides.setdefault(voice.name.partition("+")[2], set()).add(split_of(voice))
    assert all(len(side) == 1 for side in sides.values())
    counts = Counter(min(side, key=str) for side in sides.values())
    total = sum(counts.values())
    assert counts["train"] / total == pytest.approx(0.6, abs=0.05)
    assert counts["validation"] / total == pytest.approx(0.2, abs=0.05)


def test_one_person_in_two_engines_is_on_one_side() -> None:
    heart = Voice("hibari", "heart-GB", "en-GB", "Apache-2.0", True)
    assert speakers(heart) == speakers(kokoro_voice("af_heart"))
    plain = Voice("pyttsx3", "en-US", "en-US", "", False), Voice("espeak", "en-029", "en-029", "", False)
    assert speakers(plain[0]) == speakers(plain[1])
    assert split_of(kokoro_voice("am_santa")) == split_of(kokoro_voice("pm_santa"))


def test_both_sexes_and_accents_of_kokoro_are_on_every_side() -> None:
    groups = Counter((name[:2], split_of(kokoro_voice(name))) for name in ENGLISH)
    for split in SPLITS:
        assert min(groups[kind, split] for kind in ("af", "am")) > 0
        assert groups["bf", split] + groups["bm", split] > 1
    japanese = {split_of(kokoro_voice(f"j{name}")) for name in ("f_gongitsune", "f_nezumi", "f_tebukuro", "m_kumo")}
    assert japanese == set(SPLITS)
    assert {split_of(kokoro_voice(name)) for name in FOREIGN} == set(SPLITS)


def test_a_blend_across_sides_belongs_to_none() -> None:
    assert split_of(kokoro_voice("af_bella")) == split_of(kokoro_voice("bf_alice")) == "test"
    assert split_of(kokoro_voice("af_bella*0.3+bf_alice*0.7")) == "test"
    assert split_of(kokoro_voice("af_bella*0.3+af_heart*0.7")) is None
    assert split_of(kokoro_voice("af_bella+af_heart")) is None


def test_a_newcomer_moves_nobody() -> None:
    # What the sides are is part of what published models were measured on.
    assert [speaker_split(f"kokoro:{name}") for name in ("bella", "lily", "emma")] == ["test", "validation", "train"]


@pytest.mark.usefixtures("many_voices")
@pytest.mark.parametrize("split", SPLITS)
def test_drawn_blends_stay_on_their_side_and_are_mostly_english(split) -> None:
    engine = ENGINES["kokoro"]
    draw = voice_drawer(engine, split)
    assert draw is not None
    rng = np.random.default_rng(3)
    drawn = [draw(rng) for _ in range(300)]
    assert all(split_of(voice) == split and engine.has_voice(voice) for voice in drawn)
    assert len({voice.name for voice in drawn}) > 200
    parts = Counter(len(kokoro_module.blend_of(voice.name)) for voice in drawn)
    assert set(parts) == {1, 2, 3}
    foreign = np.mean([any(part[0] not in "ab" for part in kokoro_module.blend_of(v.name)) for v in drawn])
    assert 0.1 < foreign < 0.3


def test_without_english_speakers_those_that_are_there_speak() -> None:
    engine = ENGINES["kokoro"]
    if not engine.available():
        pytest.skip("the speech engine 'kokoro' is not installed")
    for split in SPLITS:
        draw = voice_drawer(engine, split)
        assert draw is not None
        assert draw(np.random.default_rng(0)).language == "ja"


@pytest.mark.parametrize("name", ["", "af_a*", "af_a+af_a", "af_a*x", "af_a*0+af_b*0", "af a"])
def test_a_malformed_blend_is_no_voice(name: str) -> None:
    with pytest.raises(EngineError, match="voice"):
        kokoro_module.blend_of(name)


def test_weights_are_proportions() -> None:
    assert dict(kokoro_module.blend_of("a*1+b*3")) == {"a": 0.25, "b": 0.75}
    assert dict(kokoro_module.blend_of("a+b")) == {"a": 0.5, "b": 0.5}
    assert kokoro_voice("af_heart*0.3+bm_lewis*0.7").language == "en-GB"
    assert kokoro_voice("af_heart+bm_lewis").language == "en-US"


def test_a_weighted_blend_lies_between_its_parts() -> None:
    """Kokoro itself speaks it: the nearer the blend to a speaker, the nearer the sound."""
    engine = ENGINES["kokoro"]
    if not engine.available():
        pytest.skip("the speech engine 'kokoro' is not installed")
    a, b = (voice.name for voice in engine.voices()[:2])
    spoken: Callable[[str], np.ndarray] = lambda name: engine.speak(Request(kokoro_voice(name), "marvin"))[0]  # noqa: E731
    alone, nearly = spoken(a), spoken(f"{a}*0.999999+{b}*0.000001")
    assert len(alone) == len(nearly)
    assert np.corrcoef(alone, nearly)[0, 1] > 0.99
    assert np.array_equal(spoken(f"{a}+{b}"), spoken(f"{a}*2+{b}*2"))
