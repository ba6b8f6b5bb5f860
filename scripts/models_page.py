"""Makes docs/models.md: every figure that the cards of the bundled models hold, as tables.

    python scripts/models_page.py

A test compares the page with the cards, so it is made anew with every model.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from close_negatives.paper import paper_lists
from wakeword import WakeWordModel, bundled_models, load_model
from wakeword.files import write_atomically

PAGE = Path(__file__).resolve().parent.parent / "docs" / "models.md"
HEAD = """# The bundled models

Made by `python scripts/models_page.py` from the cards inside the models (`wakeword info NAME`). All figures are of test
splits: voices, speakers and recordings that trained and calibrated nothing, though the makers saw those of `happy`
often. Brackets are 95 % intervals. "Spoken" clips come from speech engines; where no recording of a keyword tests,
recall and misses are of such clips alone, and people are missed more often. Some of the close negatives were said by
other voices among the other words of the training, too. Each name leads to the report of its training, one HTML page
to download and open, with the DET curve, the scores and the worst confusions.
"""
MISSED = ("missed in silence", "missed in babble, 20 dB")


def page() -> str:
    """The whole page, Markdown."""
    models = {name: load_model(name, calibrated=False) for name in bundled_models()}  # not of the room of who makes it
    sections = (line for name, model in models.items() for line in _section(name, model.card))
    return "\n".join([HEAD, *_overview(models), *sections])


def _overview(models: dict[str, WakeWordModel]) -> list[str]:
    rows = []
    for name, model in models.items():
        card = model.card
        words, figures = card["data"]["words"], card["evaluation"]
        recall = _rate(figures["clips"]["fpr_3"]["recall"])
        streamed = _streamed(figures["streaming"]["points"][card["default_point"]])
        link = f"[{name}](reports/{name}.html)"
        rows.append((link, model.size, _clips(words["train"]), _clips(words["test"]), recall, *streamed))
    heads = ("model", "LSTMs", "trained with", "tested with", "recall at FPR 3 %", "false alarms by default")
    return [*_table((*heads, *MISSED), rows), ""]


def _section(name: str, card: dict[str, Any]) -> list[str]:
    """One section: single clips, streams, and close negatives word by word."""
    figures, listed = card["evaluation"], paper_lists().get(name, ())
    kinds = {
        "recall": "recall",
        "other words that pass": "fpr_reached",
        "close negatives that pass": "fpr_reached_close",
    }
    clips = [
        (f"FPR {key[4:]} %", f"{row['threshold']:.2f}", *(_rate(row[k]) if k in row else "-" for k in kinds.values()))
        for key, row in figures["clips"].items()
    ]
    streams = [
        (f"`{key}`", f"{row['threshold']:.2f}", *_streamed(row)) for key, row in figures["streaming"]["points"].items()
    ]
    close = [
        (row["word"], "Table 9" if row["word"] in listed else "mined", _rate(row["accepted"]))
        for row in figures["close_negatives"]
    ]
    return [
        f"## {name}\n",
        *_table(("threshold from validation", "logit", *kinds), clips),
        "",
        *_table(("operating point, streamed", "logit", "false alarms", *MISSED), streams),
        "",
        *_table(("close negative", "list", "passes at FPR 3 %"), close),
        "",
    ]


def _streamed(point: dict[str, Any]) -> tuple[str, ...]:
    """False alarms, and misses in silence and in babble."""
    misses = (_rate(point[kind]) for kind in ("miss_in_silence", "miss_in_babble_20_db"))
    return _alarms(point["false_alarms"]), *misses


def _clips(words: dict[str, Any]) -> str:
    spoken = words.get("spoken_keyword_clips", 0)
    return f"{words['keyword_clips'] - spoken} recorded, {spoken} spoken"


def _rate(value: dict[str, float]) -> str:
    ends = f"[{100 * value['low']:.1f}, {100 * value['high']:.1f}]"
    return f"{value['count']:.0f}/{value['n']:.0f} = {100 * value['rate']:.1f} % {ends}"


def _alarms(value: dict[str, float]) -> str:
    return f"{value['count']:.0f} in {value['hours']:.2f} h (at most {value['upper_95']:.1f} an hour with 95 %)"


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    heads = tuple(heads)
    return [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|", *(f"| {' | '.join(row)} |" for row in rows)]


if __name__ == "__main__":
    write_atomically(PAGE, page().encode())
