"""``wakeword models``: whose clips a figure is of, and what is said where nobody measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wakeword import load_model

POINT = {
    "threshold": 1.5,
    "false_alarms": {"count": 2, "hours": 0.5, "per_hour": 4.0, "upper_95": 12.6},
    "miss_in_silence": {"count": 3, "n": 40, "rate": 0.075, "low": 0.03, "high": 0.2},
}


@pytest.mark.parametrize(
    ("spoken", "said"), [(0, "recorded"), (40, "synthesized"), (25, "recorded and synthesized")], ids=str
)
def test_it_tells_whose_clips_were_missed(
    run: Callable[..., Any], make_model: Callable[..., Any], tmp_path: Path, monkeypatch: Any, spoken: int, said: str
) -> None:
    model = make_model("word")
    words = {"test": {"keyword_clips": 40, "spoken_keyword_clips": spoken}}
    card = {**model.card, "evaluation": {"streaming": {"points": {"alarms": POINT}}}, "data": {"words": words}}
    replace(model, card=card).save(tmp_path / "word.wakeword")
    monkeypatch.setattr("wakeword.cli.models.bundled_models", lambda: {str(tmp_path / "word.wakeword"): tmp_path})
    code, out, _ = run("models")
    assert code == 0
    assert out.strip().endswith(f"alarms: threshold 1.50, 2 false alarms in 0.50 h, missed 3 of 40 {said} clips")


def test_without_figures_there_is_the_threshold(
    run: Callable[..., Any], make_model: Callable[..., Any], tmp_path: Path, monkeypatch: Any
) -> None:
    make_model("word").save(tmp_path / "word.wakeword")
    monkeypatch.setattr("wakeword.cli.models.bundled_models", lambda: {str(tmp_path / "word.wakeword"): tmp_path})
    assert run("models")[1].strip().endswith("alarms: threshold 1.50")


def test_the_bundled_models_are_listed_with_their_figures(run: Callable[..., Any]) -> None:
    figures = load_model("happy", calibrated=False).card["evaluation"]["streaming"]["points"]["alarms"]
    missed = figures["miss_in_silence"]
    happy = next(line for line in run("models")[1].splitlines() if line.startswith("happy "))
    assert happy.endswith(f" h, missed {missed['count']} of {missed['n']} recorded clips")
