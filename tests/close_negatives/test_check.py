"""The label check, with the recognizer itself on clips of which it is known what they are."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from close_negatives import check as check_module
from close_negatives.cache import CACHE_VARIABLE
from close_negatives.check import check, summary
from close_negatives.engines import ENGINES, Request
from close_negatives.judge import Judge
from close_negatives.phonemes import pronounce
from close_negatives.store import Clip
from close_negatives.synthesize import Spoken, speak


@pytest.fixture(autouse=True)
def _cache_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec("pocketsphinx") is None:
        pytest.skip("the package pocketsphinx is not installed")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))


def said(*words: str) -> dict[str, tuple[Clip, Request]]:
    """Each word by a clear voice."""
    if not ENGINES["pico"].available():
        pytest.skip("the speech engine 'pico' is not installed")
    voice = ENGINES["pico"].voices()[0]
    spoken = speak([Request(voice, word) for word in words], jobs=1)
    return {request.text: (clip, request) for clip, request in zip(spoken.clips, spoken.requests, strict=True)}


def test_the_judge_hears_which_of_two_words_is_said_whatever_it_heard_before() -> None:
    words = ("marvin", "computer", "yes", "zero")
    clips = said(*words)
    judge = Judge({word: (pronounce(word),) for word in words})
    first = {word: judge.hear(clips[word][0], word) for word in words}
    assert all(heard == (word, 0.0) for word, heard in first.items())
    wrong = {(a, b): judge.hear(clips[a][0], b) for a in words for b in words if a != b}
    assert all(heard.word == a and heard.margin > 60 for (a, _), heard in wrong.items())
    again = {(a, b): judge.hear(clips[a][0], b) for a, b in reversed(wrong)}
    assert again == wrong


def test_what_says_something_else_is_dropped_and_counted() -> None:
    clips = said("marvin", "computer", "heaven")
    (marvin, say_marvin), (computer, _), (heaven, say_heaven) = clips.values()
    # The second is a close word in a clip that is called the phrase; the last the phrase, called a close word.
    spoken = Spoken((marvin, heaven, heaven, marvin), (say_marvin, say_marvin, say_heaven, say_heaven))
    steps: list[tuple[int, int]] = []
    checked = check(spoken, "Marvin", jobs=1, margin=10, progress=lambda done, total: steps.append((done, total)))
    assert checked.spoken.requests == (say_marvin, say_heaven)
    assert all(np.array_equal(a, b) for a, b in zip(checked.spoken.clips, (marvin, heaven), strict=True))
    assert [one.request for one in checked.misheard] == [say_marvin, say_heaven]
    assert checked.misheard[1].heard == "marvin"
    assert checked.counts() == {"pico": (2, 4)}
    assert summary(checked.counts(lambda request: request.text)) == "heaven 1 of 2, marvin 1 of 2"
    assert steps[-1] == (4, 4)
    assert computer is not marvin


def test_verdicts_are_kept_and_the_margin_is_not_part_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    (marvin, say_marvin), (heaven, _) = said("marvin", "heaven").values()
    spoken = Spoken((marvin, heaven), (say_marvin, say_marvin))
    strict = check(spoken, "marvin", jobs=1, margin=10)

    def fail(task: object) -> None:
        raise AssertionError("a clip was heard again")

    monkeypatch.setattr(check_module, "_verdict", fail)
    assert check(spoken, "marvin", jobs=1, margin=10) == strict
    assert len(strict.misheard) == 1
    lenient = check(spoken, "marvin", jobs=1, margin=strict.misheard[0].margin)
    assert lenient.misheard == ()


def test_workers_hear_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    clips = said("marvin", "heaven", "martin", "carbon")
    requests = tuple(request for _ in range(3) for _, request in clips.values())
    monkeypatch.setattr(check_module, "_CHUNK", 4)
    # Each clip a little different, so that every one is heard.
    changed = [np.pad(clip, (0, n)) for n in range(3) for clip, _ in clips.values()]
    spoken = Spoken(tuple(changed), requests)
    parallel = check(spoken, "marvin", jobs=2, margin=0)
    heard = [one.heard for one in parallel.misheard]
    with check_module.Store() as store:
        store._base.execute("DELETE FROM verdicts")
        store._base.commit()
    alone = check(spoken, "marvin", jobs=1, margin=0)
    assert [one.heard for one in alone.misheard] == heard
    assert [one.margin for one in alone.misheard] == [one.margin for one in parallel.misheard]
