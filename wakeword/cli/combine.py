"""``wakeword combine``: one model of several for the same keyword."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wakeword.cli.progress import TrainingProgress, tell_result
from wakeword.model import load_model

_FOLDER = click.Path(path_type=Path)


@click.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option("--data", type=_FOLDER, help="Folder in the layout of Speech Commands: one folder a word.")
@click.option("--noise", type=_FOLDER, multiple=True, help="Folder of noise recordings; may be repeated.")
@click.option("--speech", type=_FOLDER, multiple=True, help="Folder of speech without the keyword; may be repeated.")
@click.option(
    "--look-again",
    is_flag=True,
    help="Let it look for the keyword's sounds in what the networks take for it, as it does if one of MODELs does.",
)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Draws the babble.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Model file to write.")
def combine(
    models: tuple[str, ...],
    data: Path | None,
    noise: tuple[Path, ...],
    speech: tuple[Path, ...],
    look_again: bool,
    seed: int,
    out: Path,
) -> None:
    """Put the networks of several MODELs of one keyword together: their mean is the score. One alone is measured anew.

    Networks of other seeds or recipes err on other sounds, so their mean errs less. It is calibrated and measured anew:
    give the folders that the models were trained with.
    """
    import torch

    from training.gathering import Run
    from training.pipeline import combine as put_together
    from training.recipes import recipe_for

    torch.set_num_threads(1)
    loaded = [load_model(model, calibrated=False) for model in models]
    keyword = loaded[0].keyword
    # Calibrated among the languages that its parts have learnt to refuse.
    languages = dict.fromkeys(language for model in loaded for language in _languages(model.card.get("recipe", {})))
    recipe = recipe_for(keyword, "deploy", data).hearing(tuple(languages))
    recipe = recipe.looking_again() if look_again else recipe
    run = Run(keyword, data, recipe, out, speech, noise, seed=seed)
    with TrainingProgress(1) as progress:
        model = put_together(loaded, run, click.echo, progress.show_spoken)
    tell_result(model, out)


def _languages(recipe: dict[str, Any]) -> list[str]:
    """Those of a card's recipe, and of the recipes of which a combined one is made."""
    parts = [_languages(part.get("recipe", {})) for part in recipe.get("of", [])]
    return [*recipe.get("spoken", {}).get("languages", []), *(language for part in parts for language in part)]
