"""Corpus, augmentation and examples: who is in which split, and that each change does what it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from close_negatives.cache import CACHE_VARIABLE, content_key
from training import augment
from training.augment import AugmentSettings
from training.cache import cached_array
from training.corpus import SPLITS, check_corpus, load_corpus, recording_split
from training.examples import ExampleSource, limited
from training.gathering import as_it_can_be
from training.recipes import RECIPES, phrase
from training.splicing import SpliceSettings
from wakeword import FeatureSpec, mfcc
from wakeword.errors import AudioError, DataError


def test_splits_share_no_speaker_and_no_recording(melodies: Path) -> None:
    corpus = load_corpus("rise", melodies / "words", [melodies / "speech"], [melodies / "noise"])
    speakers = [set(corpus.words[split].speakers) for split in SPLITS]
    assert all(speakers)
    assert not speakers[0] & speakers[1] | speakers[0] & speakers[2] | speakers[1] & speakers[2]
    assert sum(len(corpus.speech[split]) for split in SPLITS) == 12
    assert corpus.words["train"].is_keyword.mean() == pytest.approx(0.25)
    assert corpus.provenance()["words"]["test"]["keyword_clips"] == 16  # type: ignore[index]


def test_half_of_the_recordings_are_held_out_by_their_names_alone() -> None:
    splits = [recording_split(f"{k}.wav") for k in range(3000)]
    assert splits.count("test") / 3000 == pytest.approx(1 / 2, abs=0.03)
    assert splits.count("validation") / 3000 == pytest.approx(1 / 6, abs=0.03)


def test_a_missing_keyword_or_folder_is_one_sentence(melodies: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no clips of 'shout'; it has: dip, fall, flat, rise"):
        check_corpus(load_corpus("shout", melodies / "words"), melodies / "words")
    with pytest.raises(AudioError, match="no such folder of recordings"):
        load_corpus("rise", melodies / "words", [tmp_path / "nothing"])
    with pytest.raises(AudioError, match="holds no sound file"):
        load_corpus("rise", melodies / "words", noise=[tmp_path])


def test_the_keyword_stays_inside_its_window() -> None:
    rng = np.random.default_rng(0)
    clip = np.zeros(16_000, np.float32)
    clip[5000:11_000] = 0.5
    assert augment.active_range(clip) == (4960, 11_040) or augment.active_range(clip) == (5000, 11_000)
    offsets = [augment.place_keyword(clip, 15_920, 0, rng) for _ in range(500)]
    start, end = augment.active_range(clip)
    assert min(offsets) < -4000 < 4000 < max(offsets)
    assert all(offset <= start and end <= offset + 15_920 for offset in offsets)


def test_a_word_longer_than_the_window_keeps_its_end() -> None:
    clip = np.full(20_000, 0.5, np.float32)
    assert augment.place_keyword(clip, 15_920, 0, np.random.default_rng(0)) == 20_000 - 15_920


@pytest.mark.parametrize("offset", [-3000, 0, 3000])
def test_gaps_are_filled_with_what_is_said_before_and_after(offset: int) -> None:
    clip, before, after = (np.full(16_000, value, np.float32) for value in (0.5, 0.1, 0.9))
    window = augment.cut_window(clip, offset, 16_000, before, after)
    assert window[8000] == 0.5
    if offset < 0:
        assert np.all(window[:3000] == np.float32(0.1))
    if offset > 0:
        assert np.all(window[-3000:] == np.float32(0.9))
    alone = augment.cut_window(clip, offset, 16_000, np.zeros(0, np.float32), np.zeros(0, np.float32))
    assert np.count_nonzero(alone == 0) >= abs(offset)


def test_noise_arrives_at_the_ratio_asked_for() -> None:
    rng = np.random.default_rng(1)
    clips = torch.from_numpy((0.1 * np.sin(np.arange(16_000) * 0.3)).astype(np.float32)[None].repeat(8, 0))
    noise = torch.from_numpy(rng.standard_normal((8, 16_000)).astype(np.float32))
    settings = AugmentSettings(gain_db=(0.0, 0.0), noise=1.0, noise_snr_db=(10.0, 10.0))
    added = augment.add_noise(clips, noise, settings, rng) - clips
    ratio = 10 * torch.log10(clips.square().mean(-1) / added.square().mean(-1))
    assert torch.allclose(ratio, torch.full((8,), 10.0), atol=0.2)


def test_tempo_and_pitch_change_together_and_apart() -> None:
    tone = torch.sin(2 * np.pi * 500 * torch.arange(16_000) / 16_000)[None]

    def pitch(clip: torch.Tensor) -> float:
        spectrum = np.abs(np.fft.rfft(clip[0].numpy() * np.hanning(clip.shape[1])))
        return float(np.argmax(spectrum) * 16_000 / clip.shape[1])

    together = AugmentSettings(change_voice=1.0, independent_pitch=0.0)
    for seed in range(6):
        changed = augment.change_voice(tone, together, np.random.default_rng(seed))
        assert pitch(changed) * changed.shape[1] / 16_000 == pytest.approx(500, rel=0.01)
    slower = augment.stretch(tone, 0.8)
    assert slower.shape[1] == 20_000
    assert pitch(slower) == pytest.approx(500, rel=0.01)


def test_masks_hide_a_stretch_of_time_and_of_mel_bands_only() -> None:
    cepstra = mfcc(np.random.default_rng(0).uniform(-0.1, 0.1, (5, 16_000)).astype(np.float32))
    settings = AugmentSettings(masks=1.0, time_mask_frames=8, mel_mask_bands=0)
    masked = augment.mask_features(cepstra, settings, np.random.default_rng(5))
    changed = np.abs(masked - cepstra).max(axis=2) > 1e-3
    assert changed.any()
    assert (changed.sum(axis=1) <= 8).all()
    none = augment.mask_features(cepstra, AugmentSettings(masks=0.0), np.random.default_rng(5))
    np.testing.assert_array_equal(none, cepstra)


def test_an_epoch_depends_on_seed_and_number_alone(melodies: Path) -> None:
    corpus = load_corpus("rise", melodies / "words", [melodies / "speech"], [melodies / "noise"])
    recipe = RECIPES["deploy"]("rise").changed(speech_windows=10, noise_windows=3)
    first, second = (ExampleSource(corpus, "train", recipe, FeatureSpec(), 5) for _ in range(2))
    first.epoch(0)
    a, b, c = first.epoch(2), second.epoch(2), second.epoch(3)
    np.testing.assert_array_equal(a.features, b.features)
    assert not np.array_equal(a.features, c.features)
    assert a.features.shape == (24 * 2 * 4 + 13, 98, 32)
    assert a.labels.sum() == 48
    assert np.isfinite(a.features).all()


@pytest.mark.parametrize(("own", "spoken", "heard"), [(True, 0, 192), (False, 100, 192), (False, 0, 48)])
def test_few_recordings_are_heard_as_often_as_many_would_be(melodies: Path, own: bool, spoken: int, heard: int) -> None:
    """A user's own, or a data set's few beside what engines say; but not a data set's that are all there is."""
    corpus = load_corpus("rise", melodies / "words")
    recipe = RECIPES["deploy"]("rise").changed(own_draws=200, keyword_draws=spoken)  # of 48: four times each
    found = as_it_can_be(recipe, corpus, own)
    assert ExampleSource(corpus, "train", found, FeatureSpec(), 0).epoch(0).labels.sum() == heard
    assert found.changed(keyword_repeats=1) == recipe


def test_a_recipe_of_a_size_without_a_base_starts_from_nothing(melodies: Path) -> None:
    corpus = load_corpus("rise", melodies / "words")
    recipe = phrase("rise").changed(units=64)
    found = as_it_can_be(recipe, corpus, False).changed(keyword_repeats=1)
    assert found == recipe.changed(base="", remember=0.0, spliced=SpliceSettings())  # and nothing was joined here


def test_without_augmentation_an_epoch_is_the_clips_in_another_order(melodies: Path) -> None:
    corpus = load_corpus("rise", melodies / "words")
    source = ExampleSource(corpus, "train", RECIPES["paper"]("rise"), FeatureSpec(), 0)
    plain, epoch = source.plain(), source.epoch(4)
    np.testing.assert_allclose(np.sort(plain.features.sum((1, 2))), np.sort(epoch.features.sum((1, 2))))
    np.testing.assert_allclose(
        plain.features[0], mfcc(corpus.words["train"].samples[0] / np.float32(32_767)), atol=1e-5
    )


def test_the_recipes_numbers_limit_the_clips(melodies: Path) -> None:
    words = load_corpus("rise", melodies / "words").words["train"]
    few = RECIPES["paper"]("rise").changed(keyword_clips=10, other_clips=20)
    chosen = limited(words, few, seed=1)
    assert (chosen.is_keyword.sum(), len(chosen.words)) == (10, 30)
    assert set(chosen.names) <= set(words.names)
    assert limited(words, few, seed=2).names != chosen.names


def test_features_are_kept_by_content_and_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    made = []

    def make() -> np.ndarray:
        made.append(1)
        return np.arange(3.0)

    key = content_key(np.arange(4), FeatureSpec().to_dict())
    for _ in range(2):
        np.testing.assert_array_equal(cached_array("features", key, make), np.arange(3.0))
    assert len(made) == 1
    (tmp_path / "features" / f"{key}.npy").write_bytes(b"damaged")
    np.testing.assert_array_equal(cached_array("features", key, make), np.arange(3.0))
    assert len(made) == 2
    keys = {
        key,
        content_key(np.arange(4), FeatureSpec(f_max=7e3).to_dict()),
        content_key(np.arange(4.0), FeatureSpec().to_dict()),
    }
    assert len(keys) == 3
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "features" / f"{key}.npy"))  # a file where a folder should be
    np.testing.assert_array_equal(cached_array("features", key, make), np.arange(3.0))
