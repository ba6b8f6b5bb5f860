"""``wakeword evaluate``: a model's figures on the test split of a data set."""

from __future__ import annotations

import json
from pathlib import Path

import click

from wakeword.errors import DataError
from wakeword.model import load_model

_FOLDER = click.Path(path_type=Path)


@click.command()
@click.argument("model", metavar="MODEL")
@click.option("--data", type=_FOLDER, required=True, help="Folder in the layout of Speech Commands.")
@click.option(
    "--noise", type=_FOLDER, multiple=True, help="Folder of noise; half of it, by hash of the names, is heard."
)
@click.option(
    "--speech",
    type=_FOLDER,
    multiple=True,
    help="Folder of continuous speech; half of it, by hash of the names, is heard.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Draws the babble.")
def evaluate(model: str, data: Path, noise: tuple[Path, ...], speech: tuple[Path, ...], seed: int) -> None:
    """Measure MODEL on the test split of a data set and print its figures as JSON."""
    from training.corpus import check_corpus, clip_samples_for, load_corpus
    from training.evaluate import evaluate as measure

    loaded = load_model(model, calibrated=False)
    corpus = load_corpus(loaded.keyword, data, speech, noise, clip_samples=clip_samples_for(loaded.spec))
    check_corpus(corpus, data, ("test",))
    if corpus.words["validation"].is_keyword.all():
        raise DataError(f"{data}: the validation split needs clips of other words, which set thresholds: add some")
    click.echo(json.dumps({"model": model, **measure(loaded, corpus, seed).figures}, indent=1))
