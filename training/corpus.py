"""Everything a training run hears, in memory, split so that no speaker or recording is on two sides."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.speech_commands import Clip, Split, load_clips, read_folder
from wakeword.audio import read_mono
from wakeword.errors import DataError

SPLITS = ("train", "validation", "test")
CLIP_SAMPLES = 16_000
FULL_SCALE = np.float32(32767.0)  # int16 samples / FULL_SCALE are what the front end takes
_SOUND_SUFFIXES = frozenset((".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif"))


@dataclass(frozen=True)
class Words:
    """One-second word clips of one split.

    samples     int16 (N, 16000)
    is_keyword  bool (N,)
    words       the word of each clip; speakers the speaker of each; names its file name
    """

    samples: np.ndarray
    is_keyword: np.ndarray
    words: tuple[str, ...]
    speakers: tuple[str, ...]
    names: tuple[str, ...]

    def subset(self, index: np.ndarray) -> Words:
        """The clips at ``index``, in its order."""
        return Words(
            self.samples[index],
            self.is_keyword[index],
            *(tuple(column[i] for i in index) for column in (self.words, self.speakers, self.names)),
        )


@dataclass(frozen=True)
class Corpus:
    """words, continuous speech and noise, each by split; speech and noise are lists of int16 recordings."""

    keyword: str
    words: dict[str, Words]
    speech: dict[str, list[np.ndarray]]
    noise: dict[str, list[np.ndarray]]

    def provenance(self) -> dict[str, object]:
        """Counts and content hashes for the model's card."""
        return {
            "words": {
                split: {
                    "keyword_clips": int(words.is_keyword.sum()),
                    "other_clips": int((~words.is_keyword).sum()),
                    "speakers": len(set(words.speakers)),
                    "sha256": hashlib.sha256(words.samples.tobytes()).hexdigest(),
                }
                for split, words in self.words.items()
            },
            "speech_seconds": {split: _seconds(recordings) for split, recordings in self.speech.items()},
            "noise_seconds": {split: _seconds(recordings) for split, recordings in self.noise.items()},
        }


def recording_split(name: str) -> Split:
    """Which split a recording of speech or noise belongs to, from the hash of its file name alone.

    Half is held out for the final test of the alarm rate, a sixth validates, a third trains: alarms are so
    rare that the hours to count them in are worth more than the hours to learn from.
    """
    share = int(hashlib.sha1(name.encode()).hexdigest(), 16) % 6
    return "test" if share < 3 else "validation" if share == 3 else "train"


def load_corpus(
    keyword: str,
    data: Path,
    speech: Sequence[Path] = (),
    noise: Sequence[Path] = (),
    limit: int | None = None,
) -> Corpus:
    """Read the word clips under ``data`` and the recordings under ``speech`` and ``noise`` folders.

    keyword: a word with a folder of its own in ``data``. limit: at most this many clips of each split (a quick look).
    Raises DataError when a split has no clip of the keyword or none of another word.
    """
    clips = read_folder(data)
    words = {split: _load_words(keyword, [c for c in clips if c.split == split], limit) for split in SPLITS}
    if not any(clip.word == keyword for clip in clips):
        known = ", ".join(sorted({clip.word for clip in clips}))
        raise DataError(f"{data} has no clips of {keyword!r}; it has: {known}")
    for split in ("train", "validation"):
        held = words[split].is_keyword
        if not held.any() or held.all():
            raise DataError(
                f"{data}: the {split} split needs clips of {keyword!r} and of other words, "
                f"but has {int(held.sum())} and {int((~held).sum())}: add recordings of more speakers"
            )
    return Corpus(keyword, words, _recordings(speech), _recordings(noise))


def _load_words(keyword: str, clips: list[Clip], limit: int | None) -> Words:
    if limit is not None:  # shuffled by a hash, so that every word and speaker has its share
        clips = sorted(clips, key=lambda clip: hashlib.sha1(clip.path.name.encode()).hexdigest())[:limit]
    samples = load_clips(clips, CLIP_SAMPLES) if clips else np.zeros((0, CLIP_SAMPLES), np.int16)
    return Words(
        samples,
        np.array([clip.word == keyword for clip in clips], dtype=bool),
        tuple(clip.word for clip in clips),
        tuple(clip.speaker for clip in clips),
        tuple(clip.path.name for clip in clips),
    )


def _recordings(folders: Iterable[Path]) -> dict[str, list[np.ndarray]]:
    by_split: dict[str, list[np.ndarray]] = {split: [] for split in SPLITS}
    for folder in folders:
        if not folder.is_dir():
            raise DataError(f"{folder}: there is no such folder of recordings")
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SOUND_SUFFIXES)
        if not files:
            raise DataError(f"{folder} holds no sound file ({', '.join(sorted(_SOUND_SUFFIXES))})")
        for path in files:
            samples = np.round(read_mono(path) * FULL_SCALE).astype(np.int16)
            by_split[recording_split(path.name)].append(samples)
    return by_split


def _seconds(recordings: list[np.ndarray]) -> float:
    return round(sum(len(recording) for recording in recordings) / 16_000, 1)
