"""What is said of a phrase before training, and of a model after it."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from training.verdict import advice, judge
from wakeword import load_model


@pytest.fixture
def card() -> dict[str, Any]:
    """A card as training writes it, of a model that does well."""
    card = copy.deepcopy(load_model("happy").card)
    point(card)["false_alarms"] |= {"count": 0, "hours": 2.0, "per_hour": 0.0}
    point(card)["miss_in_silence"] |= {"count": 1, "n": 77, "rate": 1 / 77}
    point(card)["miss_in_babble_20_db"] |= {"count": 5, "n": 77, "rate": 5 / 77}
    card["evaluation"]["streaming"]["negative_audio"]["hours"] = 2.0
    card["evaluation"]["close_negatives"] = []
    card["data"]["words"]["test"]["spoken_keyword_clips"] = 0
    return card


def point(card: dict[str, Any]) -> dict[str, Any]:
    return card["evaluation"]["streaming"]["points"][card["default_point"]]


@pytest.mark.parametrize("phrase", ["alexa", "hey computer", "hey jarvis", "marvin"])
def test_nothing_is_said_against_a_long_and_rare_phrase(phrase: str) -> None:
    assert advice(phrase) is None


@pytest.mark.parametrize(
    ("phrase", "reasons"),
    [
        ("go", ["2 sounds", "going", "'hey go'"]),
        ("forward", ["an hour of English talk has it", "'hey forward'"]),
        ("zax", ["4 sounds"]),
    ],
)
def test_a_short_or_common_word_is_warned_about(phrase: str, reasons: list[str]) -> None:
    said = advice(phrase)
    assert said is not None
    assert all(reason in said for reason in reasons)
    assert ("sounds" in said) == (phrase != "forward")
    assert ("an hour" in said) == (phrase != "zax")


def test_a_good_model_needs_no_advice(card: dict[str, Any]) -> None:
    verdict = judge(card)
    assert verdict.grade == "good"
    assert verdict.advice == ()
    assert verdict.because == (
        "In 2.00 h without the keyword it never woke; of 77 clips of it, said by people it never heard, it missed 1 in "
        "silence and 5 in babble."
    )


@pytest.mark.parametrize(
    ("figure", "change", "grade", "tip"),
    [
        ("false_alarms", {"count": 2, "per_hour": 1.0}, "usable", "--negatives"),
        ("false_alarms", {"count": 9, "per_hour": 4.5}, "not good enough", "--speech and --noise"),
        ("miss_in_silence", {"count": 8, "rate": 8 / 77}, "usable", "more recordings"),
        ("miss_in_silence", {"count": 40, "rate": 40 / 77}, "not good enough", "wakeword calibrate"),
        ("miss_in_babble_20_db", {"count": 20, "rate": 20 / 77}, "usable", "more recordings"),
        ("miss_in_silence", {"count": 0, "n": 5, "rate": 0.0}, "unknown", None),
    ],
)
def test_every_figure_can_spoil_the_grade(
    card: dict[str, Any], figure: str, change: dict[str, float], grade: str, tip: str | None
) -> None:
    point(card)[figure] |= change
    verdict = judge(card)
    assert verdict.grade == grade
    assert tip is None or any(tip in line for line in verdict.advice)


def test_what_could_not_be_judged_is_said(card: dict[str, Any]) -> None:
    point(card)["false_alarms"]["hours"] = card["evaluation"]["streaming"]["negative_audio"]["hours"] = 0.1
    card["data"]["words"]["test"]["spoken_keyword_clips"] = 77
    card["network"]["networks"] = 1
    verdict = judge(card)
    assert verdict.grade == "unknown"
    assert "said by speech engines" in verdict.because
    assert "People are harder" in verdict.because
    assert [line.split()[0] for line in verdict.advice] == ["--speech", "--recordings", "--networks"]
    assert str(verdict).startswith("verdict: unknown. In 0.10 h")


def test_who_said_the_clips_is_told_by_the_most_and_both_are_named(card: dict[str, Any]) -> None:
    card["data"]["words"]["test"]["spoken_keyword_clips"] = 73
    most = judge(card)
    assert "of 77 clips of it, said by people and, 73 of them, by speech engines it never heard" in most.because
    assert "People are harder" in most.because
    assert any(line.startswith("--recordings") for line in most.advice)
    card["data"]["words"]["test"]["spoken_keyword_clips"] = 4
    assert "People are harder" not in judge(card).because


def test_close_negatives_that_pass_are_named(card: dict[str, Any]) -> None:
    card["evaluation"]["close_negatives"] = [
        {"word": "nappy", "accepted": {"count": 4, "n": 8, "rate": 0.5}},
        {"word": "harpy", "accepted": {"count": 1, "n": 8, "rate": 0.125}},
    ]
    (line,) = judge(card).advice
    assert "nappy" in line
    assert "harpy" not in line
