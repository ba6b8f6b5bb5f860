"""From a corpus to one epoch's examples: which clips, how changed, as MFCC through the one front end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from close_negatives.cache import content_key
from training.augment import (
    AugmentSettings,
    add_noise,
    change_voice,
    cut_window,
    mask_features,
    place_keyword,
)
from training.cache import cached_array
from training.corpus import FULL_SCALE, Corpus, Words
from training.recipes import Recipe
from training.speech_commands import Split
from wakeword.features import FeatureSpec, mfcc

_SPEECH, _NOISE = -1, -2  # what an example is made of, beside word clips
_GROUP = 64  # clips that share a change of voice


class Examples(NamedTuple):
    """features float32 (N, window_frames, n_cepstra), not standardised; labels float32 (N,), 1 = keyword."""

    features: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class _Batch:
    """Sources of a group before augmentation: clips float32 (B, T); is_word tells a word from a stretch of speech."""

    clips: np.ndarray
    is_keyword: np.ndarray
    is_word: np.ndarray


class ExampleSource:
    """Makes the examples of each epoch of one split; epoch e depends on (seed, e) and nothing else."""

    def __init__(self, corpus: Corpus, split: Split, recipe: Recipe, spec: FeatureSpec, seed: int) -> None:
        self.recipe, self.spec, self.seed = recipe, spec, seed
        self.words = limited(corpus.words[split], recipe, seed)
        self._others = self.words.samples[~self.words.is_keyword]
        self._speech = _joined(corpus.speech[split])
        self._noise = _joined(corpus.noise[split])
        self._plain: Examples | None = None

    def plain(self) -> Examples:
        """Every word clip once, as it is, in the corpus's order."""
        if self._plain is None:
            samples = self.words.samples
            key = content_key(samples, self.spec.to_dict())
            features = cached_array("features", key, lambda: _clip_features(samples, self.spec))
            self._plain = Examples(features, self.words.is_keyword.astype(np.float32))
        return self._plain

    def epoch(self, number: int) -> Examples:
        """The examples of epoch ``number``, shuffled; augmented where the recipe says so."""
        rng = np.random.default_rng([self.seed, number])
        if self.recipe.augment is None:
            plain = self.plain()
            order = rng.permutation(len(plain.labels))
            return Examples(plain.features[order], plain.labels[order])
        return self._augmented(self.recipe.augment, rng)

    def _augmented(self, settings: AugmentSettings, rng: np.random.Generator) -> Examples:
        keyword = np.flatnonzero(self.words.is_keyword)
        other = np.flatnonzero(~self.words.is_keyword)
        words = np.concatenate([*[keyword] * self.recipe.keyword_repeats, other])
        n_speech = self.recipe.speech_windows if len(self._speech) >= self.spec.sample_rate else 0
        n_noise = self.recipe.noise_windows
        # Numbers from 0 are word clips.
        items = np.concatenate([words, np.full(n_speech, _SPEECH), np.full(n_noise, _NOISE)])
        items = items[rng.permutation(len(items))]
        features = np.empty((len(items), self.spec.window_frames, self.spec.n_cepstra), dtype=np.float32)
        labels = np.zeros(len(items), dtype=np.float32)
        for first in range(0, len(items), _GROUP):
            batch = self._gather(items[first : first + _GROUP], rng)
            group = slice(first, first + len(batch.clips))
            features[group] = self._heard(batch, settings, rng)
            labels[group] = batch.is_keyword
        return Examples(mask_features(features, settings, rng), labels)

    def _gather(self, items: np.ndarray, rng: np.random.Generator) -> _Batch:
        clips = np.zeros((len(items), self.spec.sample_rate), dtype=np.float32)
        is_keyword = np.zeros(len(items), dtype=bool)
        for row, item in enumerate(items):
            if item >= 0:
                clips[row] = self.words.samples[item] / FULL_SCALE
                is_keyword[row] = self.words.is_keyword[item]
            elif item == _SPEECH:
                clips[row] = _stretch_of(self._speech, self.spec.sample_rate, rng)
            elif len(self._noise):
                clips[row] = _stretch_of(self._noise, self.spec.sample_rate, rng)
        return _Batch(clips, is_keyword, items >= 0)

    def _heard(self, batch: _Batch, settings: AugmentSettings, rng: np.random.Generator) -> np.ndarray:
        """Change a group's voice, place each clip in its window, add neighbours and noise: MFCC (B, F, C)."""
        samples = self.spec.window_samples
        voices = change_voice(torch.from_numpy(batch.clips), settings, rng).numpy()
        windows = np.empty((len(voices), samples), dtype=np.float32)
        for row, clip in enumerate(voices):
            if batch.is_keyword[row]:
                offset = place_keyword(clip, samples, settings.slack, rng)
            else:
                reach = samples // 2 if batch.is_word[row] else samples // 8
                offset = int(rng.integers(-reach, reach + 1))
            windows[row] = cut_window(clip, offset, samples, *self._neighbours(settings, rng))
        noise = np.stack([self._background(samples, settings, rng) for _ in windows])
        mixed = add_noise(torch.from_numpy(windows), torch.from_numpy(noise), settings, rng)
        return mfcc(mixed.numpy(), self.spec)

    def _neighbours(self, settings: AugmentSettings, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """What is said before and after: other words, or silence."""
        silence = np.zeros(0, dtype=np.float32)
        if rng.random() >= settings.neighbour or not len(self._others):
            return silence, silence
        before, after = (self._others[i] / FULL_SCALE for i in rng.integers(0, len(self._others), 2))
        return before, after

    def _background(self, samples: int, settings: AugmentSettings, rng: np.random.Generator) -> np.ndarray:
        """A stretch of a noise recording, or babble: three to six people saying other words at once."""
        if rng.random() < settings.babble or not len(self._noise):
            talkers = rng.integers(0, len(self._others), int(rng.integers(3, 7)))
            babble = np.sum([np.roll(self._others[i], rng.integers(0, 16_000)) / FULL_SCALE for i in talkers], axis=0)
            return np.resize(babble, samples).astype(np.float32)
        return _stretch_of(self._noise, samples, rng)


def limited(words: Words, recipe: Recipe, seed: int) -> Words:
    """At most the recipe's numbers of keyword and other clips, drawn by the seed from the training split."""
    if recipe.keyword_clips is None and recipe.other_clips is None:
        return words
    rng = np.random.default_rng([seed, 2**31])
    chosen = []
    for held, most in ((words.is_keyword, recipe.keyword_clips), (~words.is_keyword, recipe.other_clips)):
        index = np.flatnonzero(held)
        chosen.append(index if most is None or most >= len(index) else rng.choice(index, most, replace=False))
    return words.subset(np.sort(np.concatenate(chosen)))


def _clip_features(samples: np.ndarray, spec: FeatureSpec) -> np.ndarray:
    """int16 clips (N, T) -> the MFCC of each clip's first window, float32 (N, window_frames, n_cepstra)."""
    features = np.empty((len(samples), spec.window_frames, spec.n_cepstra), dtype=np.float32)
    for first in range(0, len(samples), 1024):  # a part at a time: float copies of everything would be large
        part = samples[first : first + 1024] / FULL_SCALE
        features[first : first + 1024] = mfcc(part, spec)[:, : spec.window_frames]
    return features


def _joined(recordings: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(recordings) if recordings else np.zeros(0, dtype=np.int16)


def _stretch_of(recording: np.ndarray, samples: int, rng: np.random.Generator) -> np.ndarray:
    """A random stretch of a long recording, float32 (samples,); a shorter one is repeated."""
    if len(recording) < samples:
        return np.resize(recording, samples) / FULL_SCALE
    start = int(rng.integers(0, len(recording) - samples + 1))
    return recording[start : start + samples] / FULL_SCALE
