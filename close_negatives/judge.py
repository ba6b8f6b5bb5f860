"""What a recognizer takes a clip for, of two words or of many: PocketSphinx, whose wheel brings an English model.

It is a weak judge. Of a real person saying a word it often prefers another that differs in one sound, so its first
choice means little; how much better that other fits means more, and is what ``Judge.hear`` returns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from close_negatives.phonemes import Phonemes
from close_negatives.store import Clip

#: Counts the changes of this module that change verdicts.
REVISION = 2

#: Of ``with_quiet``.
QUIET = 4_000  # samples of near silence on either side, from which the recognizer takes the room
_HISS = 3.0  # of int16: digital silence is unlike anything it learnt
_NATS = 1024.0  # its scores are logarithms divided by so much
#: A narrow search would give up on unlikely words, and those are asked for.
_WIDE = {"beam": 1e-100, "pbeam": 1e-100, "wbeam": 1e-80}
_LEAST = 1e-300


class Heard(NamedTuple):
    """The word that fits best, and by how many nats it fits better than the intended one (0 where it is that)."""

    word: str
    margin: float


Ways = Mapping[str, Sequence[Phonemes]]


class Judge:
    """Chooses among words, each given by its pronunciations. Making one takes a third of a second."""

    def __init__(self, ways: Ways) -> None:
        from pocketsphinx import Decoder, get_model_path

        model = f"{get_model_path()}/en-us/en-us"
        # bestpath would rescore what it finds, so that scores of two searches could not be compared.
        settings = {**_WIDE, "cmn": "batch", "bestpath": False}
        self._decoder = Decoder(hmm=model, dict=None, lm=None, loglevel="FATAL", **settings)
        self._spellings: dict[str, str] = {}
        self._searches: set[str] = set()
        for number, (word, pronunciations) in enumerate(ways.items()):
            for variant, phonemes in enumerate(pronunciations):
                spelling = f"w{number}v{variant}"
                self._decoder.add_word(spelling, " ".join(p.rstrip("012") for p in phonemes), True)
                self._spellings[spelling] = word
        self._add_search("", list(self._spellings))

    def hear(self, clip: Clip, intended: str) -> Heard:
        """Which word the clip is, rather than ``intended``, one of the words of the judge."""
        audio = with_quiet(clip)
        word, _ = self._decode("", audio)
        if word in ("", intended):
            return Heard(intended, 0.0)
        # Alone against alone, because a score among many words also holds what each costs to choose.
        margin = self._decode(word, audio)[1] - self._decode(intended, audio)[1]
        return Heard(word, round(margin, 1)) if margin > 0 else Heard(intended, 0.0)

    def _add_search(self, only: str, spellings: Sequence[str]) -> None:
        grammar = f"#JSGF V1.0;\ngrammar g;\npublic <word> = {' | '.join(spellings)};"
        self._decoder.add_jsgf_string(f"only {only}", grammar)
        self._searches.add(only)

    def _decode(self, only: str, audio: bytes) -> tuple[str, float]:
        """The word, and the logarithm of how well the sound fits it; of all the words where ``only`` is empty."""
        if only not in self._searches:
            self._add_search(only, [spelling for spelling, word in self._spellings.items() if word == only])
        self._decoder.activate_search(f"only {only}")
        self._decoder.reinit_feat()  # forgets what was heard before, which cmn=batch alone does not
        self._decoder.start_utt()
        self._decoder.process_raw(audio, full_utt=True)
        self._decoder.end_utt()
        if self._decoder.hyp() is None:
            return "", -np.inf
        segments = list(self._decoder.seg())
        words = [self._spellings[segment.word] for segment in segments if segment.word in self._spellings]
        fit = _NATS * sum(float(np.log(max(segment.ascore, _LEAST))) for segment in segments)
        return words[0] if words else "", fit


@lru_cache(maxsize=4)
def judge_of(ways: tuple[tuple[str, tuple[Phonemes, ...]], ...]) -> Judge:
    """The judge among these words, kept for the next clips."""
    return Judge(dict(ways))


def with_quiet(clip: Clip) -> bytes:
    """What a recognizer is given: the clip, int16, with QUIET samples of faint hiss before and after it."""
    padded = np.pad(clip.astype(np.float64), QUIET)
    hiss = np.random.default_rng(0).normal(0, _HISS, len(padded))
    return bytes(np.clip(padded + hiss, -32768, 32767).astype(np.int16).tobytes())
