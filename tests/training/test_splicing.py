"""Words joined from sounds of others: the right sounds in the right order, in clips of one length."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training import units as module
from training.corpus import SPLICED, load_corpus
from training.examples import ExampleSource
from training.recipes import RECIPES
from training.sounds import Sound, Utterance
from training.splicing import Splicer, SpliceSettings, spliced
from training.units import people_in_sounds
from wakeword import FeatureSpec

RATE = 16_000
HZ = {"K": 403, "AE": 707, "T": 1111, "P": 1613, "IY": 2203}  # each sound is a tone, of no whole number of waves


def tones(*symbols: str, seconds: float = 0.15, silence: float = 0.2) -> Utterance:
    """The sounds one after another in a clip with silence around them."""
    t = np.arange(round(seconds * RATE)) / RATE
    sound = np.concatenate([0.3 * np.sin(2 * np.pi * HZ[symbol] * t) for symbol in symbols])
    clip = np.pad(sound, round(silence * RATE))
    at = [silence + k * seconds for k in range(len(symbols) + 1)]
    found = tuple(Sound(symbol, at[k], at[k + 1]) for k, symbol in enumerate(symbols))
    return Utterance(np.round(clip * 32_767).astype(np.int16), found)


def heard(clip: np.ndarray) -> list[str]:
    """The tones of a clip in turn."""
    pieces = clip[: len(clip) // 320 * 320].reshape(-1, 320)
    loud = pieces[np.abs(pieces).max(axis=1) > 0.2 * np.abs(clip).max()]
    peaks = np.abs(np.fft.rfft(loud * np.hanning(320), 4096)).argmax(axis=1) * RATE / 4096
    names = [min(HZ, key=lambda symbol: abs(HZ[symbol] - hz)) for hz in peaks]
    return [name for k, name in enumerate(names) if k == 0 or name != names[k - 1]]


PEOPLE = [tones("K", "AE", "T"), tones("P", "AE", "K"), tones("T", "IY"), tones("IY", "P", "T")]


def test_sounds_come_in_the_order_of_the_word() -> None:
    splicer = Splicer(PEOPLE, 0)
    for word in (("K", "IY", "P"), ("T", "AE1", "P", "IY0"), ("P", "IY", "K", "AE", "T", "P")):
        clip = splicer.say(word)
        assert clip is not None
        assert heard(clip) == [symbol.rstrip("01") for symbol in word]
        assert len(clip) / RATE == pytest.approx(0.15 * len(word), abs=0.02)
        assert np.abs(np.diff(clip)).max() < 0.15  # no click: two waves that meet as they may jump by up to 0.28
        for border in range(1, len(word)):  # and no hole
            at = round((0.15 * border + 0.0075) * RATE)
            assert np.sqrt(np.mean(clip[at - 80 : at + 80] ** 2)) > 0.05
    assert splicer.say(("K", "OW", "T")) is None
    assert Splicer([], 0).say(("K", "AE")) is None


def test_units_are_of_the_voice_that_began() -> None:
    """Two people, one of whom whistles at 6 kHz all the time: both or none of a word's sounds have the whistle."""
    t = np.arange(round(0.7 * RATE)) / RATE
    people = []
    for loud in (0.0, 0.1):
        for sounds in (("K", "AE"), ("T", "IY")):
            said = tones(*sounds)
            whistle = np.round(loud * 32_767 * np.sin(2 * np.pi * 6000 * t)).astype(np.int16)
            people.append(Utterance(said.clip + whistle[: len(said.clip)], said.sounds))
    splicer, whistled = Splicer(people, 0), []
    for _ in range(20):
        clip = splicer.say(("K", "IY"))
        assert clip is not None
        halves = clip[200:2200], clip[-2200:-200]
        strong = [np.abs(np.fft.rfft(half * np.hanning(2000)))[750] > 1.0 for half in halves]
        assert strong[0] == strong[1]
        whistled.append(strong[0])
    assert 0 < sum(whistled) < 20


def test_an_utterance_of_the_keyword_itself_is_left_out() -> None:
    """Of these only the last says IY, and it says the keyword: nothing can be joined."""
    people = [tones("K", "AE"), tones("T"), tones("K", "IY", "T")]
    settings = SpliceSettings(keyword=3)
    assert len(spliced("keet", people, settings, 16_000).words) == 0
    assert len(spliced("keet", [*people, tones("IY")], settings, 16_000).words) == 3


def test_clips_have_one_length_and_depend_on_the_seed_alone() -> None:
    words = [("K", "IY", "P"), ("T", "AE", "P", "IY", "K", "AE", "T", "P")]  # of 0.45 and 1.2 s
    one, same, other = (Splicer(PEOPLE, seed).clips(words, 12, 16_000) for seed in (1, 1, 2))
    assert one.shape == (12, 16_000)
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    lengths = [np.ptp(np.flatnonzero(clip)) / RATE for clip in one]
    assert min(lengths) < 0.5
    assert 0.8 < max(lengths) <= 0.91  # said faster, for a clip has but one second
    assert Splicer(PEOPLE, 0).clips([("OW",)], 3, 16_000).shape == (0, 16_000)
    assert Splicer(PEOPLE, 0).clips([], 3, 16_000).shape == (0, 16_000)


def test_every_spliced_clip_is_in_every_epoch(melodies: Path) -> None:
    words = spliced("cat", PEOPLE, SpliceSettings(keyword=5, close=3, other=2), 16_000)
    assert words.is_keyword.tolist()[:5] == [True] * 5
    assert set(words.origins) == {SPLICED}
    assert 5 < len(words.words) <= 10  # of the other words those that these few sounds can say
    corpus = load_corpus("cat", melodies / "words")
    train = corpus.words["train"]
    corpus.words["train"] = train + words
    recipe = RECIPES["deploy"]("cat").changed(noise_windows=0)
    examples = ExampleSource(corpus, "train", recipe, FeatureSpec(), 0).epoch(0)
    assert len(examples.labels) == len(train.words) + len(words.words)
    assert examples.labels.sum() == 5


def test_what_people_say_is_cut_once(people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words and continuous speech in sounds; the second time out of the cache, with nobody listening."""
    monkeypatch.setenv("WAKEWORD_CACHE", str(tmp_path))
    corpus = load_corpus("happy", people / "words", [people / "speech"])
    words, speech = corpus.words["test"], [*corpus.speech["train"], *corpus.speech["test"]]
    found = people_in_sounds(words, speech)
    monkeypatch.setattr(module, "sounds_of", None)
    again = people_in_sounds(words, speech)
    assert 0 < sum(len(one.clip) == words.samples.shape[1] for one in found) < len(found)
    for one, other in zip(found, again, strict=True):
        assert one.sounds == other.sounds
        np.testing.assert_array_equal(one.clip, other.clip)
    for one in found:
        assert one.sounds[-1].end * RATE <= len(one.clip) + 0.05 * RATE
        assert all(a.start <= a.end <= b.start + 1e-9 for a, b in zip(one.sounds, one.sounds[1:], strict=False))
    whole = [tuple(s.symbol for s in one.sounds) for one in found if len(one.clip) == words.samples.shape[1]]
    assert ("HH", "AE", "P", "IY") in whole
    monkeypatch.setattr(module, "_MOST_WORDS", 3)
    assert len(module._some(words).words) == 3
