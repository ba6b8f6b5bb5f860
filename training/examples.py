"""From a corpus to one epoch's examples: which clips, how changed, as MFCC through the one front end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from close_negatives.cache import content_key
from training.augment import AugmentSettings, change_voice, cut_window, mask_features, place_keyword
from training.cache import cached_array
from training.cepstral import change_cepstra, style_of, transfer_style
from training.corpus import CLOSE, FULL_SCALE, RECORDED, SPLICED, SPOKEN, Corpus, Words
from training.recipes import Recipe
from training.scenery import Scenery, stretch_of
from training.speech_commands import Split
from wakeword.features import REVISION, FeatureSpec, mfcc

Standard = tuple[np.ndarray, np.ndarray]  # (mean, std), float32 (n_cepstra,) each

_SPEECH, _NOISE, _SENTENCE = -1, -2, -3  # what an example is made of, beside word clips
_DIGITAL_SILENCE = 2e-5  # below half a step of 16 bits, and above the ringing of a resampler
_GROUP = 64  # clips that share a change of voice


class Examples(NamedTuple):
    """features float32 (N, window_frames, n_cepstra), not standardised; labels float32 (N,), 1 = keyword.

    surplus: how many negatives there are beyond those that are to be learnt (see training.hard_negatives).
    """

    features: np.ndarray
    labels: np.ndarray
    surplus: int = 0


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
        self._speech = joined(corpus.speech[split])
        self._noise = joined(corpus.noise[split])
        self._sentences = joined(corpus.sentences[split])
        self._recorded = self.words.of_origin(RECORDED)
        self._plain: Examples | None = None
        if recipe.augment is not None:
            others = np.flatnonzero(~self.words.is_keyword)
            self._scenery = Scenery(self.words.samples, others, self._noise, recipe.augment)
            self._styles = self._recorded_styles() if recipe.augment.cepstral.style > 0 else None

    def arrays(self) -> tuple[np.ndarray, ...]:
        """All sound that the examples are made of, and which clips are the keyword."""
        return self.words.samples, self.words.is_keyword, self._speech, self._noise, self._sentences

    def plain(self) -> Examples:
        """Every word clip once, as it is, in the corpus's order."""
        if self._plain is None:
            samples = self.words.samples
            key = content_key(samples, self.spec.to_dict(), REVISION)
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
        items, surplus = self._drawn(rng)
        features = np.empty((len(items), self.spec.window_frames, self.spec.n_cepstra), dtype=np.float32)
        labels = np.zeros(len(items), dtype=np.float32)
        for first in range(0, len(items), _GROUP):
            batch = self._gather(items[first : first + _GROUP], rng)
            group = slice(first, first + len(batch.clips))
            features[group] = self._heard(batch, settings, rng)
            labels[group] = batch.is_keyword
        if self._styles is not None:
            features = transfer_style(features, self._styles, settings.cepstral.style, rng)
        features = change_cepstra(features, self.spec, settings.cepstral, rng)
        return Examples(mask_features(features, settings, rng), labels, surplus)

    def _drawn(self, rng: np.random.Generator) -> tuple[np.ndarray, int]:
        """What the epoch is made of, in its order: numbers of word clips, _SPEECH and so on; and the surplus.

        All recorded and spliced clips are in every epoch, of the spoken ones as many as the recipe says; the surplus
        is negatives that it makes beyond those numbers, for the network to choose.
        """
        recipe, is_keyword = self.recipe, self.words.is_keyword
        parts = [np.flatnonzero(self._recorded & ~is_keyword)]
        parts += [np.flatnonzero(self._recorded & is_keyword)] * recipe.keyword_repeats
        parts.append(np.flatnonzero(self.words.of_origin(SPLICED)))
        close = self.words.of_origin(CLOSE)
        spoken = self.words.of_origin(SPOKEN)
        draws = (
            (spoken & is_keyword, recipe.keyword_draws, 1.0),
            (spoken & ~is_keyword, recipe.spoken_draws, recipe.mining),
            (close, recipe.close_draws, recipe.mining),
        )
        surplus = 0
        for chosen, most, times in draws:
            index = np.flatnonzero(chosen)
            made = min(len(index), round(times * most))
            parts.append(index if len(index) <= made else rng.choice(index, made, replace=False))
            surplus += max(0, made - most)
        windows = (
            (_SPEECH, recipe.speech_windows),
            (_SENTENCE, recipe.sentence_windows),
            (_NOISE, recipe.noise_windows),
        )
        for kind, count in windows:
            if kind == _NOISE or len(self._long(kind)) >= self.spec.sample_rate:
                parts.append(np.full(round(recipe.mining * count), kind))
                surplus += len(parts[-1]) - count
        items = np.concatenate(parts)
        return items[rng.permutation(len(items))], surplus

    def _long(self, kind: int) -> np.ndarray:
        """The recording from which windows of that kind are taken."""
        return {_SPEECH: self._speech, _NOISE: self._noise, _SENTENCE: self._sentences}[kind]

    def _gather(self, items: np.ndarray, rng: np.random.Generator) -> _Batch:
        length = self.words.samples.shape[1]
        clips = np.zeros((len(items), length), dtype=np.float32)
        is_keyword = np.zeros(len(items), dtype=bool)
        for row, item in enumerate(items):
            if item >= 0:
                clips[row] = self.words.samples[item] / FULL_SCALE
                is_keyword[row] = self.words.is_keyword[item]
            else:
                clips[row] = stretch_of(self._long(item), length, rng)
        return _Batch(clips, is_keyword, items >= 0)

    def _heard(self, batch: _Batch, settings: AugmentSettings, rng: np.random.Generator) -> np.ndarray:
        """Change a group's voice, place each clip in its window, add neighbours, room and noise: MFCC (B, F, C)."""
        samples = self.spec.window_samples
        voices = change_voice(torch.from_numpy(batch.clips), settings, rng).numpy()
        windows = np.empty((len(voices), samples), dtype=np.float32)
        for row, padded in enumerate(voices):
            clip = _without_padding(padded)
            if batch.is_keyword[row]:
                offset = place_keyword(clip, samples, settings.slack, rng)
            else:
                reach = samples // 2 if batch.is_word[row] else samples // 8
                offset = (len(clip) - samples) // 2 + int(rng.integers(-reach, reach + 1))
            windows[row] = cut_window(clip, offset, samples, *self._scenery.neighbours(rng))
        return mfcc(self._scenery.heard(windows, rng), self.spec)

    def _recorded_styles(self) -> np.ndarray | None:
        """The styles of the recorded clips, (2, N, C), which synthesized clips take on; None without recordings."""
        return style_of(self.plain().features[self._recorded]) if self._recorded.any() else None


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


def _without_padding(clip: np.ndarray) -> np.ndarray:
    """A clip without the digital silence around it, which only spoken clips have: neighbours may come close."""
    heard = np.flatnonzero(np.abs(clip) > _DIGITAL_SILENCE)
    return clip[heard[0] : heard[-1] + 1] if len(heard) else clip


def joined(recordings: list[np.ndarray]) -> np.ndarray:
    """int16 recordings one after another."""
    return np.concatenate(recordings) if recordings else np.zeros(0, dtype=np.int16)


def standard_of(features: np.ndarray) -> Standard:
    """Mean and std of each cepstrum over all frames of (N, F, C), such as an epoch's: what the network will hear."""
    mean = features.mean(axis=(0, 1), dtype=np.float64)
    std = features.std(axis=(0, 1), dtype=np.float64)
    return mean.astype(np.float32), np.maximum(std, 1e-3).astype(np.float32)


def standardised(features: np.ndarray, standard: Standard) -> np.ndarray:
    """Features (N, F, C) with mean 0 and std 1 where they are as ``standard`` says."""
    return (features - standard[0]) / standard[1]
