"""``wakeword train``: from folders of recordings to a calibrated model and its report."""

from __future__ import annotations

from pathlib import Path

import click

from wakeword.cli.options import FiniteRange
from wakeword.cli.progress import TrainingProgress, tell_result

_FOLDER = click.Path(path_type=Path)
_OBJECTIVE = click.Choice(["bce", "drocc", "drocc-oe", "drocc-lf"])


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
    type=_OBJECTIVE,
    default="drocc-lf",
    show_default=True,
)
@click.option(
    "--second-objective",
    type=_OBJECTIVE,
    help="Of every second network. At as many alarms bce missed fewer people in silence, drocc-lf fewer in noise.",
)
@click.option("--recipe", "recipe_name", type=click.Choice(["paper", "deploy"]), default="deploy", show_default=True)
@click.option("--epochs", type=click.IntRange(1), help="Instead of the recipe's.")
@click.option(
    "--networks",
    type=click.IntRange(1, 16),
    help="Train so many and score with their mean: fewer false alarms, as many times the work.",
)
@click.option(
    "--look-again",
    is_flag=True,
    help="Let the model look for the keyword's sounds in what its networks take for it: 1 MB more. It helped with ten "
    "recordings of one word, and others not surely.",
)
@click.option(
    "--synthesize/--no-synthesize",
    default=True,
    show_default=True,
    help="Let speech engines say other words and sentences and, where --data has no clips of KEYWORD, KEYWORD itself.",
)
@click.option(
    "--languages",
    default="",
    metavar="ES,FR,..",
    help="Languages besides English that are spoken where it will listen: their sentences are negatives too.",
)
@click.option(
    "--share",
    type=FiniteRange(0.0, 4.0, min_open=True),
    default=1.0,
    show_default=True,
    help="How much of the recipe's speech is synthesized: 0.1 for a quick look, more for more voices.",
)
@click.option(
    "--teacher",
    help="Model of KEYWORD, by name or file, to learn from too: a small network takes on what large ones know.",
)
@click.option("--units", type=click.IntRange(1, 1024), help="LSTM units instead of the recipe's.")
@click.option(
    "--base",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File (.npz) of `wakeword pretrain` to start from, instead of the network of the package.",
)
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
    second_objective: str | None,
    recipe_name: str,
    epochs: int | None,
    networks: int | None,
    look_again: bool,
    synthesize: bool,
    languages: str,
    share: float,
    teacher: str | None,
    units: int | None,
    base: Path | None,
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

    from close_negatives.phonemes import words_of
    from training.base import find_base
    from training.gathering import Run
    from training.pipeline import train as run_training
    from training.recipes import recipe_for
    from training.spoken import SpokenSettings
    from training.verdict import advice
    from wakeword.model import load_model

    if download:
        if data is None:
            raise click.UsageError("--download needs --data: the folder to download into")
        from training.download import download_speech_commands

        download_speech_commands(data)
    torch.set_num_threads(threads)
    keyword = " ".join(words_of(keyword))
    given = {
        "objective": objective, "second_objective": second_objective, "epochs": epochs, "networks": networks,
        "units": units,
    }  # fmt: skip
    recipe = recipe_for(keyword, recipe_name, data, synthesize)
    recipe = recipe.changed(**{k: v for k, v in given.items() if v is not None})
    if base:
        if base.suffix != ".npz":
            raise click.UsageError(f"{base} is no file of `wakeword pretrain`: its name does not end in .npz")
        recipe = recipe.changed(base=str(base))
    find_base(recipe.base, recipe.units, recipe.remember > 0)  # a wrong file is told now, not after the synthesis
    if languages and not synthesize:
        raise click.UsageError("--languages are synthesized: it says nothing with --no-synthesize")
    if share != 1.0 and (not synthesize or recipe.spoken == SpokenSettings()):
        raise click.UsageError("--share is of what is synthesized, which is nothing here: leave it out")
    recipe = recipe.hearing(tuple(filter(None, (name.strip().lower() for name in languages.split(",")))))
    recipe = recipe.speaking(share if synthesize else 0.0)
    recipe = recipe.looking_again() if look_again else recipe
    out = out or Path(f"{keyword}.wakeword")
    taught_by = load_model(teacher) if teacher else None
    run = Run(
        keyword, data, recipe, out, speech, noise, recordings, negatives, teacher=taught_by, seed=seed, limit=limit
    )
    difficulty = advice(keyword)
    if difficulty:
        click.echo(f"note: {difficulty}", err=True)
    with TrainingProgress(recipe.epochs * recipe.networks) as progress:
        model = run_training(run, click.echo, progress.show, progress.show_spoken)
    tell_result(model, run.out)
