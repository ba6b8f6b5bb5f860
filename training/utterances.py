"""What an LSTM learns the sounds of English from: recorded words and synthesized ones, with their phonemes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from close_negatives.phonemes import dictionary, pronounce
from close_negatives.plan import plan
from close_negatives.synthesize import speak
from training.corpus import Words, load_corpus
from training.examples import joined
from training.pretrain import Utterance
from training.speech_commands import Split
from training.spoken import FAST, other_texts

_HELD_OUT = 0.05


@dataclass(frozen=True)
class Utterances:
    """recorded and spoken train; validation is of other people and other voices; noise int16 (T,)."""

    recorded: list[Utterance]
    spoken: list[Utterance]
    validation: list[Utterance]
    noise: np.ndarray
    provenance: dict[str, Any]


def gather_utterances(data: Path, noise: Sequence[Path], clips: int, seed: int) -> Utterances:
    """Read and speak everything. Words that the dictionary lacks are left out. Raises WakewordError."""
    corpus = load_corpus("", data, (), noise)
    validation = _recorded(corpus.words["validation"]) + _spoken("validation", round(clips * _HELD_OUT), seed)
    provenance = {**corpus.provenance(), "synthesized_clips": clips}
    recorded, spoken = _recorded(corpus.words["train"]), _spoken("train", clips, seed)
    return Utterances(recorded, spoken, validation, joined(corpus.noise["train"]), provenance)


def _recorded(words: Words) -> list[Utterance]:
    known = dictionary()
    pairs = zip(words.samples, words.words, strict=True)
    return [Utterance(clip, pronounce(word)) for clip, word in pairs if word in known]


def _spoken(split: Split, count: int, seed: int) -> list[Utterance]:
    spoken = speak(plan(other_texts("", count, split, seed), 1, split, seed, FAST))
    return [Utterance(clip, phonemes) for clip, phonemes in zip(spoken.clips, spoken.phonemes, strict=True)]
