"""What a client that misbehaves gets from the service: nonsense, stalling, crowding; the others are still served."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from wyoming.client import AsyncTcpClient
from wyoming.info import Describe

from wakeword.server.catalogue import Firing, load_catalogue
from wakeword.server.limits import Limits
from wakeword.server.wyoming_service import Address, WyomingService


async def ask(port: int, data: bytes, seconds: float = 20.0) -> bytes:
    """Send bytes and read to the end; raises TimeoutError when the server keeps the connection open."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        async with asyncio.timeout(seconds):
            return await reader.read()
    finally:
        writer.close()


def within(limits: Limits, talk: Callable[[int], Any]) -> Any:
    """``talk`` with a service under these limits, in this process."""

    async def run() -> Any:
        service = WyomingService(load_catalogue(["happy"], [], Firing()), limits)
        async with service._listening(Address("tcp", "127.0.0.1", 0)) as bound:
            return await asyncio.wait_for(talk(bound.port), 60)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"type": "audio-chunk", "payload_length": 5000}\n', "larger than 4096 bytes"),
        (b'{"type": "audio-chunk", "data_length": 99999999999999}\n', "larger than 4096 bytes"),
        (b'{"type": "audio-chunk", "payload_length": -1}\n', "a number of bytes"),
        (b'{"type": "audio-chunk", "payload_length": "1"}\n', "a number of bytes"),
        (b'{"type": "detect", "data_length": 3}\n[1]', "no object"),
        (b"[]\n", "no object"),
        (b'{"type": 3}\n', "a type that is a text"),
        (b'{"type": "detect", "data": "x"}\n', "data that is an object"),
        (b"\n", "no JSON"),
        (b"[" * 60_000 + b"\n", "no JSON"),
        (b'{"type": "' + b"x" * 70_000 + b'"}\n', "longer than 65536 bytes"),
        (b"GET / HTTP/1.1\r\n\r\n", "no JSON"),
    ],
)
def test_what_is_no_event_ends_the_connection_with_a_reason(data: bytes, reason: str) -> None:
    answer = within(Limits(message_bytes=4096), lambda port: ask(port, data))
    assert b'"type": "error"' in answer
    assert reason.encode() in answer


def test_idle_stalled_and_deaf_connections_are_closed() -> None:
    assert within(Limits(idle_s=0.2), lambda port: ask(port, b"")) == b""
    assert within(Limits(idle_s=0.2), lambda port: ask(port, b'{"type": "des')) == b""
    half = b'{"type": "audio-chunk", "payload_length": 100}\nhalf of it'
    assert within(Limits(stall_s=0.2), lambda port: ask(port, half)) == b""

    async def deaf(port: int) -> None:
        """Asks and asks and never reads: at last nothing more goes out, and then the server must hang up."""
        _reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.transport.set_write_buffer_limits(0)
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b'{"type": "describe"}\n' * 1000)
                await writer.drain()
        writer.close()

    within(Limits(stall_s=0.2), deaf)


def test_one_client_too_many_is_told_so_and_a_place_becomes_free_again() -> None:
    async def crowd(port: int) -> tuple[bytes, str | None]:
        async with AsyncTcpClient("127.0.0.1", port) as first, AsyncTcpClient("127.0.0.1", port) as second:
            for client in (first, second):
                await client.write_event(Describe().event())
                assert await client.read_event() is not None
            refused = await ask(port, b'{"type": "describe"}\n')
        while b"busy" in (answer := await ask(port, b'{"type": "describe"}\n{}\n')):
            await asyncio.sleep(0.01)
        return refused, answer.decode()

    refused, answer = within(Limits(clients=2), crowd)
    assert b"2 clients already" in refused
    assert b'"wake"' not in refused
    assert '"wake"' in answer


def test_the_service_survives_an_error_of_its_own(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    from wakeword.server import wyoming_session

    monkeypatch.setattr(wyoming_session, "info", lambda catalogue: 1 / 0)

    async def talk(port: int) -> bytes:
        assert await ask(port, b'{"type": "describe"}\n') == b""
        return await ask(port, b'{"type": "ping", "data": {"text": "there?"}}\n{}\n')

    assert b"there?" in within(Limits(), talk)
    assert "an error of this program" in caplog.text
