"""What people say in the recordings of a corpus, cut into sounds, and kept for the next run."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np

from close_negatives.cache import content_key
from training.cache import cached_array
from training.corpus import Words
from training.sounds import SYMBOLS, Sound, Utterance
from training.utterances import known, rows_in, said_words, sounds_of, stretches_of
from wakeword.audio import SAMPLE_RATE

_REVISION = 1  # of how sounds are found: another one finds them anew
_LONGEST = round(1.2 * SAMPLE_RATE)  # samples of a row of words
_MOST_WORDS = 5000  # clips that are aligned, of all the data set's: some minutes of a core
_MOST_SPEECH = 40  # stretches of half a minute that are transcribed


def people_in_sounds(words: Words, speech: Sequence[np.ndarray]) -> list[Utterance]:
    """Some thousands of recorded words, and rows of words out of the beginning of the continuous speech."""
    words, stretches = _some(words), stretches_of(speech)[:_MOST_SPEECH]
    key = content_key(words.samples, list(words.words), *stretches, _LONGEST, _REVISION)
    table = cached_array("sounds", key, lambda: _table(words, stretches))
    # A recording is a clip of a word or, after those, a stretch of speech.
    found = []
    for (recording, at, long), sounds in groupby(table, key=lambda row: tuple(row[:3].astype(int))):
        whole = words.samples[recording] if recording < len(words.words) else stretches[recording - len(words.words)]
        named = tuple(Sound(SYMBOLS[int(number)], start, end) for *_, number, start, end in sounds)
        found.append(Utterance(whole[at : at + long], named))
    return found


def _some(words: Words) -> Words:
    """At most so many clips, of words that the dictionary has."""
    index = known(words)
    if len(index) > _MOST_WORDS:
        index = np.sort(np.random.default_rng(0).choice(index, _MOST_WORDS, replace=False))
    return words.subset(index)


def _table(words: Words, stretches: Sequence[np.ndarray]) -> np.ndarray:
    """float64 (sounds, 6): the recording, where in it the utterance begins, its samples; and the sound."""
    said = list(enumerate(said_words(words, np.arange(len(words.words)))))
    for number, row in enumerate(rows_in(stretches, _LONGEST)):
        said += [(len(words.words) + number, one) for one in row]
    table = [
        (recording, one.at, len(one.clip), SYMBOLS.index(sound.symbol), sound.start, sound.end)
        for (recording, one), sounds in zip(said, sounds_of([one for _, one in said]), strict=True)
        for sound in sounds
    ]
    return np.array(table, dtype=np.float64).reshape(-1, 6)
