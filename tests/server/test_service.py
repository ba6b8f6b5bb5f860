"""``wakeword serve`` in a process of its own, heard by the wyoming package's client and in Home Assistant's order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient, AsyncTcpClient
from wyoming.event import Event, read_event, write_event
from wyoming.info import Describe, Info
from wyoming.wake import Detect, Detection, NotDetected

from wakeword import Detector
from wakeword.errors import ServerError
from wakeword.server.catalogue import Firing, load_catalogue
from wakeword.server.limits import Limits
from wakeword.server.wyoming_service import Address, WyomingService

ROOT = Path(__file__).resolve().parents[2]
FORMAT = {"rate": 16_000, "width": 2, "channels": 1}
BLOCK = 1280


def chunks(samples: np.ndarray) -> list[Event]:
    """int16 samples as audio-chunks of 80 ms with their time in ms."""
    starts = range(0, len(samples), BLOCK)
    return [AudioChunk(**FORMAT, audio=samples[i : i + BLOCK].tobytes(), timestamp=i // 16).event() for i in starts]


async def heard(client: AsyncClient, samples: np.ndarray) -> list[tuple[str | None, int | None]]:
    """Names and times of the detections in a whole stream; the sound is sent while the answers are read."""

    async def send() -> None:
        for event in [AudioStart(**FORMAT).event(), *chunks(samples), AudioStop().event(), Describe().event()]:
            await client.write_event(event)

    sending, found = asyncio.create_task(send()), []
    while (event := await client.read_event()) is not None and not Info.is_type(event.type):
        detection = Detection.from_event(event)
        found.append((detection.name, detection.timestamp) if Detection.is_type(event.type) else (event.type, None))
    await sending
    return found


def expected(samples: np.ndarray) -> list[tuple[str, int]]:
    """The same of the Detector itself, the chunk's time being that of its first sample; silence follows the last."""
    tail = np.zeros(8_000, np.int16)
    ends = [round(d.end_s * 16_000) for d in Detector("happy").process(np.concatenate([samples, tail]))]
    last = (len(samples) - 1) // BLOCK * 80
    return [("happy", min(last, (end - 1) // BLOCK * 80)) for end in ends] or [("not-detected", None)]  # type: ignore[list-item]


def test_the_packages_client_hears_what_was_said(server: Any, recording: np.ndarray, truth: Any) -> None:
    async def talk() -> tuple[Info, list[Any]]:
        async with AsyncTcpClient("127.0.0.1", server.port) as client:
            await client.write_event(Describe().event())
            event = await client.read_event()
            assert event is not None
            await client.write_event(Detect(names=["happy"]).event())
            return Info.from_event(event), await heard(client, recording)

    info, found = asyncio.run(talk())
    model = info.wake[0].models[0]
    assert (model.name, model.phrase, model.languages, model.installed) == ("happy", "happy", ["en"], True)
    assert found == expected(recording)
    assert len(found) == len(truth)
    for (name, at), (start, end) in zip(found, truth, strict=True):
        assert name == "happy"
        assert start < at / 1000 < end + 0.5


def test_as_home_assistant_does_it(server: Any, recording: np.ndarray) -> None:
    """A connection for describe; then for each wake word one of its own: detect, audio-start, and chunks as the
    satellite delivers them, while an answer is waited for; at the detection it goes, without an audio-stop."""

    async def describe() -> list[str]:
        async with AsyncTcpClient("127.0.0.1", server.port) as client:
            await client.write_event(Describe().event())
            while (event := await client.read_event()) is not None:
                if Info.is_type(event.type):
                    return [model.name for model in Info.from_event(event).wake[0].models]
        raise AssertionError("no info came")

    async def satellite() -> AsyncIterator[Event]:
        for chunk in chunks(recording):
            await asyncio.sleep(0)
            yield chunk

    async def wake(word: str) -> tuple[Detection | None, int]:
        sound, sent = satellite(), 0
        async with AsyncTcpClient("127.0.0.1", server.port) as client:
            await client.write_event(Detect(names=[word]).event())
            await client.write_event(AudioStart(**FORMAT).event())
            answer = asyncio.ensure_future(client.read_event())
            async for chunk in sound:
                await client.write_event(chunk)
                sent += 1
                await asyncio.wait({answer}, timeout=0.01)  # eight times as fast as in the room
                if answer.done():
                    event = answer.result()
                    assert event is not None
                    assert Detection.is_type(event.type), event
                    return Detection.from_event(event), sent
            answer.cancel()
        return None, sent

    async def flow() -> tuple[Detection | None, int]:
        (word,) = await describe()
        await wake(word)  # the server has forgotten it when the next one comes
        return await wake(word)

    detection, sent = asyncio.run(flow())
    (name, at), *_ = expected(recording)
    assert detection is not None
    assert (detection.name, detection.timestamp) == (name, at)
    assert at // 80 < sent < len(recording) // BLOCK  # heard in the stream, not at its end


def test_many_clients_at_once_each_hear_their_own(server: Any, recording: np.ndarray) -> None:
    parts = [recording[16_000 * second : 16_000 * (second + 5)] for second in range(8, 40, 3)]

    async def one(part: np.ndarray) -> list[Any]:
        async with AsyncTcpClient("127.0.0.1", server.port) as client:
            return await heard(client, part)

    async def all_of_them() -> list[list[Any]]:
        return await asyncio.gather(*map(one, parts))

    found = asyncio.run(all_of_them())
    assert found == [expected(part) for part in parts]
    assert len({str(answers) for answers in found}) > 4  # they are not all alike


def test_a_socket_file_and_standard_input_serve_too(recording: np.ndarray, tmp_path: Path) -> None:
    part = recording[: 16_000 * 12]
    path, said = tmp_path / "wake.socket", tmp_path / "said.txt"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))  # what a killed service leaves
    command = [sys.executable, "-m", "wakeword", "serve", "--uri"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    async def talk() -> list[Any]:
        async with AsyncClient.from_uri(f"unix://{path}") as client:
            return await heard(client, part)

    with (
        said.open("wb") as stream,
        subprocess.Popen([*command, f"unix://{path}"], stderr=stream, env=environment) as ran,
    ):
        while "serving" not in said.read_text():
            assert ran.poll() is None, said.read_text()
            asyncio.run(asyncio.sleep(0.05))
        assert asyncio.run(talk()) == expected(part)
        ran.send_signal(signal.SIGINT)
        assert ran.wait(30) == 0
    assert not path.exists()

    pipe = subprocess.PIPE
    with subprocess.Popen([*command, "stdio://"], stdin=pipe, stdout=pipe, stderr=pipe, env=environment) as ran:
        assert ran.stdin
        assert ran.stdout
        assert ran.stderr
        for event in [*chunks(part), AudioStop().event(), Describe().event()]:
            write_event(event, ran.stdin)
        found = []
        while (answer := read_event(ran.stdout)) is not None and not Info.is_type(answer.type):
            found.append((answer.data["name"], answer.data["timestamp"]))
        assert found == expected(part)
        ran.stdin.close()
        assert ran.wait(30) == 0
        assert b"this machine alone reaches it" in ran.stderr.read()


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
    from wakeword.server.wyoming_session import Session

    monkeypatch.setattr(Session, "_describe", lambda self, event: 1 / 0)

    async def talk(port: int) -> bytes:
        assert await ask(port, b'{"type": "describe"}\n') == b""
        return await ask(port, b'{"type": "ping", "data": {"text": "there?"}}\n{}\n')

    assert b"there?" in within(Limits(), talk)
    assert "an error of this program" in caplog.text


@pytest.mark.parametrize(
    ("uri", "address", "local"),
    [
        ("tcp://127.0.0.1", Address("tcp", "127.0.0.1", 10_400), True),
        ("tcp://[::1]:5", Address("tcp", "::1", 5), True),
        ("tcp://localhost:0", Address("tcp", "localhost", 0), True),
        ("tcp://0.0.0.0:10400", Address("tcp", "0.0.0.0", 10_400), False),
        ("unix:///run/wake", Address("unix", path="/run/wake"), True),
        ("stdio://", Address("stdio"), True),
    ],
)
def test_addresses(uri: str, address: Address, local: bool) -> None:
    assert Address.parse(uri) == address
    assert Address.parse(str(address)) == address
    assert address.is_local == local


@pytest.mark.parametrize("uri", ["", "10400", "http://localhost:1", "tcp://", "tcp://a:99999", "tcp://a:x", "unix://"])
def test_what_is_no_address_is_refused(uri: str) -> None:
    with pytest.raises(ServerError, match="is no address"):
        Address.parse(uri)


def run(*options: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "wakeword", "serve", *options]
    ended = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    return ended.returncode, ended.stderr + ended.stdout


def test_what_cannot_be_served_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, said = run("--uri", f"tcp://127.0.0.1:{taken.getsockname()[1]}")
    assert code == 2
    assert "choose another address with --uri" in said
    assert "Traceback" not in said
    important = tmp_path / "important"
    important.write_text("kept")
    for options, sentence in (
        (("--uri", f"unix://{important}"), "cannot be served"),
        (("--zeroconf",), "other machines, which cannot reach tcp://127.0.0.1:10400"),
        (("--model", "none"), "no such model file"),
        (("--threshold", "nan"), "finite number"),
    ):
        code, said = run(*options)
        assert code == 2
        assert sentence in said
        assert "Traceback" not in said
    assert important.read_text() == "kept"
    assert run("--version") == (0, "wakeword, version 0.1.0\n")


def test_the_network_is_told_where_it_is(tmp_path: Path) -> None:
    """Another participant of mDNS on this machine finds the service, and no longer once it has ended."""
    from zeroconf import Zeroconf

    name = f"wakeword test {os.getpid()}"
    said = tmp_path / "said.txt"
    command = [sys.executable, "-m", "wakeword", "serve", "--uri", "tcp://0.0.0.0:0", "--zeroconf", name]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with said.open("wb") as stream, subprocess.Popen(command, stderr=stream, env=environment) as ran:
        while "is told of it" not in said.read_text():
            assert ran.poll() is None, said.read_text()
            asyncio.run(asyncio.sleep(0.05))
        assert "there is no password" in said.read_text()
        with Zeroconf() as listener:
            found = listener.get_service_info("_wyoming._tcp.local.", f"{name}._wyoming._tcp.local.", 5_000)
        assert found is not None
        assert found.port is not None
        (host,) = found.parsed_addresses()
        answer = asyncio.run(ask_at(host, found.port))
        ran.send_signal(signal.SIGTERM)
        assert ran.wait(30) == 0
    assert b'"wake"' in answer


async def ask_at(host: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b'{"type": "describe"}\n{}\n')
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def test_silence_ends_with_not_detected(server: Any) -> None:
    async def talk() -> Event | None:
        async with AsyncTcpClient("127.0.0.1", server.port) as client:
            for event in [AudioStart(**FORMAT).event(), *chunks(np.zeros(32_000, np.int16)), AudioStop().event()]:
                await client.write_event(event)
            return await client.read_event()

    event = asyncio.run(talk())
    assert event is not None
    assert NotDetected.is_type(event.type)
