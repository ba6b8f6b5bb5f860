"""What the tests of the page's server share: the server in a thread, and the page's side of a conversation."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from wakeword import WakeWordModel

#: First messages that are taken.
LIVE: dict[str, Any] = {"kind": "live", "rate": 48_000, "words": ["word"], "point": "fpr_5"}
FILE: dict[str, Any] = {"kind": "file", "bytes": 4, "name": "a.wav", "words": ["word"], "point": None}


class Served:
    """A WebServer on a free port, in a thread with its own event loop; ``log`` is what it complained about."""

    def __init__(self, words: Any, limits: dict[str, Any]) -> None:
        from wakeword.server.web import WebServer
        from wakeword.server.web_page import Content, Page
        from wakeword.server.web_protocol import Limits

        page = Page({"/": Content(b"<p>hello", "text/html; charset=utf-8")})
        self.server = WebServer(page, words, Limits(**limits))
        self.log: list[str] = []
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    async def _run(self) -> None:
        from wakeword.server.web import Address

        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with self.server.listening(Address(port=0)) as self.port:
            self._started.set()
            await self._stop.wait()

    def __enter__(self) -> Served:
        self._handler = logging.Handler(logging.WARNING)
        self._handler.emit = lambda record: self.log.append(record.getMessage())  # type: ignore[method-assign]
        logging.getLogger("wakeword.server.web").addHandler(self._handler)
        self._thread.start()
        assert self._started.wait(20)
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        logging.getLogger("wakeword.server.web").removeHandler(self._handler)

    def connect(self, **more: Any) -> Any:
        """A WebSocket, as the page opens it."""
        from websockets.sync.client import connect

        more = {"origin": f"http://127.0.0.1:{self.port}", "compression": None, "proxy": None, **more}
        return connect(f"ws://127.0.0.1:{self.port}/stream", **more)

    def get(self, path: str = "/", method: str = "GET", **headers: str) -> tuple[int, Any, bytes]:
        """Status, headers and body of a plain request."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as asking:
            asking.request(method, path, headers=headers)
            answer = asking.getresponse()
            return answer.status, answer.headers, answer.read()

    def live(self, sound: bytes, pieces: int, **more: Any) -> list[Any]:
        """All answers to a live stream sent in messages of so many bytes."""
        with self.connect() as client:
            client.send(json.dumps({**LIVE, **more}))
            taken = answers(client, "ready")
            for at in range(0, len(sound), pieces):
                client.send(sound[at : at + pieces])
                taken += answers(client, "scores")
            client.send(b"")  # detections follow their scores
            return taken + answers(client, "scores")

    def upload(self, content: bytes, **more: Any) -> list[Any]:
        """All answers to a file sent in pieces."""
        with self.connect() as client:
            client.send(json.dumps({**FILE, "bytes": len(content), **more}))
            for at in range(0, len(content), 50_000):
                client.send(content[at : at + 50_000])
            return answers(client, "end", "error")


def answers(client: Any, *last: str) -> list[Any]:
    """What arrives, JSON parsed, up to a message of one of these kinds."""
    taken: list[Any] = []
    while not taken or not isinstance(taken[-1], dict) or taken[-1]["kind"] not in last:
        message = client.recv(timeout=30)
        taken.append(json.loads(message) if isinstance(message, str) else message)
    return taken


@pytest.fixture
def words(make_model: Callable[..., WakeWordModel]) -> Any:
    """Two words of random weights: "word" and "other"."""
    from wakeword.server.web_protocol import Words

    return Words({"word": make_model("word"), "other": make_model("other", seed=5)})


@pytest.fixture
def serve(words: Any) -> Iterator[Callable[..., Served]]:
    """serve(of, **limits) starts a Served of these words; at the end it must have nothing to complain about."""
    pytest.importorskip("websockets", reason="needs the extra [serve]")
    with contextlib.ExitStack() as stack:
        started: list[Served] = []

        def start(of: Any = words, **limits: Any) -> Served:
            started.append(stack.enter_context(Served(of, limits)))
            return started[-1]

        yield start
        assert [line for served in started for line in served.log] == []


@pytest.fixture
def first() -> Callable[..., dict[str, Any]]:
    """first(kind, **more) is a first message that is taken, with changes."""
    return lambda kind, **more: {**(LIVE if kind == "live" else FILE), **more}


@pytest.fixture
def receive() -> Callable[..., list[Any]]:
    """receive(client, *kinds) is what arrives up to a message of one of these kinds."""
    return answers


@pytest.fixture
def pcm() -> Callable[[np.ndarray], bytes]:
    """Samples in [-1, 1] as the page sends them."""
    return lambda samples: np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()


@pytest.fixture
def of_kind() -> Callable[[list[Any], str], list[dict[str, Any]]]:
    """of_kind(messages, kind) are the JSON messages of a kind."""
    return lambda taken, kind: [message for message in taken if isinstance(message, dict) and message["kind"] == kind]
