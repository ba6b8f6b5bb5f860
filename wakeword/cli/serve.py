"""``wakeword serve``: a Wyoming wake-word service, for Home Assistant and other voice assistants."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wakeword.cli.options import FiniteRange, check_firing
from wakeword.cli.text import printable
from wakeword.errors import ServerError
from wakeword.model import SUFFIX
from wakeword.server.catalogue import Firing, load_catalogue, model_files
from wakeword.server.limits import Limits
from wakeword.version import __version__

if TYPE_CHECKING:
    from wakeword.server.wyoming_service import Address

_LIMITS = Limits()
_FOLDER = click.Path(path_type=Path, file_okay=False)
_OPTIONS = (
    click.option("--uri", default="tcp://127.0.0.1:10400", show_default=True, help="Or unix://PATH, or stdio://."),
    click.option(
        "--model", "models", multiple=True, metavar="NAME|FILE", help="Default: all bundled; may be repeated."
    ),
    click.option(
        "--custom-model-dir", "folders", type=_FOLDER, multiple=True, help="Folder of .wakeword files; may be repeated."
    ),
    click.option("--threshold", type=float, metavar="LOGIT", help="Fire at this score: a logit, not a probability."),
    click.option("--point", metavar="NAME", help="Fire at this operating point of the models."),
    click.option("--trigger-level", type=click.IntRange(1, 1000), help="Windows that must count before it fires."),
    click.option("--refractory-seconds", type=FiniteRange(0.0), help="Time before a word can fire again."),
    click.option(
        "--zeroconf",
        is_flag=False,
        flag_value="wakeword",
        metavar="[NAME]",
        help="Let Home Assistant find it by itself.",
    ),
    click.option("--max-clients", type=click.IntRange(1), default=_LIMITS.clients, show_default=True),
    click.option("--max-message-bytes", type=click.IntRange(1024), default=_LIMITS.message_bytes, show_default=True),
    click.option(
        "--idle-seconds",
        type=FiniteRange(0.0, min_open=True),
        default=_LIMITS.idle_s,
        show_default=True,
        help="A connection silent for so long is closed.",
    ),
    click.option("--debug", is_flag=True, help="Say everything that arrives."),
)


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command()
@_options
@click.version_option(__version__, prog_name="wakeword")
def serve(
    uri: str,
    models: tuple[str, ...],
    folders: tuple[Path, ...],
    threshold: float | None,
    point: str | None,
    trigger_level: int | None,
    refractory_seconds: float | None,
    zeroconf: str | None,
    max_clients: int,
    max_message_bytes: int,
    idle_seconds: float,
    debug: bool,
) -> None:
    """Serve wake words to Home Assistant and other clients of the Wyoming protocol, until Ctrl-C.

    It is reached from this machine alone unless --uri says otherwise. Nothing that is heard is kept.
    """
    from wakeword.server.wyoming_service import Address, WyomingService

    check_firing(point, threshold)
    logging.basicConfig(level=logging.DEBUG if debug else logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    address = Address.parse(uri)
    if zeroconf is not None and address.is_local:
        raise ServerError(
            f"--zeroconf tells other machines, which cannot reach {address}: add --uri tcp://0.0.0.0:10400"
        )
    for folder in folders:
        if folder.is_dir() and not model_files(folder):  # the folder of an add-on may be empty, a mistyped one too
            click.echo(f"note: {folder} holds no {SUFFIX} file", err=True)
    catalogue = load_catalogue(models, folders, Firing(point, threshold, trigger_level, refractory_seconds))
    limits = Limits(message_bytes=max_message_bytes, clients=max_clients, idle_s=idle_seconds)
    names = ", ".join(printable(name) for name in catalogue.offers)

    @contextlib.asynccontextmanager
    async def announced(bound: Address) -> AsyncIterator[None]:
        click.echo(f"serving {names} at {bound} ({_reach(bound)}; Ctrl-C stops)", err=True)
        if zeroconf is None:
            yield
            return
        from wakeword.server.wyoming_advertise import advertised

        async with advertised(zeroconf, bound):
            click.echo(f"the local network is told of it as {zeroconf!r}", err=True)
            yield

    with contextlib.suppress(KeyboardInterrupt):  # where the event loop cannot catch the signal
        asyncio.run(WyomingService(catalogue, limits).run(address, announced))


def _reach(address: Address) -> str:
    if address.is_local:
        return "this machine alone reaches it"
    return "anyone who reaches this machine can use it: there is no password and no encryption"
