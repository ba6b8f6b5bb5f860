"""A keyword of Speech Commands against other words (far) and synthesized words that sound like it (close)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from anomaly_benchmark.datasets.base import Dataset, Part
from anomaly_benchmark.datasets.synthesized import Spoken, speak_for
from close_negatives.cache import content_key
from training.augment import AugmentSettings
from training.cache import cached_array
from training.corpus import CLIP_SAMPLES, RECORDED, SPLITS, Corpus, Words
from training.examples import Examples, ExampleSource
from training.recipes import paper
from training.speech_commands import Clip, Split, load_clips, read_folder
from wakeword.errors import DataError
from wakeword.features import FeatureSpec

#: a test split with fewer speakers of the keyword than this takes some of the training speakers, with all they say
FEWEST = {"test": 60, "validation": 40}
REVISION = 1  # of how copies are changed: another one makes them anew
REAL = 100  # with fewer real training clips than this, a keyword's positives are synthesized


def load(cls: str, options: Mapping[str, object], folder: Path, seed: int) -> Dataset:
    """``options``: positives and others (at most, to train), judged (at most, of each group, in validation and test),
    close (synthesized close negatives of validation and test each; 0 = none), natural (voices; costs time), augmented
    (changed copies of the training clips beside the clips as they are).

    x is (N, 98, 32): MFCC of the product's front end, standardised by the training part. A keyword with too few
    recordings gets synthesized positives, and then as many synthesized other words, or the voice would tell them apart.
    """
    del seed  # the same clips for every seed
    most, clips, real = _wanted(cls, options, folder)
    spoken = _spoken(cls, options, most, real, jobs=1)
    words: dict[Split, Words] = {}
    for split in SPLITS:
        limits = (most["positives"], most["others"]) if split == "train" else (most["judged"], most["judged"])
        mine = [clip for clip in clips if clip.split == split and (real or clip.word != cls)]
        words[split] = _words(_drawn(mine, cls, limits if real else (0, limits[1] // 2)), cls, spoken.get(split))
        if not words[split].is_keyword.any():
            raise DataError(f"the {split} split has no clip of {cls!r}: add some, or install speech engines")
    corpus = Corpus(cls, words, speech={split: [] for split in SPLITS}, noise={split: [] for split in SPLITS})
    return _dataset(corpus, most["augmented"])


def prepare(cls: str, options: Mapping[str, object], folder: Path, jobs: int | None) -> None:
    """Speak what ``load`` will find in the cache, by ``jobs`` processes (None: one a core)."""
    most, _, real = _wanted(cls, options, folder)
    _spoken(cls, options, most, real, jobs)


def _wanted(cls: str, options: Mapping[str, object], folder: Path) -> tuple[dict[str, int], list[Clip], bool]:
    """The numbers among the options, the recordings, and whether the keyword has enough of them to learn from."""
    most = {name: int(str(options.get(name, 0))) for name in ("positives", "others", "judged", "close", "augmented")}
    clips = with_enough_judged(read_folder(folder / "audio" / "speech_commands"), cls)
    return most, clips, sum(clip.word == cls and clip.split == "train" for clip in clips) >= REAL


def _spoken(
    cls: str, options: Mapping[str, object], most: Mapping[str, int], real: bool, jobs: int | None
) -> dict[str, Spoken]:
    return speak_for(cls, most, real, bool(options.get("natural")), jobs) if most["close"] or not real else {}


def with_enough_judged(clips: list[Clip], keyword: str) -> list[Clip]:
    """The clips, with training speakers moved to test and validation until those have enough clips of the keyword.

    The official split of a part of the data may leave a word almost untested. Speakers move whole, in the order of a
    hash of their names, so that no speaker is on two sides.
    """
    sides = {clip.speaker: clip.split for clip in clips}
    said: dict[str, int] = {}
    for clip in clips:
        said[clip.speaker] = said.get(clip.speaker, 0) + (clip.word == keyword)
    trained = [s for s, split in sides.items() if split == "train" and said[s]]
    trained.sort(key=lambda speaker: hashlib.sha1(f"{keyword} {speaker}".encode()).hexdigest())
    if sum(said[speaker] for speaker in trained) >= REAL:
        for split, fewest in FEWEST.items():
            while sum(said[s] for s, side in sides.items() if side == split) < fewest and trained:
                sides[trained.pop()] = split
    return [replace(clip, split=sides[clip.speaker]) for clip in clips]


def _drawn(clips: list[Clip], keyword: str, limits: tuple[int, int]) -> list[Clip]:
    """At most so many clips of the keyword and of other words, by a hash of their names."""
    ordered = sorted(clips, key=lambda clip: hashlib.sha1(f"{clip.word}/{clip.path.name}".encode()).hexdigest())
    return [
        *[clip for clip in ordered if clip.word == keyword][: limits[0]],
        *[clip for clip in ordered if clip.word != keyword][: limits[1]],
    ]


def _words(clips: list[Clip], keyword: str, spoken: Spoken | None) -> Words:
    """Recordings, then what was spoken; a close negative's word is in brackets, which no recorded word is."""
    columns: list[tuple[Any, ...]] = [(clip.word, clip.speaker, clip.path.name) for clip in clips]
    samples = [load_clips(clips, CLIP_SAMPLES)] if clips else []
    if spoken is not None:
        columns += [(word, "synthesized", word) for word in spoken.words]
        samples.append(spoken.samples)
    names = [column[0] for column in columns]
    return Words(
        np.concatenate(samples),
        np.array([name == keyword for name in names], dtype=bool),
        words=tuple(names),
        speakers=tuple(column[1] for column in columns),
        names=tuple(column[2] for column in columns),
        # Here every clip counts alike, whoever said it: an epoch hears all of them.
        origins=(RECORDED,) * len(columns),
    )


def _dataset(corpus: Corpus, augmented: int) -> Dataset:
    recipe = paper(corpus.keyword).changed(keyword_clips=None, other_clips=None)
    sources = {split: ExampleSource(corpus, _as_split(split), recipe, FeatureSpec(), 0) for split in SPLITS}
    parts = {split: _part(source.plain(), corpus.words[split]) for split, source in sources.items()}
    if augmented:
        parts["train"] = _with_copies(parts["train"], corpus, augmented)
    mean = parts["train"].x.mean(axis=(0, 1), dtype=np.float64)
    std = np.maximum(parts["train"].x.std(axis=(0, 1), dtype=np.float64), 1e-3)
    scaled = [replace(parts[split], x=((parts[split].x - mean) / std).astype(np.float32)) for split in SPLITS]
    return Dataset(train=scaled[0], validation=scaled[1], test=scaled[2])


def _with_copies(plain: Part, corpus: Corpus, copies: int) -> Part:
    """The training clips as they are and, ``copies`` times, changed as the deploy recipe changes them."""
    settings = AugmentSettings()
    recipe = paper(corpus.keyword).changed(keyword_clips=None, other_clips=None, augment=settings)
    source = ExampleSource(corpus, "train", recipe, FeatureSpec(), 0)
    x, y = [plain.x], [plain.y]
    for number in range(copies):
        # Labels are kept as a last column, so that one array holds what one epoch made.
        key = content_key(corpus.words["train"].samples, asdict(settings), number, REVISION)
        both = cached_array("augmented", key, lambda number=number: _in_one(source.epoch(number)))  # type: ignore[misc]
        x.append(both[:, :, :-1])
        y.append(both[:, 0, -1])
    labels = np.concatenate(y)
    return Part(np.concatenate(x), labels, np.where(labels > 0.5, "normal", "far"))


def _in_one(examples: Examples) -> np.ndarray:
    frames = examples.features.shape[1]
    labels = np.broadcast_to(examples.labels[:, None, None], (len(examples.labels), frames, 1))
    return np.concatenate([examples.features, labels], axis=2)


def _part(examples: Examples, words: Words) -> Part:
    close = np.array([word.startswith("(") for word in words.words], dtype=bool)
    group = np.where(words.is_keyword, "normal", np.where(close, "close", "far"))
    return Part(examples.features, examples.labels, group)


def _as_split(name: str) -> Split:
    return "train" if name == "train" else "validation" if name == "validation" else "test"
