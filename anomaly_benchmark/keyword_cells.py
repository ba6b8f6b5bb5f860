"""The cells of the keywords (figures 3 and 9), and the methods that all experiments with limited negatives share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from anomaly_benchmark.cell import Cell, references
from anomaly_benchmark.paper import hyperparameters

METHODS_OCLN = ("bce", "deep-sad", "drocc-oe", "drocc-lf")
NO_ADVERSARY = ("bce", "deep-sad")
REAL_KEYWORDS = ("happy", "right", "left", "zero", "cat", "bed")
PAPER_KEYWORDS = ("marvin", "seven", "forward", "follow")


def with_method(method: str, schedule: Mapping[str, Any], adversary: Mapping[str, Any], **common: Any) -> Cell:
    """BCE and Deep SAD have no adversary and so no epochs before it; all share the schedule."""
    if method in NO_ADVERSARY:
        return Cell(method=method, settings={"schedule": {**schedule, "first": 0}}, **common)
    return Cell(method=method, settings={"schedule": dict(schedule), **adversary}, **common)


def audio(budget: str) -> list[Cell]:
    """The cells of every keyword and method; with the budget small three settings of each method."""
    found: list[Cell] = []
    for keyword in (*REAL_KEYWORDS, *PAPER_KEYWORDS):
        common = keyword_data(keyword, budget)
        schedule, adversary = audio_settings(keyword, budget)
        found += references(**common)
        alone = ("drocc",) if keyword in PAPER_KEYWORDS else ()  # what the negatives are worth
        for method in (*METHODS_OCLN, *alone):
            tried = _tried(method, schedule, adversary) if budget == "small" else {"": (schedule, adversary)}
            made = [with_method(method, *settings, variant=name, **common) for name, settings in tried.items()]
            # Three epochs of pre-training: with five it would take half as long again as the other methods.
            if method == "deep-sad" and budget == "small":
                made = [replace(cell, settings={**cell.settings, "pretrain": {"epochs": 3}}) for cell in made]
            found += made
    return found


def _tried(
    method: str, schedule: dict[str, Any], adversary: dict[str, Any]
) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """What a method may choose from on validation, three settings each: variant -> (schedule, adversary).

    As published the ascent moves a point by 0.5 where noise has moved it by sqrt(3136) = 56, which lies within most of
    the shells: no point is projected, and DROCC-OE and DROCC-LF are one method. It has a smaller mu here. "radius / 4"
    reaches its shell; every method may choose twice the rate.
    """
    fast = schedule | {"learning_rate": 6e-3}
    if method in NO_ADVERSARY:
        slow = schedule | {"learning_rate": 1e-3}
        return {"rate 0.003": (schedule, {}), "rate 0.001": (slow, {}), "rate 0.006": (fast, {})}
    near = {"radius": adversary["radius"] / 4, "mu": 0.2, "steps": 3, "step_size": 3.0, "project_every": 1}
    return {
        "radius / 4, mu 0.2": (schedule, adversary | near),
        "mu 0.05": (schedule, adversary | {"mu": 0.05}),
        "mu 0.5, rate 0.006": (fast, adversary | {"mu": 0.5}),
    }


def keyword_data(keyword: str, budget: str) -> dict[str, Any]:
    """What the cells of a keyword have in common: table, data and network."""
    close = {"paper": 600, "small": 300}[budget]
    data = {"positives": 1000, "others": 2000, "judged": 600, "close": close, "natural": budget == "paper"}
    data |= {} if budget == "paper" else {"augmented": 1}
    network = {"paper": "lstm-128", "small": "lstm-64-attention"}[budget]
    return {
        "table": "audio-ocln", "dataset": "keyword", "cls": keyword, "network": network, "metric": "ocln",
        "budget": budget, "data": data,
    }  # fmt: skip


def audio_settings(keyword: str, budget: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Table 14 for its four keywords, and marvin's row for the others."""
    row = hyperparameters("ocln_audio", keyword if keyword in PAPER_KEYWORDS else "marvin")
    adversary = {"radius": row["radius"], "gamma": 2.0, "mu": row["mu"], "project_every": 5}
    if budget == "paper":
        schedule = {"epochs": 40, "learning_rate": row["learning_rate"], "batch_size": 256, "select": "validation"}
        return schedule, adversary | {"steps": 50, "step_size": row["ascent_step_size"]}
    schedule = {
        "epochs": 5, "learning_rate": 3e-3, "batch_size": 64, "first": 2, "decay": None, "clip_gradient": 1.0,
        "select": "validation",
    }  # fmt: skip
    return schedule, adversary | {"steps": 5, "step_size": 0.1}
