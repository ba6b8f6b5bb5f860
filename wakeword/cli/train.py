"""``wakeword train``: from folders of recordings to a calibrated model and its report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wakeword.model import WakeWordModel

if TYPE_CHECKING:
    from training.fit import Epoch

_FOLDER = click.Path(path_type=Path)
_FEW_CLIPS = 50  # recordings of the keyword, with fewer of which speech engines have to say it


@click.command()
@click.argument("keyword")
@click.option("--data", type=_FOLDER, help="Folder in the layout of Speech Commands: one folder a word.")
@click.option("--download", is_flag=True, help="Download Speech Commands v0.02 (2.4 GB) into --data first.")
@click.option("--noise", type=_FOLDER, multiple=True, help="Folder of noise recordings; may be repeated.")
@click.option(
    "--speech",
    type=_FOLDER,
    multiple=True,
    help="Folder of continuous speech without the keyword; may be repeated.",
)
@click.option(
    "--recordings",
    type=_FOLDER,
    multiple=True,
    help="Folder of your own clips of KEYWORD, 3 or more, in any format; may be repeated.",
)
@click.option(
    "--negatives",
    type=_FOLDER,
    multiple=True,
    help="Folder of clips that are not KEYWORD, such as false alarms that `wakeword review` labelled; may be repeated.",
)
@click.option(
    "--objective",
    type=click.Choice(["bce", "drocc", "drocc-oe", "drocc-lf"]),
    default="drocc-lf",
    show_default=True,
)
@click.option("--recipe", "recipe_name", type=click.Choice(["paper", "deploy"]), default="deploy", show_default=True)
@click.option("--epochs", type=click.IntRange(1), help="Instead of the recipe's.")
@click.option(
    "--networks",
    type=click.IntRange(1, 16),
    help="Train so many and score with their mean: fewer false alarms, as many times the work.",
)
@click.option(
    "--synthesize/--no-synthesize",
    default=True,
    show_default=True,
    help="Let speech engines say other words and sentences and, where --data has no clips of KEYWORD, KEYWORD itself.",
)
@click.option(
    "--share",
    type=click.FloatRange(0.0, 4.0, min_open=True),
    default=1.0,
    show_default=True,
    help="How much of the recipe's speech is synthesized: 0.1 for a quick look, more for more voices.",
)
@click.option("--units", type=click.IntRange(1, 1024), help="LSTM units instead of the recipe's.")
@click.option("--limit", type=click.IntRange(20), help="At most this many clips of each split, for a quick look.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True)
@click.option(
    "--threads",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Processor threads; part of what a seed reproduces.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Model file to write.  [default: KEYWORD.wakeword]",
)
def train(
    keyword: str,
    data: Path | None,
    download: bool,
    noise: tuple[Path, ...],
    speech: tuple[Path, ...],
    recordings: tuple[Path, ...],
    negatives: tuple[Path, ...],
    objective: str,
    recipe_name: str,
    epochs: int | None,
    networks: int | None,
    synthesize: bool,
    share: float,
    units: int | None,
    limit: int | None,
    seed: int,
    threads: int,
    out: Path | None,
) -> None:  # fmt: skip
    """Learn KEYWORD, a word or a phrase, and write a calibrated model with its report.

    Its clips come from --data or, where that has none, from speech engines. The run is checkpointed after every epoch:
    the same command goes on where a killed one stopped.
    """
    import torch

    from training.pipeline import Run
    from training.pipeline import train as run_training
    from training.recipes import RECIPES, phrase
    from training.verdict import advice, judge

    if download:
        if data is None:
            raise click.UsageError("--download needs --data: the folder to download into")
        from training.download import download_speech_commands

        download_speech_commands(data)
    torch.set_num_threads(threads)
    given = {"objective": objective, "epochs": epochs, "networks": networks, "units": units}
    few = synthesize and _recorded(data, keyword) < _FEW_CLIPS
    recipe = (phrase if few and recipe_name == "deploy" else RECIPES[recipe_name])(keyword)
    recipe = recipe.changed(**{k: v for k, v in given.items() if v is not None})
    recipe = recipe.speaking(share if synthesize else 0.0)
    run = Run(
        keyword, data, recipe, out or Path(f"{keyword}.wakeword"), speech, noise, recordings, negatives, seed, limit
    )
    difficulty = advice(keyword)
    if difficulty:
        click.echo(f"note: {difficulty}", err=True)
    with _Progress(recipe.epochs * recipe.networks) as progress:
        model = run_training(run, click.echo, progress.show, progress.show_spoken)
    click.echo(_summary(model))
    click.echo(judge(model.card))
    click.echo(f"saved {run.out} and its report {run.out.with_suffix('').name}.report.html")


def _recorded(data: Path | None, keyword: str) -> int:
    """How many clips of the keyword there are."""
    return sum(1 for _ in (data / keyword).iterdir()) if data and (data / keyword).is_dir() else 0


class _Progress:
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

    def __enter__(self) -> _Progress:
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
