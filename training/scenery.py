"""Where a word is said: what is said before and after it, the room, the noise, the level."""

from __future__ import annotations

import numpy as np
import torch

from training.augment import AugmentSettings, add_noise
from training.corpus import FULL_SCALE
from training.rooms import reverberate, room_bank

_SILENCE = np.zeros(0, dtype=np.float32)


class Scenery:
    """Surroundings drawn from recordings of one split.

    words   int16 (N, T): word clips
    others  int (K,): which of them are not the keyword, for neighbours and babble; may be empty
    noise   int16 (T,): noise recordings one after another; may be empty
    """

    def __init__(self, words: np.ndarray, others: np.ndarray, noise: np.ndarray, settings: AugmentSettings) -> None:
        self._words, self._others, self._noise, self.settings = words, others, noise, settings
        self._rooms = room_bank() if settings.room > 0 else None

    def neighbours(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """What is said before and after: other words, or silence; float32."""
        if rng.random() >= self.settings.neighbour or not len(self._others):
            return _SILENCE, _SILENCE
        before, after = (self._words[self._others[i]] / FULL_SCALE for i in rng.integers(0, len(self._others), 2))
        return before, after

    def heard(self, windows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Windows float32 (B, T) as a microphone hears them: through rooms, in noise, at some level."""
        if self._rooms is not None:
            indoors = np.flatnonzero(rng.random(len(windows)) < self.settings.room)
            rooms = self._rooms[rng.integers(0, len(self._rooms), len(indoors))]
            windows = windows.copy()
            windows[indoors] = reverberate(windows[indoors], rooms)
        noise = np.stack([self._background(windows.shape[1], rng) for _ in windows])
        return add_noise(torch.from_numpy(windows), torch.from_numpy(noise), self.settings, rng).numpy()

    def _background(self, samples: int, rng: np.random.Generator) -> np.ndarray:
        """A stretch of a noise recording, or babble: three to six people saying other words at once."""
        talks = rng.random() < self.settings.babble or not len(self._noise)
        if talks and len(self._others):
            talkers = rng.integers(0, len(self._others), int(rng.integers(3, 7)))
            shifts = rng.integers(0, self._words.shape[1], len(talkers))
            voices = [np.roll(self._words[self._others[i]], by) for i, by in zip(talkers, shifts, strict=True)]
            return np.resize(np.sum(voices, axis=0) / FULL_SCALE, samples).astype(np.float32)
        return stretch_of(self._noise, samples, rng)


def stretch_of(recording: np.ndarray, samples: int, rng: np.random.Generator) -> np.ndarray:
    """A random stretch of a long int16 recording, float32 (samples,); a shorter one is repeated, none is silence."""
    if len(recording) < samples:
        return np.resize(recording, samples) / FULL_SCALE if len(recording) else np.zeros(samples, np.float32)
    start = int(rng.integers(0, len(recording) - samples + 1))
    return recording[start : start + samples] / FULL_SCALE
