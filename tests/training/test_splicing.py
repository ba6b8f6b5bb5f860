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
HZ = {"K": 400, "AE": 700, "T": 1100, "P": 1600, "IY": 2200}  # each sound is a tone


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
        assert np.abs(np.diff(clip)).max() < 0.5 * np.abs(clip).max() + 0.1  # no click
    assert splicer.say(("K", "OW", "T")) is None
    assert Splicer([], 0).say(("K", "AE")) is None


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
    found = people_in_sounds(words, speech, without=("happy",))
    monkeypatch.setattr(module, "sounds_of", None)
    again = people_in_sounds(words, speech, without=("happy",))
    assert 0 < sum(len(one.clip) == words.samples.shape[1] for one in found) < len(found)
    for one, other in zip(found, again, strict=True):
        assert one.sounds == other.sounds
        np.testing.assert_array_equal(one.clip, other.clip)
    for one in found:
        assert one.sounds[-1].end * RATE <= len(one.clip) + 0.05 * RATE
        assert all(a.start <= a.end <= b.start + 1e-9 for a, b in zip(one.sounds, one.sounds[1:], strict=False))
    whole = [tuple(s.symbol for s in one.sounds) for one in found if len(one.clip) == words.samples.shape[1]]
    assert ("HH", "AE", "P", "IY") not in whole
    monkeypatch.setattr(module, "_MOST_WORDS", 3)
    assert len(module._some(words, ()).words) == 3
