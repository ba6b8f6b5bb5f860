"""``wakeword pretrain``: teach an LSTM the sounds of English, for trainings to start from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from wakeword.cli.speaking import progress_bar

if TYPE_CHECKING:
    from training.pretrain import PretrainEpoch

_FOLDER = click.Path(path_type=Path)


@click.command()
@click.option("--data", type=_FOLDER, required=True, help="Folder in the layout of Speech Commands: one folder a word.")
@click.option("--speech", type=_FOLDER, multiple=True, help="Folder of continuous English speech; may be repeated.")
@click.option("--noise", type=_FOLDER, multiple=True, help="Folder of noise recordings; may be repeated.")
@click.option("--without", multiple=True, help="Word whose recordings are left out; may be repeated.")
@click.option("--clips", type=click.IntRange(100), default=14_000, show_default=True, help="Synthesized clips.")
@click.option("--units", type=click.IntRange(1, 1024), default=256, show_default=True, help="LSTM units.")
@click.option("--epochs", type=click.IntRange(1), default=14, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write (.npz).")
def pretrain(
    data: Path,
    speech: tuple[Path, ...],
    noise: tuple[Path, ...],
    without: tuple[str, ...],
    clips: int,
    units: int,
    epochs: int,
    seed: int,
    out: Path,
) -> None:
    """Teach an LSTM to name the phonemes in the speech of people and of engines, and write it as a base.

    The bases that come with the package, training/bases/, were made so; `wakeword train` starts from them.
    """
    import torch

    from training.pretrain import PretrainRecipe
    from training.pretrain import pretrain as run_pretraining
    from training.utterances import Sources, gather_utterances
    from wakeword.features import FeatureSpec

    torch.set_num_threads(1)
    recipe = PretrainRecipe(units=units, epochs=epochs)
    longest = FeatureSpec(window_frames=recipe.window_frames).window_samples
    with progress_bar("finding the sounds") as progress:
        found = gather_utterances(Sources(data, speech, noise, clips, longest, without), seed, progress)
    click.echo(
        f"{len(found.recorded)} recorded and {len(found.spoken)} synthesized clips; {found.left_out} left out, "
        "for the sounds of their words were not found in them"
    )

    def show(epoch: PretrainEpoch) -> None:
        click.echo(
            f"epoch {epoch.number + 1}/{epochs}  loss {epoch.loss:.3f}  validation: loss {epoch.validation_loss:.3f}, "
            f"{epoch.frame_errors:.1%} of frames named wrong"
        )

    base = run_pretraining(found.recorded, found.spoken, found.validation, found.noise, recipe, seed, show)
    base.card["data"] = found.provenance
    base.save(out)
    click.echo(f"saved {out}")
