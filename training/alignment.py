"""Where each sound of a word is in a clip, and what is said in a recording: both by PocketSphinx's English model."""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from close_negatives.exclusion import unstressed
from close_negatives.judge import QUIET, with_quiet
from close_negatives.phonemes import Phonemes
from close_negatives.store import Clip
from training.sounds import Sound
from wakeword.audio import SAMPLE_RATE

if TYPE_CHECKING:
    from pocketsphinx import Decoder

_FRAMES_A_SECOND = 100
_UNSURE = 0.15  # a posterior below which a word of a transcript is a guess
_SURE = 0.4  # the mean posterior from which on a row of words is believed
_NAMES = itertools.count()  # of words in the aligner's dictionary


class Said(NamedTuple):
    """A stretch of a recording, int16 (T,), the phonemes that are said in it, and the sample where it begins."""

    clip: Clip
    phonemes: Phonemes
    at: int = 0


def align(clip: Clip, phonemes: Phonemes) -> tuple[Sound, ...]:
    """The sounds of a clip in which ``phonemes`` are said, one each, in turn; empty where they cannot be found in it.

    A forced alignment: the states of a hidden Markov model that say the word, along the path that fits best.
    """
    decoder, word = _aligner(" ".join(unstressed(phonemes)))
    audio = with_quiet(clip)
    try:
        decoder.set_align_text(word)
        _decode(decoder, audio)
        if decoder.hyp() is None:
            return ()
        decoder.set_alignment()  # a second pass, for the sounds inside the word that the first one found
        _decode(decoder, audio)
        phones = [phone for found in decoder.get_alignment() if found.name == word for phone in found]
    except RuntimeError:  # what PocketSphinx raises where no path reaches the end of the word
        return ()
    early = QUIET / SAMPLE_RATE
    at = [(phone.start / _FRAMES_A_SECOND - early, phone.duration / _FRAMES_A_SECOND) for phone in phones]
    return tuple(Sound(phone.name, start, start + long) for phone, (start, long) in zip(phones, at, strict=True))


def rows_of_words(recording: Clip, longest: int) -> list[Said]:
    """The rows of words that are heard in a recording with some confidence, each at most ``longest`` samples.

    A row begins with every word, and goes on until a pause, a doubtful word or its longest. The recognizer is wrong
    about one word in three or so; its sounds are right far more often.
    """
    decoder = _transcriber()
    _decode(decoder, recording.tobytes())
    heard = list(decoder.seg()) if decoder.hyp() is not None else []
    hop, rows = SAMPLE_RATE // _FRAMES_A_SECOND, []
    for first, begin in enumerate(heard):
        start, end, row = max(0, (begin.start_frame - 1) * hop), 0, []
        for word in heard[first:]:
            until = min((word.end_frame + 2) * hop, len(recording))
            if not word.word[0].isalpha() or word.prob < _UNSURE or until - start > longest:
                break
            row.append(word)
            end = until
        if row and sum(word.prob for word in row) >= _SURE * len(row):
            phonemes = tuple(p for word in row for p in decoder.lookup_word(word.word).split())
            rows.append(Said(recording[start:end], phonemes, start))
    return rows


def _decode(decoder: Decoder, audio: bytes) -> None:
    decoder.reinit_feat()  # forgets what was heard before, which cmn=batch alone does not
    decoder.start_utt()
    decoder.process_raw(audio, full_utt=True)
    decoder.end_utt()


@lru_cache(maxsize=1)
def _empty_decoder() -> Decoder:
    from pocketsphinx import Decoder, get_model_path

    return Decoder(hmm=f"{get_model_path()}/en-us/en-us", dict=None, lm=None, loglevel="FATAL", cmn="batch")


@lru_cache(maxsize=100_000)
def _aligner(phonemes: str) -> tuple[Decoder, str]:
    """The decoder, and the name of a word in its dictionary that is said so."""
    word = f"w{next(_NAMES)}"
    decoder = _empty_decoder()
    decoder.add_word(word, phonemes, True)
    return decoder, word


@lru_cache(maxsize=1)
def _transcriber() -> Decoder:
    from pocketsphinx import Decoder, get_model_path

    folder = f"{get_model_path()}/en-us"
    files = {"hmm": f"{folder}/en-us", "lm": f"{folder}/en-us.lm.bin", "dict": f"{folder}/cmudict-en-us.dict"}
    return Decoder(**files, loglevel="FATAL", cmn="batch")
