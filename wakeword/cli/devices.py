"""``wakeword devices``: the microphones there are; and silence for the C libraries below them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import click

from wakeword.cli.text import printable
from wakeword.devices import NO_DEVICE, Device, list_devices
from wakeword.errors import MicrophoneError


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def devices(as_json: bool) -> None:
    """List the microphones: the index or the name is what `wakeword listen --device` takes."""
    found = list_devices()
    if not found:
        raise MicrophoneError(NO_DEVICE)
    if as_json:
        for device in found:
            click.echo(json.dumps(asdict(device)))
        return
    terminal = sys.stdout.isatty()
    lines = _table(found, shutil.get_terminal_size().columns - 1 if terminal else None)
    click.echo(click.style(lines[0], bold=True) if terminal else lines[0])
    click.echo("\n".join(lines[1:]))


def _table(found: Sequence[Device], width: int | None) -> list[str]:
    """A header and one line a device, in columns, the name last so that a narrow terminal cuts only it."""
    rows = [("index", "", "rate", "channels", "host API", "name")]
    for device in found:
        rate = f"{device.native_rate} Hz" if device.native_rate else "unknown"
        mark = "default" if device.is_default else ""
        name = printable(device.name)
        rows.append((str(device.index), mark, rate, str(device.channels), device.host_api, name))
    widths = [max(len(row[column]) for row in rows) for column in range(5)] + [0]
    cells = [[f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)] for row in rows]
    return ["  ".join(row)[:width] for row in cells]


@contextlib.contextmanager
def quiet_drivers() -> Iterator[None]:
    """PortAudio and ALSA print their failures on descriptor 2, dozens of lines while a device is away: not in here.

    Python's own standard error goes on to where it was. Nothing happens where it is not descriptor 2 already.
    """
    python = sys.stderr
    try:
        ours = python is not None and python.fileno() == 2
        kept = os.dup(2) if ours else -1
    except (OSError, ValueError):
        ours = False
    if not ours:
        yield
        return
    encoding, errors = python.encoding, python.errors
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        with open(kept, "w", encoding=encoding, errors=errors, buffering=1, closefd=False) as sys.stderr:
            os.dup2(nowhere, 2)
            yield
    finally:
        sys.stderr = python
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
