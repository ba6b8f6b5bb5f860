"""The keyword out of sounds that people said in other words.

Engines say a phrase that nobody recorded, and what is true of engines alone is learnt with it. Here recordings of
other words are cut into their sounds and joined to the phrase: real voices, microphones and rooms, if not its melody.
Close negatives and other words are joined too, so that a join is no sign of the keyword.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from close_negatives.exclusion import unstressed
from close_negatives.phonemes import Phonemes, pronounce, pronunciations
from training.augment import stretch
from training.clips import active_range, centred
from training.corpus import SPLICED, Words
from training.sounds import Utterance
from training.texts import close_words, other_texts
from wakeword.audio import SAMPLE_RATE
from wakeword.features import mfcc

_JOIN = 240  # samples (15 ms) of two sounds that are heard at once
_LOUDNESS = 0.1  # rms of a recording before it is cut
_LONGEST_UNIT = 6  # sounds
_TAKE_LONGEST = 0.6  # chance of the longest unit there is; else one of any length, for variety
_HEARD = 12  # units of which the one is taken whose voice is most like the first one's
_CEPSTRA = slice(1, 13)  # what tells voices and microphones, not loudness
_GAIN_DB = (-10.0, 4.0)
_TRIES = 5  # a clip that is wanted
_FULL = 0.9  # of a clip's length: what takes longer is said faster, for words said alone are said slowly
_FASTEST = 2.0
_OTHER_TEXTS = 1000


@dataclass(frozen=True)
class SpliceSettings:
    """How many clips are joined: of the keyword, of its close negatives, of other words."""

    keyword: int = 0
    close: int = 0
    other: int = 0


class Unit(NamedTuple):
    """Sounds in a row in utterance number ``utterance``, samples [start, end)."""

    utterance: int
    start: int
    end: int


class Splicer:
    """Joins sounds of utterances to other words; what comes depends on the seed alone."""

    def __init__(self, utterances: Sequence[Utterance], seed: int) -> None:
        self._rng = np.random.default_rng([seed, 11])
        self._clips = [_levelled(utterance.clip) for utterance in utterances]
        self._voices = np.stack([_voice(clip) for clip in self._clips]) if utterances else np.zeros((0, 12))
        self._units: dict[Phonemes, list[Unit]] = defaultdict(list)
        for number, sounds in enumerate(utterance.sounds for utterance in utterances):
            for first in range(len(sounds)):
                for last in range(first, min(len(sounds), first + _LONGEST_UNIT)):
                    symbols = tuple(sound.symbol for sound in sounds[first : last + 1])
                    ends = (round(at * SAMPLE_RATE) for at in (sounds[first].start, sounds[last].end))
                    self._units[symbols].append(Unit(number, *ends))

    def say(self, phonemes: Phonemes) -> np.ndarray | None:
        """One way to join them, float32 (T,), of two units at least; None where a sound is in no utterance."""
        target, parts, voice, first = tuple(unstressed(phonemes)), [], None, 0
        while first < len(target):
            most = min(_LONGEST_UNIT, len(target) - first, len(target) - 1)
            lengths = [long for long in range(1, most + 1) if target[first : first + long] in self._units]
            if not lengths:
                return None
            long = lengths[-1] if self._rng.random() < _TAKE_LONGEST else int(self._rng.choice(lengths))
            unit = self._like(voice, self._units[target[first : first + long]])
            voice = self._voices[unit.utterance] if voice is None else voice
            parts.append(self._cut(unit))
            first += long
        return _joined(parts) if parts else None

    def clips(self, words: Sequence[Phonemes], count: int, samples: int) -> np.ndarray:
        """int16 (N, samples): ``count`` clips of the words, drawn evenly; fewer where sounds are missing."""
        found: list[np.ndarray] = []
        for _ in range(_TRIES * count if words else 0):
            clip = _hurried(self.say(words[int(self._rng.integers(len(words)))]), _FULL * samples)
            if clip is not None:
                gain = 10 ** (self._rng.uniform(*_GAIN_DB) / 20)
                found.append(centred(np.clip(clip * gain * 32767, -32767, 32767).astype(np.int16), samples))
            if len(found) == count:
                break
        return np.stack(found) if found else np.zeros((0, samples), np.int16)

    def _like(self, voice: np.ndarray | None, units: Sequence[Unit]) -> Unit:
        heard = [units[i] for i in self._rng.integers(0, len(units), _HEARD)]
        if voice is None:
            return heard[0]
        return min(heard, key=lambda unit: float(np.sum((self._voices[unit.utterance] - voice) ** 2)))

    def _cut(self, unit: Unit) -> np.ndarray:
        """The unit with half a join on either side; silence where its clip has no more."""
        clip, half = self._clips[unit.utterance], _JOIN // 2
        padded = np.pad(clip, _JOIN)
        start, end = (min(max(at, 0), len(clip)) + _JOIN for at in (unit.start, unit.end))
        return padded[start - half : max(end, start + _JOIN) + half]


def spliced(keyword: str, people: Sequence[Utterance], settings: SpliceSettings, samples: int, seed: int = 0) -> Words:
    """Words for training, of ``samples`` each: the keyword, close negatives and other words out of what people say.

    An utterance in which the keyword itself is said is left out.
    """
    said = [tuple(unstressed(way)) for way in pronunciations(keyword)]
    splicer = Splicer([one for one in people if not any(_holds(one, way) for way in said)], seed)
    kinds: list[tuple[str, Sequence[Phonemes], int]] = [
        (keyword, pronunciations(keyword), settings.keyword),
        ("(close)", [word.phonemes for word in close_words(keyword, "train")], settings.close),
        ("(other)", [pronounce(text) for text in other_texts(keyword, _OTHER_TEXTS, "train", seed)], settings.other),
    ]
    made = [(word, splicer.clips(targets, count, samples)) for word, targets, count in kinds]
    names = tuple(word for word, clips in made for _ in clips)
    return Words(
        np.concatenate([clips for _, clips in made]),
        np.array([name == keyword for name in names], dtype=bool),
        words=names,
        speakers=("spliced",) * len(names),
        names=names,
        origins=(SPLICED,) * len(names),
    )


def _holds(utterance: Utterance, phonemes: Phonemes) -> bool:
    symbols = tuple(sound.symbol for sound in utterance.sounds)
    return any(symbols[at : at + len(phonemes)] == phonemes for at in range(len(symbols) - len(phonemes) + 1))


def _levelled(clip: np.ndarray) -> np.ndarray:
    """int16 -> float32 of a loudness that all recordings share."""
    samples = clip.astype(np.float32) / 32768
    start, end = active_range(samples) if samples.any() else (0, len(samples))
    return samples * (_LOUDNESS / max(1e-4, float(np.sqrt(np.mean(samples[start:end] ** 2)))))


def _voice(clip: np.ndarray) -> np.ndarray:
    """The mean cepstra of where something is said, (12,)."""
    start, end = active_range(clip) if clip.any() else (0, len(clip))
    cepstra = mfcc(np.pad(clip[start:end], (0, _JOIN)))  # one frame at least
    return cepstra[:, _CEPSTRA].mean(axis=0)


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    """The parts, each fading into the next at constant power."""
    rising = np.sqrt(np.linspace(0.0, 1.0, _JOIN, dtype=np.float32))
    whole = parts[0]
    for part in parts[1:]:
        both = whole[-_JOIN:] * rising[::-1] + part[:_JOIN] * rising
        whole = np.concatenate([whole[:-_JOIN], both, part[_JOIN:]])
    return whole


def _hurried(clip: np.ndarray | None, most: float) -> np.ndarray | None:
    """A clip of at most ``most`` samples, said faster if need be; None where that would be too fast."""
    if clip is None or len(clip) <= most:
        return clip
    rate = len(clip) / most
    return stretch(torch.from_numpy(clip[None]), rate)[0].numpy() if rate <= _FASTEST else None
