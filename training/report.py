"""What a run found, for machines (JSON) and for people (one HTML page that needs no other file)."""

from __future__ import annotations

import html
import io
import json
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from scipy.stats import norm
from sklearn.metrics import det_curve

from training.evaluate import Evaluation
from training.verdict import Verdict, judge
from wakeword.files import write_atomically
from wakeword.model import WakeWordModel

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{keyword}: report</title>
<style>
 body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24; }}
 table {{ border-collapse: collapse; margin: .5rem 0 1.5rem; }}
 th, td {{ border-bottom: 1px solid #d0d7de; padding: .3rem .8rem; text-align: right; }}
 th:first-child, td:first-child {{ text-align: left; }}
 svg {{ max-width: 100%; height: auto; }} small {{ color: #57606a; }}
</style></head><body>
<h1>{keyword}</h1><p>{summary}</p>
<h2>Verdict</h2>{verdict}
<h2>Streamed, at each operating point</h2>{streaming}
<p><small>False alarms over {hours:.2f} h of other people's speech, noise and other words that trained and calibrated
nothing. With no alarm at all, the bound is the rule of three.</small></p>
<h2>Single clips of the test split</h2>{clips}
<p><small>Thresholds from validation. 95 % Wilson intervals. The last column is the paper's rule, with the threshold
taken from the test negatives.</small></p>
<h2>Trade-off</h2>{det}
<h2>Scores</h2>{histogram}
<h2>Worst confusions</h2>{confusions}
<h2>Words that sound almost alike</h2>{close}
<h2>Training</h2>{history}
</body></html>
"""


def write_report(model_path: Path, model: WakeWordModel, evaluation: Evaluation, history: list[dict[str, Any]]) -> None:
    """Write STEM.report.json and STEM.report.html beside the model file."""
    stem = model_path.with_suffix("")
    content = {"keyword": model.keyword, **model.card, "history": history}
    text = json.dumps(content, indent=1, allow_nan=False)
    write_atomically(stem.with_name(f"{stem.name}.report.json"), text.encode())
    page = _html_page(model, evaluation, history)
    write_atomically(stem.with_name(f"{stem.name}.report.html"), page.encode())


def objectives_of(card: dict[str, Any]) -> list[str]:
    """The objectives by which a model's networks were trained, by its card."""
    recipe = card["recipe"]
    return list(dict.fromkeys(filter(None, (recipe["objective"], recipe.get("second_objective")))))


def _html_page(model: WakeWordModel, evaluation: Evaluation, history: list[dict[str, Any]]) -> str:
    recipe, stream = model.card["recipe"], evaluation.figures["streaming"]
    return _PAGE.format(
        keyword=html.escape(model.keyword),
        summary=f"{' and '.join(objectives_of(model.card))}, recipe {recipe['name']}, {model.size}, "
        f"seed {model.card['seed']}; default operating point: {model.card['default_point']}.",
        verdict=_verdict(judge(model.card)),
        hours=stream["negative_audio"]["hours"],
        streaming=_stream_table(stream["points"]),
        clips=_clip_table(evaluation.figures["clips"]),
        det=_svg(_det_figure(evaluation)),
        histogram=_svg(_histogram(model, evaluation)),
        confusions=_accepted_table(evaluation.figures["worst_confusions"]),
        close=_accepted_table(evaluation.figures["close_negatives"]),
        history=_svg(_history_figure(history)) if history else "<p>The networks were trained before.</p>",
    )


def _verdict(verdict: Verdict) -> str:
    tips = "".join(f"<li>{html.escape(line)}</li>" for line in verdict.advice)
    return f"<p><b>{html.escape(verdict.grade)}.</b> {html.escape(verdict.because)}</p>" + (
        f"<p>What may help:</p><ul>{tips}</ul>" if tips else ""
    )


def _accepted_table(rows: list[dict[str, Any]]) -> str:
    return _table(("word", "accepted at fpr_3"), [(row["word"], _rate(row["accepted"])) for row in rows])


def _rate(value: dict[str, float]) -> str:
    return f"{value['rate']:.1%} ({value['count']:.0f}/{value['n']:.0f}; {value['low']:.1%} - {value['high']:.1%})"


def _stream_table(points: dict[str, Any]) -> str:
    rows = []
    for name, point in points.items():
        misses = [_rate(value) for key, value in point.items() if key.startswith("miss_in_")]
        alarms = point["false_alarms"]
        rate = (
            f"{alarms['per_hour']:.2f} ({alarms['count']}, below {alarms['upper_95']:.1f})" if alarms["hours"] else "-"
        )
        rows.append((name, f"{point['threshold']:.2f}", rate, *misses))
    heads = [key.replace("_", " ") for key in next(iter(points.values())) if key.startswith("miss_in_")]
    return _table(("point", "threshold", "false alarms / h (count, 95 % bound)", *heads), rows)


def _clip_table(clips: dict[str, Any]) -> str:
    columns = ("recall", "fpr_reached", "recall_by_test_threshold")
    rows = [
        (name.removeprefix("fpr_") + " %", f"{row['threshold']:.2f}", *(_rate(row[c]) for c in columns))
        for name, row in clips.items()
    ]
    return _table(("FPR asked", "threshold", "recall", "FPR reached", "recall, paper's rule"), rows)


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    if not rows:
        return "<p>None.</p>"
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in heads)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _det_figure(evaluation: Evaluation) -> Figure:
    """Misses against false positives on normal-deviate axes (Martin et al., 1997)."""
    figure = Figure(figsize=(6, 5), layout="constrained")
    axes = figure.subplots()
    if evaluation.labels.any() and not evaluation.labels.all():
        fpr, fnr, _ = det_curve(evaluation.labels, evaluation.scores)
        floor = 0.5 / len(evaluation.labels)  # a rate of 0 has no place on these axes
        axes.plot(*(norm.ppf(np.clip(rate, floor, 1 - floor)) for rate in (fpr, fnr)), drawstyle="steps-post")
    ticks = np.array([0.001, 0.005, 0.01, 0.03, 0.05, 0.1, 0.2, 0.5])
    labels = [f"{tick:.1%}" if tick < 0.01 else f"{tick:.0%}" for tick in ticks]
    axes.set_xticks(norm.ppf(ticks), labels, rotation=45)
    axes.set_yticks(norm.ppf(ticks), labels)
    axes.set(
        xlabel="false-positive rate",
        ylabel="miss rate",
        xlim=norm.ppf([5e-4, 0.6]),
        ylim=norm.ppf([5e-4, 0.6]),
    )
    axes.grid(alpha=0.3)
    return figure


def _histogram(model: WakeWordModel, evaluation: Evaluation) -> Figure:
    figure = Figure(figsize=(8, 3.5), layout="constrained")
    axes = figure.subplots()
    bins = np.linspace(evaluation.scores.min() - 0.5, evaluation.scores.max() + 0.5, 60).tolist()
    axes.hist(evaluation.scores[~evaluation.labels], bins, label="other words", color="#8c959f")
    axes.hist(evaluation.scores[evaluation.labels], bins, label=model.keyword, color="#0969da", alpha=0.8)
    for name, style in zip(model.operating_points, (":", "--", "-"), strict=False):
        axes.axvline(model.rule(name).threshold, color="#cf222e", linestyle=style, label=name)
    axes.set(xlabel="score (logit)", ylabel="clips", yscale="symlog")
    axes.legend()
    return figure


def _history_figure(history: list[dict[str, Any]]) -> Figure:
    figure = Figure(figsize=(8, 3.5), layout="constrained")
    axes = figure.subplots()
    right = axes.twinx()
    for network in sorted({epoch["network"] for epoch in history}):
        own = [epoch for epoch in history if epoch["network"] == network]
        epochs, first = [epoch["number"] + 1 for epoch in own], network == 0  # one legend entry for all networks
        for name, label, colour in (
            ("loss", "training loss, adversarial part included", "#0969da"),
            ("validation_loss", "validation cross-entropy", "#bc4c00"),
        ):
            axes.plot(epochs, [epoch[name] for epoch in own], color=colour, label=label if first else None)
        right.plot(epochs, [epoch["score"][0] for epoch in own], color="#1a7f37")
    axes.set(xlabel="epoch", yscale="log")
    axes.legend(loc="upper left")
    right.set_ylabel("recall at strict FPRs (selects)", color="#1a7f37")
    return figure


def _svg(figure: Figure) -> str:
    """The figure as inline SVG; a fixed salt and no date, so that the same run gives the same page."""
    out = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "wakeword", "svg.fonttype": "none"}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()[out.getvalue().index("<svg") :]
