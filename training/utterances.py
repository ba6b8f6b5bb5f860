"""What an LSTM learns the sounds of English from: words and continuous speech of people, and synthesized words."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Sized
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from close_negatives.parallel import in_parallel
from close_negatives.phonemes import dictionary, pronounce
from close_negatives.plan import BULK, plan
from close_negatives.synthesize import Progress, speak
from training.alignment import Said, align, rows_of_words
from training.corpus import Words, load_corpus
from training.examples import joined
from training.sounds import Sound, Utterance
from training.speech_commands import Split
from training.texts import other_texts
from wakeword.audio import SAMPLE_RATE
from wakeword.errors import TrainingError

_HELD_OUT = 0.05
_TOGETHER = 200  # clips that a process aligns in turn
_STRETCH = 30 * SAMPLE_RATE  # samples that are transcribed at once: a recognizer keeps all it might have heard
_Chunk = TypeVar("_Chunk", bound=Sized)
_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class Sources:
    """Where utterances come from.

    data, speech, noise  folders of words in the layout of Speech Commands, of continuous English speech, and of noise
    clips                synthesized clips of one or two words
    longest              samples of a row of words in continuous speech, at most
    without              words whose recordings under ``data`` are left out
    """

    data: Path
    speech: tuple[Path, ...]
    noise: tuple[Path, ...]
    clips: int
    longest: int
    without: tuple[str, ...] = ()


@dataclass(frozen=True)
class Utterances:
    """recorded (rows of words out of continuous speech among them) and spoken train; validation is of other people and
    other voices; noise int16 (T,); left_out counts the clips whose sounds were not found."""

    recorded: list[Utterance]
    spoken: list[Utterance]
    validation: list[Utterance]
    noise: np.ndarray
    left_out: int
    provenance: dict[str, Any]


def gather_utterances(sources: Sources, seed: int, progress: Progress | None = None) -> Utterances:
    """Read, speak and align everything; ``progress`` hears how many clips are aligned, of how many.

    Words that the dictionary lacks are left out. Raises WakewordError.
    """
    corpus = load_corpus("", sources.data, sources.speech, sources.noise)
    provenance = {**corpus.provenance(), "synthesized_clips": sources.clips, "without": list(sources.without)}

    def people(split: Split) -> list[Said]:
        rows = rows_in(stretches_of(corpus.speech[split]), sources.longest)
        words = corpus.words[split]
        return said_words(words, known(words, sources.without)) + [said for row in rows for said in row]

    kinds = [
        people("train"),
        _spoken("train", sources.clips, seed),
        people("validation"),
        _spoken("validation", round(sources.clips * _HELD_OUT), seed),
    ]
    everything = [said for kind in kinds for said in kind]
    sounds = iter(sounds_of(everything, progress))
    pairs = ((said.clip, next(sounds)) for said in everything)
    parts = [[Utterance(clip, found) for clip, found in islice(pairs, len(kind)) if found] for kind in kinds]
    left_out = sum(map(len, kinds)) - sum(map(len, parts))
    recorded, spoken, *validation = parts
    return Utterances(
        recorded, spoken, [*validation[0], *validation[1]], joined(corpus.noise["train"]), left_out, provenance
    )


def stretches_of(recordings: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Recordings in pieces of a length that can be transcribed at once."""
    return [sound[at : at + _STRETCH] for sound in recordings for at in range(0, len(sound), _STRETCH)]


def rows_in(stretches: Sequence[np.ndarray], longest: int) -> list[list[Said]]:
    """The rows of words in each stretch of continuous speech, each at most ``longest`` samples, by all cores."""
    return _in_order(partial(rows_of_words, longest=longest), stretches)


def known(words: Words, without: Sequence[str] = ()) -> np.ndarray:
    """The index of the clips, int (K,), whose words the dictionary has, but for some words."""
    found = dictionary().keys() - set(without)
    return np.array([index for index, word in enumerate(words.words) if word in found], dtype=int)


def said_words(words: Words, index: np.ndarray) -> list[Said]:
    """The clips at an index, and what is said in them."""
    return [Said(words.samples[i], pronounce(words.words[i])) for i in index]


def sounds_of(clips: Sequence[Said], progress: Progress | None = None) -> list[tuple[Sound, ...]]:
    """The sounds of each clip, or none where they were not found, by all cores; ``progress`` counts clips."""
    chunks = [clips[first : first + _TOGETHER] for first in range(0, len(clips), _TOGETHER)]
    return list(chain.from_iterable(_in_order(_aligned, chunks, progress)))


def _aligned(clips: Sequence[Said]) -> list[tuple[Sound, ...]]:
    return [align(said.clip, said.phonemes) for said in clips]


def _in_order(
    work: Callable[[_Chunk], _Answer], chunks: Sequence[_Chunk], progress: Progress | None = None
) -> list[_Answer]:
    """``work`` of each chunk by all cores, in the order of the chunks; ``progress`` counts what is in them."""
    answers: dict[int, _Answer] = {}
    done, total = 0, sum(map(len, chunks))
    numbered = partial(_numbered, work)
    with closing(in_parallel(numbered, list(enumerate(chunks)), None, "listens", TrainingError)) as heard:
        for index, answer in heard:
            answers[index] = answer
            done += len(chunks[index])
            if progress:
                progress(done, total)
    return [answers[index] for index in range(len(chunks))]


def _numbered(work: Callable[[_Chunk], _Answer], chunk: tuple[int, _Chunk]) -> tuple[int, _Answer]:
    return chunk[0], work(chunk[1])


def _spoken(split: Split, count: int, seed: int) -> list[Said]:
    spoken = speak(plan(other_texts("", count, split, seed), 1, split, seed, BULK))
    return [Said(clip, phonemes) for clip, phonemes in zip(spoken.clips, spoken.phonemes, strict=True)]
