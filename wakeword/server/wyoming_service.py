"""The Wyoming service: sockets, limits and the life of the connections."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from wyoming.error import Error
from wyoming.event import Event, async_get_stdin, async_get_stdout, async_write_event

from wakeword.errors import ServerError
from wakeword.server.addresses import can_wait, refuse_if_taken, why_not
from wakeword.server.catalogue import Catalogue
from wakeword.server.limits import Limits
from wakeword.server.wyoming_session import Session
from wakeword.server.wyoming_wire import HEADER_BYTES, ProtocolError, read_event

PORT = 10_400
#: How long a refused client may go on sending before it is cut off.
_LINGER_S = 2.0

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Address:
    """Where a service is reached: "tcp" with host and port (0 = any free one), "unix" with a path, or "stdio"."""

    scheme: str
    host: str = ""
    port: int = 0
    path: str = ""

    @staticmethod
    def parse(uri: str) -> Address:
        """tcp://HOST[:PORT], unix://PATH or stdio://. Raises ServerError on anything else."""
        try:
            parts = urlsplit(uri)
            port = PORT if parts.port is None else parts.port
        except ValueError as error:
            raise ServerError(f"{uri} is no address: {error}") from error
        if parts.scheme == "tcp" and parts.hostname:
            return Address("tcp", parts.hostname, port)
        if parts.scheme == "unix" and parts.path:
            return Address("unix", path=parts.netloc + parts.path)
        if parts.scheme == "stdio":
            return Address("stdio")
        raise ServerError(f"{uri} is no address: it is tcp://HOST:PORT, unix://PATH or stdio://")

    @property
    def is_local(self) -> bool:
        """Whether this machine alone can reach it."""
        if self.scheme != "tcp":
            return True
        with contextlib.suppress(ValueError):
            return ipaddress.ip_address(self.host).is_loopback
        return self.host == "localhost"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"tcp://{host}:{self.port}" if self.scheme == "tcp" else f"{self.scheme}://{self.path}"


@dataclass
class WyomingService:
    """Serves a catalogue to many clients at once; each has a Session of its own, all run in one thread."""

    catalogue: Catalogue
    limits: Limits = field(default_factory=Limits)
    _clients: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)  # a connection each, those refused too

    async def run(self, address: Address, announced: Callable[[Address], AbstractAsyncContextManager[None]]) -> None:
        """Serve until SIGINT or SIGTERM, or until the one client of stdio:// is gone.

        ``announced`` is given the address, with the port it really has, and is held open while clients can connect.
        Raises ServerError when there can be no service at the address.
        """
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # on Windows Ctrl-C is a KeyboardInterrupt
                asyncio.get_running_loop().add_signal_handler(number, stop.set)
        if address.scheme != "stdio":
            async with self._listening(address) as bound, announced(bound):
                await stop.wait()
            return
        async with announced(address):
            if not all(map(can_wait, (sys.stdin, sys.stdout))):
                raise ServerError("stdio:// needs pipes for standard input and output, not files")
            talk = self._talk(await async_get_stdin(), await async_get_stdout(), "the client")
            tasks = {asyncio.create_task(talk), asyncio.create_task(_wait(stop))}
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            await _ended(tasks)

    @asynccontextmanager
    async def _listening(self, address: Address) -> AsyncIterator[Address]:
        """The open socket, and the address with the port it really has; at the end every connection is closed."""
        try:
            if address.scheme == "unix":
                # A socket that a killed service left is replaced; one that answers or any other file is an error.
                refuse_if_taken(address.path)
                server = await asyncio.start_unix_server(self._connected, address.path, limit=HEADER_BYTES)
            else:
                server = await asyncio.start_server(self._connected, address.host, address.port, limit=HEADER_BYTES)
                address = Address("tcp", address.host, server.sockets[0].getsockname()[1])
            inode = os.stat(address.path).st_ino if address.scheme == "unix" else None
        except (OSError, UnicodeError) as error:
            reason = why_not(error)
            raise ServerError(f"{address} cannot be served ({reason}): choose another address with --uri") from error
        try:
            yield address
        finally:
            server.close()
            await _ended(self._tasks)
            with contextlib.suppress(FileNotFoundError):
                if inode is not None and os.stat(address.path).st_ino == inode:  # not another service's by now
                    Path(address.path).unlink()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # asyncio runs this as a task
        peer = str(writer.get_extra_info("peername") or "a local client")
        self._tasks.add(task)
        try:
            if self._clients >= self.limits.clients:
                _LOGGER.warning("%s refused: there are %d clients already", peer, self._clients)
                await self._refuse(reader, writer, f"this service has its {self._clients} clients already", "busy")
            else:
                self._clients += 1
                try:
                    await self._talk(reader, writer, peer)
                finally:
                    self._clients -= 1
            writer.close()
            async with asyncio.timeout(self.limits.stall_s):
                await writer.wait_closed()
        except (asyncio.CancelledError, OSError, TimeoutError):  # the service ends, or the client does not read
            pass
        finally:
            writer.transport.abort()  # close alone would wait for ever for a client that does not read
            self._tasks.discard(task)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: str) -> None:
        """One connection from its first event to its end; whatever goes wrong ends this one alone."""
        _LOGGER.debug("%s connected", peer)
        session = Session(self.catalogue)
        try:
            while (event := await read_event(reader, self.limits)) is not None:
                _LOGGER.debug("%s: %.40r %.200r %d bytes", peer, event.type, event.data, len(event.payload or b""))
                for answer in session.handle(event):
                    if answer is None:
                        await asyncio.sleep(0)  # the other clients' turn
                    else:
                        await self._write(writer, answer)
            _LOGGER.debug("%s is gone", peer)
        except ProtocolError as error:
            _LOGGER.warning("%s closed: %s", peer, error)
            await self._refuse(reader, writer, str(error), "protocol")
        except TimeoutError:
            _LOGGER.info("%s closed: it was idle", peer)
        except OSError as error:
            _LOGGER.debug("%s is gone: %s", peer, error)
        except Exception:
            _LOGGER.exception("%s closed: an error of this program", peer)

    async def _write(self, writer: asyncio.StreamWriter, event: Event) -> None:
        async with asyncio.timeout(self.limits.stall_s):
            await async_write_event(event, writer)

    async def _refuse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, text: str, code: str) -> None:
        """One last event, for a client that still listens."""
        with contextlib.suppress(OSError, TimeoutError):
            await self._write(writer, Error(text, code).event())
            writer.write_eof()
            # Closed with something unread, the connection would be reset and the client never see the event.
            async with asyncio.timeout(min(_LINGER_S, self.limits.stall_s)):
                while await reader.read(HEADER_BYTES):
                    pass


async def _wait(event: asyncio.Event) -> None:
    await event.wait()


async def _ended(tasks: set[asyncio.Task[None]]) -> None:
    """Cancel the tasks and wait until they are done."""
    pending = list(tasks)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
