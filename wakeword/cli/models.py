"""``wakeword models`` and ``wakeword info``: what is there, and what a model says of itself."""

from __future__ import annotations

import json
from typing import Any

import click

from wakeword.cli.text import printable
from wakeword.model import WakeWordModel, bundled_models, load_model


@click.command()
def models() -> None:
    """List the bundled models: size, threshold of the default operating point, and what it did on the test split."""
    for name in bundled_models():
        model = load_model(name)
        click.echo(f"{name:12} {model.size}  {_point_line(model)}")


def _point_line(model: WakeWordModel) -> str:
    name = model.card["default_point"]
    line = f"{name}: threshold {model.rule().threshold:.2f}"
    point = model.card.get("evaluation", {}).get("streaming", {}).get("points", {}).get(name)
    if not point:  # set in the user's own room, where nobody counted
        return line
    alarms, missed = point["false_alarms"], point["miss_in_silence"]
    events = "false alarm" if alarms["count"] == 1 else "false alarms"
    of = f"{missed['n']} {_said_by(model.card['data']['words']['test'])} clips"
    return f"{line}, {alarms['count']} {events} in {alarms['hours']:.2f} h, missed {missed['count']} of {of}"


def _said_by(words: dict[str, Any]) -> str:
    """Whose clips of the keyword these are: engines are heard more easily than people, so it is told."""
    spoken = words.get("spoken_keyword_clips", 0)
    if not spoken:
        return "recorded"
    return "synthesized" if spoken == words["keyword_clips"] else "recorded and synthesized"


@click.command()
@click.argument("model", metavar="MODEL")
@click.option("--json", "as_json", is_flag=True, help="The whole card as JSON.")
def info(model: str, as_json: bool) -> None:
    """Show the card of a bundled model or a .wakeword file: thresholds, figures, data, recipe, licence."""
    loaded = load_model(model)
    card = {"keyword": loaded.keyword, "feature_spec": loaded.spec.to_dict(), **loaded.card}
    looks = loaded.pronunciation
    if as_json:
        click.echo(json.dumps(card | ({"pronunciation": looks.card()} if looks else {}), indent=1))
        return
    keyword = printable(card.pop("keyword"))
    click.echo(f"{keyword}: LSTMs, {loaded.size}, windows of {loaded.spec.window_frames} frames")
    if looks:
        ways = ", or ".join(" ".join(way) for way in looks.ways)
        click.echo(printable(f"looks again for {ways}: an LSTM, {looks.units} units, {looks.weight:g} logits a nat"))
    click.echo("\n".join(printable(line) for line in _lines(card, 0)))


def _lines(value: Any, depth: int) -> list[str]:
    """A nested card as indented lines; a long list as its length, because nobody reads it on a screen."""
    pad = "  " * depth
    lines = []
    for key, item in value.items():
        if isinstance(item, dict) and {"rate", "count", "n"} <= item.keys():
            interval = f"95 % {item['low']:.1%} - {item['high']:.1%}"
            lines.append(f"{pad}{key}: {item['rate']:.1%} ({item['count']}/{item['n']}, {interval})")
        elif isinstance(item, dict) and {"per_hour", "upper_95"} <= item.keys() and item["hours"]:
            bound = f"below {item['upper_95']:.1f} with 95 %"
            lines.append(
                f"{pad}{key}: {item['per_hour']:.2f} an hour ({item['count']} in {item['hours']:.2f} h, {bound})"
            )
        elif isinstance(item, dict):
            lines += [f"{pad}{key}", *_lines(item, depth + 1)]
        elif isinstance(item, list) and (len(item) > 6 or (item and isinstance(item[0], list | dict))):
            lines.append(f"{pad}{key}: {len(item)} entries (--json shows them)")
        else:
            shown = f"{item:.4g}" if isinstance(item, float) else item
            lines.append(f"{pad}{key}: {shown}")
    return lines
