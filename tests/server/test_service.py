"""``wakeword serve`` in a process of its own, heard by the wyoming package's client and in Home Assistant's order."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient, AsyncTcpClient
from wyoming.event import Event, read_event, write_event
from wyoming.info import Describe, Info
from wyoming.wake import Detect, Detection, NotDetected

from wakeword import Detector

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
    model = next(model for model in info.wake[0].models if model.name == "happy")
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
        assert "happy" in await describe()
        await wake("happy")  # the server has forgotten it when the next one comes
        return await wake("happy")

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


def test_silence_ends_with_not_detected(server: Any) -> None:
    async def talk() -> Event | None:
        async with AsyncTcpClient("127.0.0.1", server.port) as client:
            for event in [AudioStart(**FORMAT).event(), *chunks(np.zeros(32_000, np.int16)), AudioStop().event()]:
                await client.write_event(event)
            return await client.read_event()

    event = asyncio.run(talk())
    assert event is not None
    assert NotDetected.is_type(event.type)


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
