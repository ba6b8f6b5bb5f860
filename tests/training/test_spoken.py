"""What is spoken for a keyword: who and what is on which side, and how it becomes a corpus."""

from __future__ import annotations

import numpy as np
import pytest

from close_negatives.engines import EngineError
from close_negatives.synthesize import speak
from close_negatives.voices import split_of
from training.corpus import CLOSE, SENTENCE, SPOKEN, Words
from training.recipes import RECIPES
from training.spoken import (
    SpokenSettings,
    _requests,
    as_speech,
    as_words,
    speak_words,
    wanted,
    window_for,
)
from training.texts import close_words
from wakeword import FeatureSpec
from wakeword.errors import TrainingError

SETTINGS = SpokenSettings(keyword=12, close=1, other=20, sentences=5)


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAKEWORD_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield speak_words("marvin", SETTINGS, seed=0)


def test_no_voice_and_no_close_word_is_on_two_sides(spoken) -> None:  # type: ignore[no-untyped-def]
    said: dict[str, set[str]] = {}
    for split, parts in spoken.items():
        for part in parts:
            assert {split_of(request.voice) for request in part.spoken.requests} == {split}
        said[split] = {text for part in parts if part.origin == CLOSE for text in part.spoken.texts}
    assert not said["train"] & said["validation"] | said["train"] & said["test"] | said["validation"] & said["test"]
    assert all(len(words) > 5 for words in said.values())


def test_the_numbers_are_those_asked_for(spoken) -> None:  # type: ignore[no-untyped-def]
    counts = {(part.origin, part.is_keyword): len(part.spoken.clips) for part in spoken["train"]}
    assert counts[SPOKEN, True] == 12
    assert counts[SPOKEN, False] == 20
    assert counts[SENTENCE, False] == 5
    assert counts[CLOSE, False] == len(close_words("marvin", "train"))
    assert [len(part.spoken.clips) for part in spoken["test"] if part.is_keyword] == [2]


def test_where_people_say_the_keyword_only_they_judge(spoken) -> None:  # type: ignore[no-untyped-def]
    words = as_words("marvin", spoken["test"], 16_000)
    nobody, few = words.subset(np.flatnonzero(~words.is_keyword)), words
    people = words.subset(np.resize(np.flatnonzero(words.is_keyword), 40))
    assert wanted(words, nobody, "test") is words
    assert wanted(words, few, "test") is words
    assert wanted(words, people, "train") is words
    assert wanted(words, people, "test").words == nobody.words


def test_people_of_other_languages_are_heard_in_their_own_words_and_voices() -> None:
    settings = SpokenSettings(sentences=5, languages=("es", "tr"), foreign=20)
    said = {split: _requests("casa", settings, split, 0) for split in ("train", "validation")}
    assert [len(requests) for requests, _, _ in said["train"]] == [5, 10, 10]
    assert [len(requests) for requests, _, _ in said["validation"]] == [1, 2, 2]
    for split, parts in said.items():
        for (requests, origin, is_keyword), language in zip(parts[1:], settings.languages, strict=True):
            assert (origin, is_keyword) == (SENTENCE, False)
            assert {request.voice.reads for request in requests} == {language}
            assert {split_of(request.voice) for request in requests} == {split}
            assert not any("casa" in request.text for request in requests)
    spanish = speak(said["train"][1][0][:2])
    assert len(spanish.clips) == 2
    assert min(map(len, spanish.clips)) > 16_000


def test_a_language_nobody_speaks_is_refused_and_none_changes_nothing() -> None:
    recipe = RECIPES["deploy"]("seven")
    assert recipe.hearing(()) == recipe
    assert recipe.hearing(("es",)).spoken.languages == ("es",)
    with pytest.raises(EngineError, match=r"no language 'tlh'.*es"):
        recipe.hearing(("es", "tlh"))
    assert recipe.hearing(("es", "de", "es")) == recipe.hearing(("es", "de"))
    with pytest.raises(TrainingError, match="'paper' has no synthesized speech"):
        RECIPES["paper"]("seven").hearing(("es",))


def test_spoken_clips_become_words_in_the_middle_and_sentences_speech(spoken) -> None:  # type: ignore[no-untyped-def]
    words: Words = as_words("marvin", spoken["train"], 16_000)
    assert words.samples.shape == (len(words.words), 16_000)
    assert SENTENCE not in words.origins
    assert words.is_keyword.sum() == 12
    assert {w for w, k in zip(words.words, words.is_keyword, strict=True) if k} == {"marvin"}
    clip = next(part for part in spoken["train"] if part.is_keyword).spoken.clips[0]
    row = words.samples[np.flatnonzero(words.is_keyword)[0]]
    first = (16_000 - len(clip)) // 2
    np.testing.assert_array_equal(row[first : first + len(clip)], clip)
    assert not row[:first].any()
    assert not row[first + len(clip) :].any()
    assert [len(clip) > 16_000 for clip in as_speech(spoken["train"])] == [True] * 5
    both = words + as_words("marvin", spoken["test"], 16_000)
    assert len(both.words) == len(both.samples) == len(both.origins)
    assert both.close().sum() == sum(origin == CLOSE for origin in both.origins)
    np.testing.assert_array_equal(words.far(), words.of_origin(SPOKEN) & ~words.is_keyword)


@pytest.mark.parametrize(("seconds", "frames"), [(0.4, 98), (0.9, 98), (1.05, 118), (1.42, 158), (9.0, 298)])
def test_a_longer_phrase_gets_a_longer_window(seconds: float, frames: int) -> None:
    clips = [np.ones(round(16_000 * seconds), np.int16)] * 20
    assert window_for(clips).window_frames == frames
    assert window_for([]) == FeatureSpec()
