"""Speaks a plan: in parallel, each clip once in the life of the cache, the same bits every time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from close_negatives import clip as clip_module
from close_negatives.cache import content_key
from close_negatives.engines import ENGINES, EngineError, Request, get_engine
from close_negatives.parallel import in_parallel
from close_negatives.phonemes import Phonemes, pronounce
from close_negatives.store import Clip, Store
from close_negatives.voices import Split, split_of
from wakeword.errors import PhraseError, SynthesisError

Progress = Callable[[int, int], None]

#: Clips a worker speaks before it hands them over: about a second's worth, which is what a killed run loses.
_SIZES = {"kokoro": 2, "hibari": 64, "pico": 128, "espeak": 256, "pyttsx3": 64}
_SIZE = 16
_ALONE = 64  # so few clips of fast engines are spoken before workers would have started


class Skipped(NamedTuple):
    """A request that could not be spoken, and the sentence that says why."""

    request: Request
    reason: str


class _Chunk(NamedTuple):
    """The engines that the whole run needs, and some of its requests by key."""

    engines: tuple[str, ...]
    items: list[tuple[str, Request]]


class _Answers(NamedTuple):
    """Of one chunk, by key: the clips, and why there are no others."""

    clips: dict[str, Clip]
    reasons: dict[str, str]


@dataclass(frozen=True)
class Spoken:
    """Clips, each int16 (T,) at 16 kHz, trimmed, peaking at half of full scale, and the requests they answer, in the
    order asked; skipped holds the requests that no clip answers."""

    clips: tuple[Clip, ...]
    requests: tuple[Request, ...]
    skipped: tuple[Skipped, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """The word or phrase of each clip."""
        return tuple(request.name for request in self.requests)

    @property
    def phonemes(self) -> tuple[Phonemes, ...]:
        """What each clip was spoken from or, of one spoken from its text, how the dictionary says it."""
        return tuple(request.phonemes or _usual_phonemes(request.text) for request in self.requests)

    @property
    def voices(self) -> tuple[str, ...]:
        """The name of each clip's voice, unique within its engine."""
        return tuple(request.voice.name for request in self.requests)

    @property
    def engines(self) -> tuple[str, ...]:
        """The name of each clip's engine."""
        return tuple(request.voice.engine for request in self.requests)

    @property
    def splits(self) -> tuple[Split | None, ...]:
        """The side of each clip's speakers; None where they are of several."""
        return tuple(split_of(request.voice) for request in self.requests)

    def subset(self, index: Sequence[int]) -> Spoken:
        """The clips at ``index``, in its order; what was skipped stays."""
        return Spoken(tuple(self.clips[i] for i in index), tuple(self.requests[i] for i in index), self.skipped)


def speak(requests: Sequence[Request], *, jobs: int | None = None, progress: Progress | None = None) -> Spoken:
    """The clips of the requests, from the cache or else spoken by ``jobs`` processes (None: one a core).

    ``progress`` is called with how many clips are there, and how many there will be. A request that cannot be
    spoken, as where its engine is missing, is skipped with its reason and the rest go on. What is spoken is kept
    at once: a run that was killed goes on where it was. Raises SynthesisError where the cache cannot be
    written, a worker was killed, or of some word not one clip could be spoken.
    """
    keys, without_key = _keys(requests)
    reasons: dict[str, str] = {}
    with Store() as store:
        clips = store.clips(dict.fromkeys(keys.values()))
        missing = {key: requests[index] for index, key in keys.items() if key not in clips}
        uses = Counter(key for key in keys.values() if key in missing)
        done = len(requests) - uses.total()
        if progress:
            progress(done, len(requests))
        with closing(in_parallel(_speak_chunk, _chunks(missing), _workers(missing, jobs))) as chunks:
            for made, failed in chunks:
                store.keep_clips(made)
                clips |= made
                reasons |= failed
                done += sum(uses[key] for key in (*made, *failed))
                if progress:
                    progress(done, len(requests))
    found = [index for index, key in keys.items() if key in clips]
    skipped = without_key | {index: reasons[key] for index, key in keys.items() if key not in clips}
    spoken = Spoken(
        tuple(clips[keys[index]] for index in found),
        tuple(requests[index] for index in found),
        tuple(Skipped(requests[index], reason) for index, reason in sorted(skipped.items())),
    )
    _check_words(spoken)
    return spoken


def clip_key(request: Request) -> str:
    """sha256 of all that determines a request's clip. Raises EngineError where its voice is unknown."""
    voice = request.voice
    return content_key(*facts(request), ENGINES[voice.engine].fingerprint(voice), _finishing())


def facts(request: Request) -> tuple[object, ...]:
    """Everything of a request that its sound may depend on, as JSON values."""
    voice = request.voice
    return (voice.engine, voice.name, request.text, request.phonemes, request.rate, request.pitch, request.seed)


@lru_cache(maxsize=1)
def _finishing() -> str:
    import soxr

    return f"soxr {soxr.__version__}; finishing {clip_module.REVISION}"


def _keys(requests: Sequence[Request]) -> tuple[dict[int, str], dict[int, str]]:
    """Place of a request -> its key; and of each request that has none, because nothing can speak it, why."""
    absent = {name: _why_absent(name) for name in {request.voice.engine for request in requests}}
    keys: dict[int, str] = {}
    reasons: dict[int, str] = {}
    for index, request in enumerate(requests):
        if reason := absent[request.voice.engine]:
            reasons[index] = reason
            continue
        try:
            keys[index] = clip_key(request)
        except EngineError as error:
            reasons[index] = str(error)
    return keys, reasons


def _why_absent(engine: str) -> str:
    try:
        get_engine(engine)
    except EngineError as error:
        return str(error)
    return ""


def _workers(missing: Mapping[str, Request], jobs: int | None) -> int | None:
    slow = any(request.voice.engine == "kokoro" for request in missing.values())
    return jobs if slow or len(missing) > _ALONE else 1


def _chunks(missing: Mapping[str, Request]) -> list[_Chunk]:
    """Chunks of one engine each, the engines' in turn, so that the time left can be told from the clips done."""
    by_engine: dict[str, list[tuple[str, Request]]] = {}
    for key, request in missing.items():
        by_engine.setdefault(request.voice.engine, []).append((key, request))
    placed = []
    for engine, items in by_engine.items():
        size = _SIZES.get(engine, _SIZE)
        placed += [(at / len(items), engine, items[at : at + size]) for at in range(0, len(items), size)]
    placed.sort(key=lambda chunk: chunk[:2])
    return [_Chunk(tuple(by_engine), items) for *_, items in placed]


def _speak_chunk(chunk: _Chunk) -> _Answers:
    # joblib takes a process that grows by 300 MB after its first chunk for one that leaks, and replaces it.
    for engine in chunk.engines:
        ENGINES[engine].prepare()
    answers = _Answers({}, {})
    for key, request in chunk.items:
        try:
            answers.clips[key] = clip_module.finish(*ENGINES[request.voice.engine].speak(request))
        except EngineError as error:
            answers.reasons[key] = str(error)
    return answers


def _check_words(spoken: Spoken) -> None:
    """Raises SynthesisError where a word is in no clip."""
    heard = set(spoken.texts)
    for request, reason in spoken.skipped:
        if request.name not in heard:
            raise SynthesisError(f"no speech engine could speak '{request.name}': {reason}")


@lru_cache(maxsize=8192)
def _usual_phonemes(text: str) -> Phonemes:
    try:
        return pronounce(text.translate(str.maketrans("", "", ",.?!")))
    except PhraseError:  # a sentence of more words than a phrase has, or letters that no rule can sound out
        return ()
