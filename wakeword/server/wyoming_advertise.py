"""Tells the local network about a Wyoming service, so that Home Assistant offers to add it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from zeroconf import Error as ZeroconfError
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from wakeword.errors import ServerError
from wakeword.server.wyoming_service import Address

SERVICE = "_wyoming._tcp.local."
#: A multicast address; nothing is sent to it, but the system tells which of its own addresses it would use.
_SOMEWHERE = ("224.0.0.251", 1)


@asynccontextmanager
async def advertised(name: str, address: Address) -> AsyncIterator[None]:
    """While this is open, mDNS says that ``name`` is at the address; other machines must be able to reach it.

    Raises ServerError when the network is not there or has a service of this name.
    """
    try:
        host = await asyncio.to_thread(_reachable, address.host)
        service = AsyncServiceInfo(
            SERVICE, f"{name}.{SERVICE}", addresses=[socket.inet_aton(host)], port=address.port, server=f"{name}.local."
        )
        zeroconf = AsyncZeroconf()
    except (OSError, ZeroconfError) as error:
        raise ServerError(f"zeroconf cannot start ({error}): is there a network?") from error
    try:
        try:
            await zeroconf.async_register_service(service)
        except (OSError, ZeroconfError) as error:
            raise ServerError(f"zeroconf cannot announce {name!r} ({error!r}): give another --zeroconf NAME") from error
        yield
        await zeroconf.async_unregister_service(service)
    finally:
        await zeroconf.async_close()


def _reachable(host: str) -> str:
    """The IPv4 address that others find this machine at, for a service bound to ``host``."""
    if host not in ("0.0.0.0", "::"):
        return socket.gethostbyname(host)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(_SOMEWHERE)
        return str(probe.getsockname()[0])
