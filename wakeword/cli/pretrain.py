"""``wakeword pretrain``: teach an LSTM the sounds of English, for trainings to start from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from training.pretrain import PretrainEpoch

_FOLDER = click.Path(path_type=Path)


@click.command()
@click.option("--data", type=_FOLDER, required=True, help="Folder in the layout of Speech Commands: one folder a word.")
@click.option("--noise", type=_FOLDER, multiple=True, help="Folder of noise recordings; may be repeated.")
@click.option("--clips", type=click.IntRange(100), default=14_000, show_default=True, help="Synthesized clips.")
@click.option("--units", type=click.IntRange(1, 1024), default=256, show_default=True, help="LSTM units.")
@click.option("--epochs", type=click.IntRange(1), default=18, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write (.npz).")
def pretrain(data: Path, noise: tuple[Path, ...], clips: int, units: int, epochs: int, seed: int, out: Path) -> None:
    """Teach an LSTM to name the phonemes of recorded and synthesized words, and write it as a base.

    The base that comes with the package, training/bases/, was made so; `wakeword train` starts from it.
    """
    import torch

    from training.pretrain import PretrainRecipe
    from training.pretrain import pretrain as run_pretraining
    from training.utterances import gather_utterances

    torch.set_num_threads(1)
    found = gather_utterances(data, noise, clips, seed)
    click.echo(f"{len(found.recorded)} recorded and {len(found.spoken)} synthesized clips")

    def show(epoch: PretrainEpoch) -> None:
        click.echo(
            f"epoch {epoch.number + 1}/{epochs}  loss {epoch.loss:.3f}  validation: loss {epoch.validation_loss:.3f}, "
            f"{epoch.phoneme_errors:.1%} of phonemes wrong"
        )

    recipe = PretrainRecipe(units=units, epochs=epochs, flat_epochs=max(1, epochs // 6))
    base = run_pretraining(found.recorded, found.spoken, found.validation, found.noise, recipe, seed, show)
    base.card["data"] = found.provenance
    base.save(out)
    click.echo(f"saved {out}")
