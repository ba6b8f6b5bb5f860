"""Options that several sub-commands share, and the Detector they describe."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import click

from wakeword.cli.text import printable
from wakeword.detector import Detector
from wakeword.errors import ModelFileError
from wakeword.model import bundled_models


class FiniteRange(click.FloatRange):
    """A number in a range: nan, which is in every range, and inf are none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{number} is not a finite number.", param, ctx)
        return number


def refuse_without(needed: str, *dependent: str) -> None:
    """Raises UsageError where an option of ``dependent`` was given and the one that it belongs to was not.

    ``needed`` may be several names with spaces between, of which one is enough.
    """
    ctx = click.get_current_context()
    for name in dependent:
        if _given(ctx, name) and not any(_given(ctx, one) for one in needed.split()):
            raise click.UsageError(f"{_flag(ctx, name)} needs {' or '.join(_flag(ctx, n) for n in needed.split())}.")


def refuse_together(chosen: str, *others: str) -> None:
    """Raises UsageError where ``chosen`` was given with an option of ``others``, which would say nothing then."""
    ctx = click.get_current_context()
    for name in others:
        if _given(ctx, name) and _given(ctx, chosen):
            raise click.UsageError(f"{_flag(ctx, chosen)} and {_flag(ctx, name)} exclude each other.")


def _given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT


def _flag(ctx: click.Context, name: str) -> str:
    return next(param.opts[0] for param in ctx.command.params if param.name == name)


def detector_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--model, --point and --threshold."""
    for option in (
        click.option(
            "--threshold",
            type=float,
            metavar="LOGIT",
            help="Fire at this score instead of at an operating point.",
        ),
        click.option("--point", metavar="NAME", help="Operating point: alarms (few false alarms), fpr_3, fpr_5."),
        click.option(
            "--model",
            "models",
            multiple=True,
            metavar="NAME|FILE",
            help="A bundled model or a .wakeword file; may be repeated. Default: all bundled models.",
        ),
    ):
        command = option(command)
    return command


def make_detector(models: tuple[str, ...], point: str | None, threshold: float | None) -> Detector:
    """The Detector of those options; raises ModelFileError or UsageError where they make no sense."""
    check_firing(point, threshold)
    chosen = list(models) or list(bundled_models())
    if not chosen:
        raise ModelFileError("no model is bundled: name one with --model FILE")
    detector = Detector(chosen, point=point, threshold=threshold)
    # A detection names its keyword and no model; of two with one keyword nobody could tell which had fired.
    keyword, count = Counter(model.keyword for model in detector.models).most_common(1)[0]
    if count > 1:
        raise click.UsageError(f"{count} models hear the same keyword, {printable(keyword)!r}: name one of them.")
    return detector


def check_firing(point: str | None, threshold: float | None) -> None:
    """Raises UsageError where --point and --threshold make no sense."""
    if point is not None and threshold is not None:
        raise click.UsageError("--point and --threshold exclude each other: a point is a threshold with a name.")
    if threshold is not None and not math.isfinite(threshold):
        raise click.UsageError(f"--threshold is a finite number, not {threshold}.")
