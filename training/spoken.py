"""Words that nobody recorded: the keyword, what sounds almost like it, and other words, spoken by speech engines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from close_negatives.engines import Request
from close_negatives.plan import BULK, NATURAL, PlanSettings, plan, plan_in
from close_negatives.synthesize import Spoken, speak
from training.clips import centred
from training.corpus import CLOSE, SENTENCE, SPLITS, SPOKEN, Words
from training.speech_commands import Split
from training.texts import close_words, foreign_sentences, other_texts, sentences
from wakeword.features import FeatureSpec

#: Without the slow engine, for what is many and long.
FAST = PlanSettings({**BULK.shares, "kokoro": 0.0})
_HELD_OUT = 0.2  # of the numbers for training, for validation and for test each
_ENOUGH_PEOPLE = 30  # recordings of the keyword that say more of a detector than hundreds of synthesized clips
_MARGIN_S = 0.1  # of the window beyond the keyword
_LONGEST_WINDOW_S = 3.0

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class SpokenSettings:
    """How many clips are spoken for training; a fifth as many again for validation and for test, by other speakers.

    keyword    clips of the keyword
    close      clips of each close negative; the words themselves are split too, so that no side hears engines say
               another's; people may have said them, in the recorded words
    other      clips of one or two other words
    natural    whether the natural engine, which is slow, speaks its share of the words: it must where the keyword
               itself is synthesized, for else its voice alone would tell the keyword
    sentences  rows of eight frequent words: continuous speech, where most false alarms come from
    languages  of other people in earshot (eSpeak's LANGUAGES); foreign: rows of words in them, shared among them
    """

    keyword: int = 0
    close: int = 0
    other: int = 0
    sentences: int = 0
    natural: bool = False
    languages: tuple[str, ...] = ()
    foreign: int = 0

    def scaled(self, share: float) -> SpokenSettings:
        """That share of every number, at least one of each there was."""
        counts = {name: getattr(self, name) for name in ("keyword", "close", "other", "sentences", "foreign")}
        return replace(self, **{name: max(1, round(share * count)) for name, count in counts.items() if count})


@dataclass(frozen=True)
class Part:
    """Clips of one kind: where they come from (an origin of ``training.corpus``), and whether they are the keyword."""

    spoken: Spoken
    origin: str
    is_keyword: bool


def speak_words(
    phrase: str, settings: SpokenSettings, seed: int, progress: Progress | None = None
) -> dict[Split, list[Part]]:
    """The parts of each split, from the cache or spoken now. Raises SynthesisError."""
    wanted = {split: _requests(phrase, settings, split, seed) for split in SPLITS}
    every = [request for parts in wanted.values() for requests, _, _ in parts for request in requests]
    # Without a wish there is no need of a cache, and none that cannot be written may stop the run.
    spoken = speak(every, progress=progress) if every else Spoken((), ())
    clip_of = dict(zip(spoken.requests, spoken.clips, strict=True))

    def part(requests: list[Request], origin: str, is_keyword: bool) -> Part:
        held = tuple(request for request in requests if request in clip_of)
        return Part(Spoken(tuple(clip_of[request] for request in held), held), origin, is_keyword)

    return {split: [part(*wish) for wish in wishes] for split, wishes in wanted.items()}


def window_for(keyword_clips: Sequence[np.ndarray]) -> FeatureSpec:
    """The front end whose window holds 95 % of the clips: one second, or as many tenths more as they need."""
    spec = FeatureSpec()
    if not keyword_clips:
        return spec
    longest = float(np.quantile([len(clip) for clip in keyword_clips], 0.95)) / spec.sample_rate + _MARGIN_S
    seconds = min(max(1.0, np.ceil(longest * 10) / 10), _LONGEST_WINDOW_S)
    frames = spec.frames_in(round(seconds * spec.sample_rate))
    return FeatureSpec(window_frames=frames)


def as_words(phrase: str, parts: Sequence[Part], clip_samples: int) -> Words:
    """The clips but the sentences as Words of ``clip_samples`` each, in the middle; longer ones lose both ends."""
    parts = [part for part in parts if part.origin != SENTENCE]
    clips = [clip for part in parts for clip in part.spoken.clips]
    requests = [request for part in parts for request in part.spoken.requests]
    samples = np.zeros((len(clips), clip_samples), dtype=np.int16)
    for row, clip in zip(samples, clips, strict=True):
        row[:] = centred(clip, clip_samples)
    return Words(
        samples,
        np.array([part.is_keyword for part in parts for _ in part.spoken.clips], dtype=bool),
        tuple(phrase if part.is_keyword else request.name for part in parts for request in part.spoken.requests),
        tuple(f"{request.voice.engine}:{request.voice.name}" for request in requests),
        tuple(f"{request.voice.engine} {request.name}" for request in requests),
        tuple(part.origin for part in parts for _ in part.spoken.clips),
    )


def wanted(spoken: Words, recorded: Words, split: Split) -> Words:
    """The spoken clips that a split takes beside its recorded ones: where people enough say it, only people judge."""
    if split == "train" or recorded.is_keyword.sum() < _ENOUGH_PEOPLE:
        return spoken
    return spoken.subset(np.flatnonzero(~spoken.is_keyword))


def as_speech(parts: Sequence[Part]) -> list[np.ndarray]:
    """The sentences, as int16 recordings."""
    return [clip for part in parts if part.origin == SENTENCE for clip in part.spoken.clips]


def _requests(phrase: str, settings: SpokenSettings, split: Split, seed: int) -> list[tuple[list[Request], str, bool]]:
    scale = 1.0 if split == "train" else _HELD_OUT
    few, many = (NATURAL, BULK) if settings.natural else (FAST, FAST)
    parts: list[tuple[list[Request], str, bool]] = []
    if settings.keyword:
        parts.append((plan([phrase], round(settings.keyword * scale), split, seed, few), SPOKEN, True))
    if settings.close:
        parts.append((plan(close_words(phrase, split), settings.close, split, seed, few), CLOSE, False))
    if settings.other:
        texts = other_texts(phrase, round(settings.other * scale), split, seed)
        parts.append((plan(texts, 1, split, seed, many), SPOKEN, False))
    if settings.sentences:
        texts = sentences(phrase, round(settings.sentences * scale), split, seed)
        parts.append((plan(texts, 1, split, seed, FAST), SENTENCE, False))
    for language in settings.languages:
        texts = foreign_sentences(
            language, phrase, round(settings.foreign * scale / len(settings.languages)), split, seed
        )
        parts.append((plan_in(language, texts, split, seed), SENTENCE, False))
    return parts
