"""``wakeword export``: a model for programs that run other formats."""

from __future__ import annotations

from pathlib import Path

import click

from wakeword.cli.text import printable
from wakeword.model import load_model


@click.command()
@click.argument("model", metavar="MODEL")
@click.option("--onnx", "out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File to write.")
def export(model: str, out: Path) -> None:
    """Write MODEL as an ONNX graph: the MFCC of one window in, its logit out.

    Standardisation, LSTM, pooling and the mean of several networks are in the graph; front end, thresholds and card
    are in its metadata. It is compared with this program's own logits before it is written.
    """
    loaded = load_model(model, calibrated=False)  # the room of this machine goes nowhere else
    from wakeword.export import export_onnx

    difference = export_onnx(loaded, out)
    spec = loaded.spec
    click.echo(
        f"{out}: {printable(loaded.keyword)}, features (N, {spec.window_frames}, {spec.n_cepstra}) -> logit (N,), "
        f"{out.stat().st_size / 1024:.0f} KiB; onnxruntime differs from the runtime by at most {difference:.1e}"
    )
    if loaded.pronunciation:
        click.echo(
            "note: the graph has no second look at the sounds, which this model's thresholds count on: in other "
            "programs it wakes more often by mistake unless the threshold is raised",
            err=True,
        )
