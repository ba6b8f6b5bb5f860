"""``wakeword combine``: one model of several for the same keyword."""

from __future__ import annotations

from pathlib import Path

import click

from wakeword.cli.progress import TrainingProgress, tell_result
from wakeword.model import load_model

_FOLDER = click.Path(path_type=Path)


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option("--data", type=_FOLDER, help="Folder in the layout of Speech Commands: one folder a word.")
@click.option("--noise", type=_FOLDER, multiple=True, help="Folder of noise recordings; may be repeated.")
@click.option("--speech", type=_FOLDER, multiple=True, help="Folder of speech without the keyword; may be repeated.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Draws the babble.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Model file to write.")
def combine(
    models: tuple[str, ...],
    data: Path | None,
    noise: tuple[Path, ...],
    speech: tuple[Path, ...],
    seed: int,
    out: Path,
) -> None:
    """Put the networks of several MODELs of one keyword together: their mean is the score.

    Networks of other seeds or recipes err on other sounds, so their mean errs less. It is calibrated and measured anew:
    give the folders that the models were trained with.
    """
    import torch

    from training.pipeline import Run
    from training.pipeline import combine as put_together
    from training.recipes import recipe_for

    torch.set_num_threads(1)
    loaded = [load_model(model, calibrated=False) for model in models]
    keyword = loaded[0].keyword
    run = Run(keyword, data, recipe_for(keyword, "deploy", data), out, speech, noise, seed=seed)
    with TrainingProgress(1) as progress:
        model = put_together(loaded, run, click.echo, progress.show_spoken)
    tell_result(model, out)
