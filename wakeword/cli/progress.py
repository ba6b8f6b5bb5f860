"""What a training shows while it runs, and what it says at its end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wakeword.model import WakeWordModel

if TYPE_CHECKING:
    from training.checkpoint import Epoch


class TrainingProgress:
    """A progress bar with the time left on a terminal; one line an epoch elsewhere."""

    def __init__(self, epochs: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self.epochs = epochs
        self._live = sys.stdout.isatty()
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
        # Some versions of rich end even a disabled bar with a line feed.
        self._bar = Progress(
            *columns, TimeRemainingColumn(), console=None if self._live else Console(quiet=True), disable=not self._live
        )
        self._task = self._bar.add_task("epochs", total=epochs, visible=False)
        self._speaking = self._bar.add_task("clips synthesized", total=1, visible=False)
        self._told = 0.0

    def __enter__(self) -> TrainingProgress:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def show_spoken(self, done: int, total: int) -> None:
        """Advance to so many of the clips that speech engines say."""
        if self._live:
            self._bar.update(self._speaking, completed=done, total=total, visible=done < total)
        elif total and (done == total or done / total >= self._told + 0.1):
            self._told = done / total
            click.echo(f"{done} of {total} clips synthesized")

    def show(self, epoch: Epoch) -> None:
        """Advance to an epoch that is done."""
        figures = (
            f"loss {epoch.loss:.4f} (adversarial {epoch.adversarial:.4f})  "
            f"validation loss {epoch.validation_loss:.4f}  recall at strict FPRs {epoch.score[0]:.1%}"
        )
        if self._live:
            last = epoch.number + 1 == self.epochs
            self._bar.update(self._task, completed=epoch.number + 1, description=figures, visible=not last)
        else:
            click.echo(f"epoch {epoch.number + 1}/{self.epochs}  {figures}")


def tell_result(model: WakeWordModel, out: Path) -> None:
    """The figures people ask for first, the verdict, and where everything is."""
    from training.verdict import judge

    click.echo(_summary(model))
    click.echo(judge(model.card))
    click.echo(f"saved {out} and its report {out.with_suffix('').name}.report.html")


def _summary(model: WakeWordModel) -> str:
    """The figures people ask for first, with their n."""
    evaluation = model.card["evaluation"]
    clip = evaluation["clips"]["fpr_3"]
    point = evaluation["streaming"]["points"][model.card["default_point"]]
    recall, reached, alarms = clip["recall"], clip["fpr_reached"], point["false_alarms"]
    miss = point["miss_in_silence"]
    return (
        "test split, single clips at FPR 3 % of validation: "
        f"recall {recall['rate']:.1%} ({recall['count']}/{recall['n']}), "
        f"FPR reached {reached['rate']:.1%} ({reached['count']}/{reached['n']})\n"
        f"test split, streamed at the default point: {alarms['count']} false alarms in {alarms['hours']:.2f} h, "
        f"{miss['count']} of {miss['n']} keywords missed"
    )
