"""Everything a training run hears, in memory, split so that no speaker or recording is on two sides."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from close_negatives.voices import SPLITS
from training.clips import active_range
from training.speech_commands import Clip, Split, as_said, load_clips, read_folder
from wakeword.audio import read_mono, sound_files
from wakeword.errors import DataError
from wakeword.features import FeatureSpec

RECORDED, SPOKEN, CLOSE, SENTENCE, SPLICED = "recorded", "spoken", "close", "sentence", "spliced"
CLIP_SAMPLES = 16_000
FULL_SCALE = np.float32(32767.0)  # int16 samples / FULL_SCALE are what the front end takes


@dataclass(frozen=True)
class Words:
    """Word clips of one split, all of one length; shorter ones have silence around them.

    samples     int16 (N, T)
    is_keyword  bool (N,)
    words       the word of each clip; speakers the speaker of each; names its file name
    origins     where each comes from: RECORDED from people, SPOKEN by a speech engine, CLOSE, which is spoken too and
                almost the keyword, or SPLICED out of sounds of people
    """

    samples: np.ndarray
    is_keyword: np.ndarray
    words: tuple[str, ...]
    speakers: tuple[str, ...]
    names: tuple[str, ...]
    origins: tuple[str, ...]

    def subset(self, index: np.ndarray) -> Words:
        """The clips at ``index``, in its order."""
        columns = (self.words, self.speakers, self.names, self.origins)
        return Words(
            self.samples[index],
            self.is_keyword[index],
            *(tuple(column[i] for i in index) for column in columns),
        )

    def of_origin(self, *origins: str) -> np.ndarray:
        """bool (N,): which clips come from there."""
        return np.array([origin in origins for origin in self.origins], dtype=bool)

    def far(self) -> np.ndarray:
        """bool (N,): the other words that are measured: those of people, or of engines where no people were recorded.

        Engines speak far more clips than people did, and easier ones; a rate over both would be the engines' rate.
        """
        recorded = self.of_origin(RECORDED) & ~self.is_keyword
        return recorded if recorded.any() else self.of_origin(SPOKEN) & ~self.is_keyword

    def close(self) -> np.ndarray:
        """bool (N,): the close negatives."""
        return self.of_origin(CLOSE)

    def __add__(self, other: Words) -> Words:
        """These clips and then those. Raises ValueError where their lengths differ."""
        return Words(
            np.concatenate([self.samples, other.samples]),
            np.concatenate([self.is_keyword, other.is_keyword]),
            self.words + other.words,
            self.speakers + other.speakers,
            self.names + other.names,
            self.origins + other.origins,
        )


@dataclass(frozen=True)
class Corpus:
    """words, continuous speech and noise, each by split; speech and noise are lists of int16 recordings.

    sentences  continuous speech of speech engines, by split
    """

    keyword: str
    words: dict[Split, Words]
    speech: dict[Split, list[np.ndarray]]
    noise: dict[Split, list[np.ndarray]]
    sentences: dict[Split, list[np.ndarray]] = field(default_factory=lambda: {split: [] for split in SPLITS})

    def provenance(self) -> dict[str, object]:
        """Counts and content hashes for the model's card."""
        return {
            "words": {
                split: {
                    "keyword_clips": int(words.is_keyword.sum()),
                    "other_clips": int((~words.is_keyword).sum()),
                    "spoken_keyword_clips": int((words.is_keyword & words.of_origin(SPOKEN, CLOSE)).sum()),
                    "spoken_other_clips": int((~words.is_keyword & words.of_origin(SPOKEN, CLOSE)).sum()),
                    "spliced_clips": int(words.of_origin(SPLICED).sum()),
                    "speakers": len(set(np.array(words.speakers)[~words.of_origin(SPLICED)])),
                    "sha256": hashlib.sha256(words.samples.tobytes()).hexdigest(),
                }
                for split, words in self.words.items()
            },
            "speech_seconds": {split: _seconds(recordings) for split, recordings in self.speech.items()},
            "sentence_seconds": {split: _seconds(recordings) for split, recordings in self.sentences.items()},
            "noise_seconds": {split: _seconds(recordings) for split, recordings in self.noise.items()},
        }


def recording_split(name: str) -> Split:
    """Which split a recording of speech or noise belongs to, from the hash of its file name alone.

    Half is held out for the final test of the alarm rate, a sixth validates, a third trains: alarms are so
    rare that the hours to count them in are worth more than the hours to learn from.
    """
    share = int(hashlib.sha1(name.encode()).hexdigest(), 16) % 6
    return "test" if share < 3 else "validation" if share == 3 else "train"


def clip_samples_for(spec: FeatureSpec) -> int:
    """The length of clips that fill a window wherever its first frame begins; at least a second."""
    return max(CLIP_SAMPLES, spec.window_samples + spec.hop_length // 2)


def load_corpus(
    keyword: str,
    data: Path | None,
    speech: Sequence[Path] = (),
    noise: Sequence[Path] = (),
    limit: int | None = None,
    clip_samples: int = CLIP_SAMPLES,
) -> Corpus:
    """Read the word clips under ``data`` and the recordings under ``speech`` and ``noise`` folders.

    data: a folder in the layout of Speech Commands, or None for no recorded words. limit: at most this many clips of
    each split (a quick look). clip_samples: the length T of a clip; longer recordings lose their ends.
    """
    clips = read_folder(data) if data else []
    words = {s: _load_words(keyword, [c for c in clips if c.split == s], limit, clip_samples) for s in SPLITS}
    return Corpus(keyword, words, _recordings(speech), _recordings(noise))


def load_recordings(word: str, folders: Iterable[Path], clip_samples: int, is_keyword: bool = True) -> Words:
    """A user's own clips, whatever their length: the loudest stretch of ``clip_samples`` of each.

    Raises AudioError where a folder is missing or empty, or a file cannot be read.
    """
    paths = [path for folder in folders for path in sound_files(folder)]
    samples = np.zeros((len(paths), clip_samples), dtype=np.int16)
    for row, path in zip(samples, paths, strict=True):
        part = np.round(_loudest(read_mono(path), clip_samples) * FULL_SCALE).astype(np.int16)
        row[: len(part)] = part
    n = len(paths)
    names = tuple(path.name for path in paths)
    return Words(samples, np.full(n, is_keyword), (word,) * n, ("own",) * n, names, (RECORDED,) * n)


def _loudest(clip: np.ndarray, samples: int) -> np.ndarray:
    """The ``samples`` of a longer clip that hold the most energy, moved so that what is said is in their middle."""
    if len(clip) <= samples:
        return clip
    until = np.concatenate([[0.0], np.cumsum(np.square(clip, dtype=np.float64))])
    first = int(np.argmax(until[samples:] - until[:-samples]))
    part = clip[first : first + samples]
    start, end = active_range(part) if np.any(part) else (0, samples)
    first = min(max(0, first + (start + end - samples) // 2), len(clip) - samples)
    return clip[first : first + samples]


def read_clip(path: Path) -> np.ndarray:
    """A whole recording, int16 (T,) at 16 kHz. Raises AudioError where it cannot be read."""
    return np.round(read_mono(path) * FULL_SCALE).astype(np.int16)


def check_corpus(corpus: Corpus, data: Path | None, splits: Sequence[Split] = SPLITS) -> None:
    """Raises DataError where a split has nothing to learn the keyword from, to validate or to test it on."""
    known = sorted({word for words in corpus.words.values() for word in words.words})
    if not any(words.is_keyword.any() for words in corpus.words.values()):
        raise DataError(f"{data or 'the corpus'} has no clips of {corpus.keyword!r}; it has: {', '.join(known)}")
    for split in splits:
        held = corpus.words[split].is_keyword
        if not held.any() or held.all():
            raise DataError(
                f"{data or 'the corpus'}: the {split} split needs clips of {corpus.keyword!r} and of other words, "
                f"but has {int(held.sum())} and {int((~held).sum())}: add recordings of more speakers"
            )


def _load_words(keyword: str, clips: list[Clip], limit: int | None, clip_samples: int) -> Words:
    if limit is not None:  # shuffled by a hash, so that every word and speaker has its share
        clips = sorted(clips, key=lambda clip: hashlib.sha1(clip.path.name.encode()).hexdigest())[:limit]
    samples = load_clips(clips, clip_samples) if clips else np.zeros((0, clip_samples), np.int16)
    is_keyword = np.array([as_said(clip.word) == as_said(keyword) for clip in clips], dtype=bool)
    return Words(
        samples,
        is_keyword,
        tuple(keyword if said else clip.word for clip, said in zip(clips, is_keyword, strict=True)),
        tuple(clip.speaker for clip in clips),
        tuple(clip.path.name for clip in clips),
        (RECORDED,) * len(clips),
    )


def _recordings(folders: Iterable[Path]) -> dict[Split, list[np.ndarray]]:
    by_split: dict[Split, list[np.ndarray]] = {split: [] for split in SPLITS}
    for folder in folders:
        for path in sound_files(folder):
            by_split[recording_split(path.name)].append(read_clip(path))
    return by_split


def _seconds(recordings: list[np.ndarray]) -> float:
    return round(sum(len(recording) for recording in recordings) / 16_000, 1)
