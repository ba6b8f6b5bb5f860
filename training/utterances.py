"""What an LSTM learns the sounds of English from: words and continuous speech of people, and synthesized words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from close_negatives.parallel import in_parallel
from close_negatives.phonemes import dictionary, pronounce
from close_negatives.plan import BULK, plan
from close_negatives.synthesize import speak
from training.alignment import Said, align, rows_of_words
from training.corpus import Words, load_corpus
from training.examples import joined
from training.pretrain import Utterance
from training.sounds import Sound
from training.speech_commands import Split
from training.spoken import other_texts
from wakeword.audio import SAMPLE_RATE
from wakeword.errors import TrainingError

_HELD_OUT = 0.05
_CHUNK = 200
_STRETCH = 30 * SAMPLE_RATE  # samples that are transcribed at once: a recognizer keeps all it might have heard
_Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Sources:
    """Where utterances come from.

    data, speech, noise  folders of words in the layout of Speech Commands, of continuous English speech, and of noise
    clips                synthesized clips of one or two words
    longest              samples of a row of words in continuous speech, at most
    without              words whose recordings under ``data`` are left out
    """

    data: Path
    speech: tuple[Path, ...] = ()
    noise: tuple[Path, ...] = ()
    clips: int = 14_000
    longest: int = 18_960
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


def gather_utterances(sources: Sources, seed: int, progress: _Progress | None = None) -> Utterances:
    """Read, speak and align everything; ``progress`` hears how many clips are aligned, of how many.

    Words that the dictionary lacks are left out. Raises WakewordError.
    """
    corpus = load_corpus("", sources.data, sources.speech, sources.noise)
    provenance = {**corpus.provenance(), "synthesized_clips": sources.clips, "without": list(sources.without)}

    def people(split: Split) -> list[Said]:
        return _recorded(corpus.words[split], sources.without) + _rows(corpus.speech[split], sources.longest)

    kinds = [
        people("train"),
        _spoken("train", sources.clips, seed),
        people("validation"),
        _spoken("validation", round(sources.clips * _HELD_OUT), seed),
    ]
    found = aligned([said for kind in kinds for said in kind], progress)
    parts = [[u for u in (next(found) for _ in kind) if u.sounds] for kind in kinds]
    left_out = sum(map(len, kinds)) - sum(map(len, parts))
    recorded, spoken, *validation = parts
    return Utterances(
        recorded, spoken, [*validation[0], *validation[1]], joined(corpus.noise["train"]), left_out, provenance
    )


def aligned(clips: Sequence[Said], progress: _Progress | None = None) -> Iterator[Utterance]:
    """The clips in their order, with their sounds: none where those cannot be found."""
    chunks = [(first, clips[first : first + _CHUNK]) for first in range(0, len(clips), _CHUNK)]
    sounds: dict[int, list[tuple[Sound, ...]]] = {}
    done = 0
    with closing(in_parallel(_align, chunks, None, "listens", TrainingError)) as answers:
        for first, found in answers:
            sounds[first] = found
            done += len(found)
            if progress:
                progress(done, len(clips))
    for first, chunk in chunks:
        yield from (Utterance(said.clip, found) for said, found in zip(chunk, sounds[first], strict=True))


def _align(chunk: tuple[int, Sequence[Said]]) -> tuple[int, list[tuple[Sound, ...]]]:
    first, clips = chunk
    return first, [align(said.clip, said.phonemes) for said in clips]


def _rows(recordings: Sequence[np.ndarray], longest: int) -> list[Said]:
    """The rows of words in recordings, in their order."""
    stretches = [sound[at : at + _STRETCH] for sound in recordings for at in range(0, len(sound), _STRETCH)]
    work = partial(_heard, longest=longest)
    with closing(in_parallel(work, list(enumerate(stretches)), None, "listens", TrainingError)) as answers:
        heard = dict(answers)
    return [said for index in range(len(stretches)) for said in heard[index]]


def _heard(numbered: tuple[int, np.ndarray], longest: int) -> tuple[int, list[Said]]:
    index, recording = numbered
    return index, rows_of_words(recording, longest)


def _recorded(words: Words, without: Sequence[str]) -> list[Said]:
    known = dictionary().keys() - set(without)
    pairs = zip(words.samples, words.words, strict=True)
    return [Said(clip, pronounce(word)) for clip, word in pairs if word in known]


def _spoken(split: Split, count: int, seed: int) -> list[Said]:
    spoken = speak(plan(other_texts("", count, split, seed), 1, split, seed, BULK))
    return [Said(clip, phonemes) for clip, phonemes in zip(spoken.clips, spoken.phonemes, strict=True)]
