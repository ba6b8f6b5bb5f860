"""The demonstration's page and its sound: one HTTP and WebSocket server on an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from wakeword.errors import ServerError
from wakeword.server.addresses import why_not
from wakeword.server.web_page import Door, Page, headers
from wakeword.server.web_protocol import POLICY, TRY_AGAIN, File, Limits, Live, Refused, Words, parse_first
from wakeword.server.web_session import FileStream, LiveStream, Message, Pace, error_text

#: The path of the WebSocket.
STREAM = "/stream"
#: The most that a close frame's reason may hold (RFC 6455, section 5.5: 125 bytes, two of which are the code).
_REASON_BYTES = 123


@dataclass(frozen=True)
class Address:
    """Where to listen; port 0 takes any that is free."""

    host: str = "127.0.0.1"
    port: int = 8765

    def url(self, port: int) -> str:
        """What to type into a browser, once it is known which port it is."""
        host = "localhost" if self.host in ("", "0.0.0.0", "::") else self.host  # every address includes this machine's
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


class WebServer:
    """Serves a page and hears the sound it sends. Nothing of it is kept after the connection, nor written anywhere.

    page      the files
    words     what can be listened for
    limits    what a connection may do
    """

    def __init__(self, page: Page, words: Words, limits: Limits | None = None) -> None:
        self._page, self._words, self._limits = page, words, limits or Limits()
        self._clients = self._file_bytes = 0

    @contextlib.asynccontextmanager
    async def listening(self, address: Address) -> AsyncIterator[int]:
        """Serve while the block runs; gives the port. Raises ServerError where nobody can listen at the address."""
        self._door = Door(address.host)
        try:
            server = await serve(
                self._stream, address.host, address.port,
                process_request=self._answer, max_size=self._limits.message_bytes, max_queue=4, compression=None,
                open_timeout=10, close_timeout=2, server_header=None, logger=_logger(),
            )  # fmt: skip
        except (OSError, UnicodeError) as error:
            reason = why_not(error)
            where = f"{address.host}, port {address.port}"
            raise ServerError(
                f"nobody can listen at {where} ({reason}): choose another with --host or --port"
            ) from error
        async with server:
            yield _port(server)

    def _answer(self, connection: ServerConnection, request: Request) -> Response | None:
        """The answer to a request, or None to open a WebSocket."""
        hosts = request.headers.get_all("Host")
        if len(hosts) != 1 or not self._door.knows_host(hosts[0]):
            return _plain(HTTPStatus.FORBIDDEN, "This server answers only under its own address.\n")
        host = hosts[0]
        if request.path == STREAM:
            origins = request.headers.get_all("Origin")
            if len(origins) != 1 or not self._door.same_origin(origins[0], host):
                return _plain(HTTPStatus.FORBIDDEN, "Sound is taken only from this server's own page.\n", host)
            return None
        if getattr(request, "method", "GET") != "GET":
            return _plain(HTTPStatus.METHOD_NOT_ALLOWED, "Only GET is answered.\n", host)
        content = self._page.get(request.path)
        if content is None:
            return _plain(HTTPStatus.NOT_FOUND, "There is nothing here.\n", host)
        return _response(HTTPStatus.OK, content.body, content.media_type, host)

    async def _stream(self, socket: ServerConnection) -> None:
        """One connection, whatever it sends."""
        try:
            if self._clients >= self._limits.clients:
                raise Refused(TRY_AGAIN, f"{self._clients} pages are listening already: close one of them")
            self._clients += 1
            try:
                await self._converse(socket)
            finally:
                self._clients -= 1
        except Refused as refused:
            with contextlib.suppress(ConnectionClosed):
                await socket.send(error_text(refused.sentence))
                await socket.close(refused.code, refused.sentence.encode()[:_REASON_BYTES].decode(errors="ignore"))
        except ConnectionClosed:
            pass  # the page was closed: the usual end

    async def _converse(self, socket: ServerConnection) -> None:
        first = parse_first(await self._received(socket), self._words, self._limits)
        if isinstance(first, Live):
            await self._hear_live(socket, first)
        else:
            with self._room_for(first):
                await self._hear_file(socket, first)

    async def _hear_live(self, socket: ServerConnection, first: Live) -> None:
        stream = LiveStream(first, self._words, Pace(self._limits, time.monotonic))
        await socket.send(stream.ready())
        while True:
            await self._send(socket, stream.push(await self._received(socket)))

    async def _hear_file(self, socket: ServerConnection, first: File) -> None:
        stream = FileStream(first, self._words, self._limits)
        await socket.send(stream.ready())
        try:
            async with asyncio.timeout(self._limits.upload_s):
                while not stream.add(await self._received(socket)):
                    pass
        except TimeoutError as error:
            raise Refused(POLICY, f"the file was not here within {self._limits.upload_s:g} s") from error
        with contextlib.closing(stream.hear()) as heard:
            for messages in heard:
                await self._send(socket, messages)
                await asyncio.sleep(0)  # the other connections have their turn, however fast this one reads

    async def _received(self, socket: ServerConnection) -> str | bytes:
        try:
            async with asyncio.timeout(self._limits.idle_s):
                return await socket.recv()
        except TimeoutError as error:
            raise Refused(POLICY, f"nothing came for {self._limits.idle_s:g} s") from error

    async def _send(self, socket: ServerConnection, messages: list[Message]) -> None:
        try:
            async with asyncio.timeout(self._limits.idle_s):
                for message in messages:
                    await socket.send(message)
        except TimeoutError as error:
            raise Refused(POLICY, "the answers were not read") from error

    @contextlib.contextmanager
    def _room_for(self, file: File) -> Iterator[None]:
        """Memory for a file's bytes while it is heard. Raises Refused when others have it."""
        if self._file_bytes + file.size > self._limits.all_files_bytes:
            raise Refused(TRY_AGAIN, "other files are being heard: try again in a moment")
        self._file_bytes += file.size
        try:
            yield
        finally:
            self._file_bytes -= file.size


async def run(server: WebServer, address: Address, started: Callable[[str], None]) -> None:
    """Serve until cancelled; ``started`` is told the page's address once it can be opened."""
    async with server.listening(address) as port:
        started(address.url(port))
        await asyncio.get_running_loop().create_future()


def _port(server: Server) -> int:
    return next(iter(server.sockets)).getsockname()[1]


def _plain(status: HTTPStatus, text: str, host: str = "localhost") -> Response:
    return _response(status, text.encode(), "text/plain; charset=utf-8", host)


def _response(status: HTTPStatus, body: bytes, media_type: str, host: str) -> Response:
    more = {"Content-Type": media_type, "Content-Length": str(len(body)), "Connection": "close"}
    return Response(status.value, status.phrase, Headers(headers(host) | more), body)


def _logger() -> logging.Logger:
    """The server's logger: bugs are shown, handshakes that strangers get wrong are not."""
    logger = logging.getLogger(__name__)
    logger.setLevel(logging.ERROR)
    logger.addFilter(_worth_showing)
    return logger


def _worth_showing(record: logging.LogRecord) -> bool:
    return record.getMessage() != "opening handshake failed"
