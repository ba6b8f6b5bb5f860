"""``wakeword combine``: the networks of several models in one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training.recipes import RECIPES
from wakeword import load_model
from wakeword.cli.combine import _languages

Run = Callable[..., tuple[int, str, str]]


def test_combine_puts_networks_of_two_models_together(
    melodies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    """Of other sizes, seeds and objectives; calibrated and measured anew, with where each came from in the card."""
    monkeypatch.setitem(RECIPES, "deploy", RECIPES["paper"])  # speaks no other words: quicker
    parts = [tmp_path / "a.wakeword", tmp_path / "b.wakeword"]
    folders = ["--data", melodies / "words", "--speech", melodies / "speech", "--noise", melodies / "noise"]
    training = ["train", "rise", "--no-synthesize", *folders, "--epochs", "1"]
    assert run(*training, "--out", parts[0], "--units", "12", "--objective", "bce")[0] == 0
    assert run(*training, "--out", parts[1], "--units", "8", "--seed", "3")[0] == 0
    monkeypatch.setattr("training.recipes._FEW_CLIPS", 0)
    out = tmp_path / "rise.wakeword"
    code, said, _ = run("combine", *parts, *folders, "--out", out)
    assert code == 0
    assert "verdict:" in said
    model = load_model(out)
    assert model.pronunciation is None
    monkeypatch.setattr("training.pronouncing._FLOOR", 99.0)  # these networks take everything for the keyword
    code, _, _ = run("combine", out, *folders, "--look-again", "--out", tmp_path / "looking.wakeword")
    assert code == 0
    looking = load_model(tmp_path / "looking.wakeword")
    assert looking.pronunciation is not None
    assert looking.sizes == model.sizes
    code, _, _ = run("combine", tmp_path / "looking.wakeword", *folders, "--out", tmp_path / "still.wakeword")
    assert code == 0
    assert load_model(tmp_path / "still.wakeword").pronunciation is not None
    assert model.sizes == {8: 1, 12: 1}
    assert [(of["seed"], of["recipe"]["objective"]) for of in model.card["recipe"]["of"]] == [
        (0, "bce"),
        (3, "drocc-lf"),
    ]
    assert model.card["network"]["networks"] == 2
    assert model.card["default_point"] == "alarms"
    assert "1 x 8 units + 1 x 12 units" in (tmp_path / "rise.report.html").read_text()
    monkeypatch.setattr("training.pipeline.gather", None)  # what does not fit is told before anything is spoken
    last = tmp_path / "last.wakeword"
    other = "attention" if model.pooling == "last" else "last"
    attention = np.zeros(8, np.float32) if other == "attention" else None
    network = replace(model.networks[0], attention=attention)
    replace(model, networks=(network,)).save(last)
    code, _, error = run("combine", out, last, *folders, "--out", out)
    assert code == 2
    assert "one pooling" in error
    fall = tmp_path / "fall.wakeword"
    replace(model, keyword="fall").save(fall)
    code, _, error = run("combine", out, fall, *folders, "--out", out)
    assert code == 2
    assert "only models of 'rise'" in error


def test_a_combined_model_is_calibrated_among_the_languages_of_its_parts() -> None:
    spanish = {"name": "deploy", "spoken": {"languages": ["es", "de"]}}
    before = {"name": "deploy"}  # of a model from before there were languages
    assert _languages(spanish) == ["es", "de"]
    assert _languages({"name": "combined", "of": [{"recipe": before}, {"recipe": spanish}]}) == ["es", "de"]
    assert _languages({}) == _languages(before) == []
