"""Malformed, truncated, oversized, out-of-order and random bytes against a real server.

While they come, another client streams the shipped recording, a piece between every two attacks: it must hear exactly
what it would hear alone. WAKEWORD_SOAK=1 (``make soak``) makes it long and different every time.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wyoming.event import Event, read_event, write_event

from wakeword import Detector

SOAK = os.environ.get("WAKEWORD_SOAK") == "1"
EXAMPLES = 3000 if SOAK else 70
BLOCK = 1280
ANSWERS = {"info", "error", "detection", "not-detected", "pong"}


def packed(kind: Any, data: Any = None, payload: bytes = b"", **header: Any) -> bytes:
    """An event as bytes; ``header`` adds to what its line says, or contradicts it."""
    text = b"" if data is None else json.dumps(data).encode()
    line = {"type": kind, "data_length": len(text), "payload_length": len(payload), **header}
    return json.dumps(line).encode() + b"\n" + text + payload


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
kinds = st.sampled_from(["describe", "detect", "audio-start", "audio-chunk", "audio-stop", "ping", "transcribe"])
formats = st.fixed_dictionaries(
    {
        "rate": st.sampled_from([16_000, 8_000, 48_000, 44_100]),
        "width": st.sampled_from([1, 2, 3, 4]),
        "channels": st.integers(1, 3),
    },
    optional={"timestamp": st.integers(-5, 2**70) | st.none()},
)
odd_formats = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("rate", "width", "channels", "timestamp", "names", "text"), json_values)
)
payloads = st.binary(max_size=600) | st.integers(0, 100).map(lambda n: bytes(240 * n))
proper = st.one_of(
    st.builds(packed, st.sampled_from(["audio-start", "audio-stop"]), formats),
    st.builds(packed, st.just("audio-chunk"), formats, payloads),
    st.builds(packed, st.just("detect"), st.fixed_dictionaries({"names": st.lists(st.sampled_from(["happy", "x"]))})),
    st.builds(packed, st.sampled_from(["describe", "transcribe", "ping"])),
)
improper = st.one_of(
    st.builds(packed, kinds, odd_formats, payloads),
    st.builds(packed, json_values, json_values),
    st.builds(lambda whole, at: whole[:at], proper, st.integers(0, 400)),  # what follows is out of step
    st.builds(
        lambda kind, name, length: packed(kind, **{name: length}),
        kinds,
        st.sampled_from(["data_length", "payload_length"]),
        st.integers(-(2**40), 2**70) | json_values,
    ),
    st.binary(max_size=300),
    st.binary(max_size=100).map(lambda data: data + b"\n"),
    st.sampled_from([b"\n", b"{}\n", b"[]\n", b'{"type": "describe"', b"[" * 5000 + b"\n", b"x" * 70_000, b"\0\xff\n"]),
)
attacks = st.lists(st.one_of(proper, improper), max_size=8)


class Bystander:
    """A client that streams the recording over and over, piece by piece, and reads its answers at the end."""

    def __init__(self, port: int, recording: np.ndarray) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self._file = self._socket.makefile("rwb")
        self._recording, self._block = recording[: len(recording) // BLOCK * BLOCK], 0

    def stream(self, blocks: int) -> None:
        data = {"rate": 16_000, "width": 2, "channels": 1}
        for _ in range(blocks):
            first = self._block * BLOCK % len(self._recording)
            sound = self._recording[first : first + BLOCK].tobytes()
            write_event(Event("audio-chunk", {**data, "timestamp": self._block * 80}, sound), self._file)
            self._block += 1

    def end(self) -> tuple[list[int], list[int]]:
        """The times of its detections in ms, and those a Detector gives for the same sound."""
        for kind in ("audio-stop", "describe"):
            write_event(Event(kind), self._file)
        found = []
        while (event := read_event(self._file)) is not None and event.type != "info":
            assert (event.type, event.data["name"]) == ("detection", "happy")
            found.append(event.data["timestamp"])
        with contextlib.suppress(OSError):
            self._file.close()
        self._socket.close()
        detector, expected = Detector("happy"), []
        for block in range(self._block):
            first = block * BLOCK % len(self._recording)
            expected += [block * 80] * len(detector.process(self._recording[first : first + BLOCK]))
        return found, expected + [(self._block - 1) * 80] * len(detector.process(np.zeros(8_000, np.int16)))


def attack(port: int, data: bytes) -> list[Event]:
    """Send the bytes, say that no more will come, and read the answers until the server hangs up."""
    received = io.BytesIO()
    # It may hang up in the middle, but it must not wait.
    with (
        socket.create_connection(("127.0.0.1", port), timeout=120) as connection,
        contextlib.suppress(ConnectionError),
    ):
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        while part := connection.recv(65_536):
            received.write(part)
    received.seek(0)
    answers = []
    while (answer := read_event(received)) is not None:
        answers.append(answer)
    return answers


def test_no_bytes_harm_the_server_or_its_other_clients(serve: Any, recording: np.ndarray) -> None:
    with serve() as server:
        bystander = Bystander(server.port, recording)
        bystander.stream(140)  # eleven seconds: the keyword comes at once
        before = server.rss_mb()

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=not SOAK,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(attacks)
        def harmless(parts: list[bytes]) -> None:
            answers = attack(server.port, b"".join(parts))
            assert {answer.type for answer in answers} <= ANSWERS
            assert sum(answer.type == "error" and answer.data["code"] == "protocol" for answer in answers) <= 1
            assert server.process.poll() is None, server.said.read_text()
            bystander.stream(4)

        @settings(max_examples=EXAMPLES // 5, deadline=None, derandomize=not SOAK, database=None)
        @given(st.lists(proper, max_size=12))
        def proper_ones_are_all_answered(parts: list[bytes]) -> None:
            answers = attack(server.port, b"".join([*parts, packed("ping", {"text": "the last"})]))
            kinds = [answer.type for answer in answers]
            assert kinds.count("info") == sum(b'"describe"' in part for part in parts)
            assert answers[-1].data == {"text": "the last"}
            bystander.stream(4)

        harmless()
        proper_ones_are_all_answered()
        found, expected = bystander.end()
        assert found == expected
        assert len(found) >= 2
        assert server.rss_mb() < before + 40
        assert "an error of this program" not in server.said.read_text()
