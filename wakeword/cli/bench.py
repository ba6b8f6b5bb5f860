"""``wakeword bench``: the companion suite's own command, where the suite is there."""

from __future__ import annotations

import click

from wakeword.errors import WakewordError


@click.command("bench", add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def bench(arguments: tuple[str, ...]) -> None:
    """Rerun the experiments of the DROCC paper: list, run, tables, figures."""
    try:
        from anomaly_benchmark.cli import main
    except ModuleNotFoundError as error:
        if error.name != "anomaly_benchmark":
            raise
        raise WakewordError("the companion suite is not installed: run this from a clone of the repository") from error
    main(list(arguments), "wakeword bench")
