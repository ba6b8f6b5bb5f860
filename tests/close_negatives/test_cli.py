"""``wakeword close-negatives`` as a user runs it."""

from __future__ import annotations

import json
import sys

import pytest

from close_negatives import words as mining
from wakeword.cli import main


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]):
    def call(*args: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main(["close-negatives", *args])
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return call


def test_piped_lines_are_plain(run) -> None:
    code, out, err = run("marvin", "--most", "5")
    assert (code, err) == (0, "")
    rows = [line.split("\t") for line in out.splitlines()]
    expected = mining.mine("marvin")[:5]
    assert [row[0] for row in rows] == [word.text for word in expected]
    assert [row[1].split() for row in rows] == [list(word.phonemes) for word in expected]
    assert [float(row[2]) for row in rows] == pytest.approx([word.distance for word in expected], abs=1e-3)


def test_a_terminal_gets_a_table(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    code, out, _ = run("seven", "--paper")
    assert code == 0
    assert "5 close negatives of seven" in out
    for text in ("word", "phonemes", "distance", "list", "heaven", "HH EH1 V AH0 N"):
        assert text in out


def test_json(run) -> None:
    code, out, _ = run("hey computer", "--json", "--most", "3")
    assert code == 0
    records = json.loads(out)
    assert len(records) == 3
    assert all(list(record) == ["text", "phonemes", "distance", "reason"] for record in records)


def test_the_papers_list(run) -> None:
    code, out, _ = run("follow", "--paper")
    assert code == 0
    assert {line.split("\t")[0] for line in out.splitlines()} == {"fall", "fellow", "low", "hollow", "wallow"}
    assert run("alexa", "--paper") == (
        2,
        "",
        "wakeword: the paper lists no close negatives of 'alexa', only of marvin, forward, seven, follow\n",
    )


@pytest.mark.parametrize(
    ("phrase", "sentence"),
    [("", "is empty"), ("r2d2", "holds digits"), ("señor", "holds 'ñ'"), ("xkcd", "has no vowel")],
)
@pytest.mark.parametrize("paper", [False, True])
def test_what_cannot_be_spoken_is_one_sentence(run, phrase: str, sentence: str, paper: bool) -> None:
    if paper and phrase == "xkcd":
        sentence = "only of marvin"
    code, out, err = run(phrase, *(["--paper"] if paper else []))
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1


def test_without_the_package_one_sentence(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wordfreq", None)
    mining._lexicon.cache_clear()
    code, _, err = run("marvin")
    assert code == 2
    assert "wordfreq" in err
    assert "wakeword[train]" in err
    assert run("marvin", "--paper")[0] == 0  # the paper's lists need no frequencies


@pytest.mark.parametrize("option", ["--check", "--engines=espeak", "--clips=2", "--split=test", "--seed=1", "--jobs=1"])
def test_options_of_speaking_are_not_taken_without_it(run, option: str) -> None:
    code, out, err = run("marvin", option)
    assert (code, out) == (2, "")
    assert f"{option.split('=')[0]} needs --speak or --play." in err
