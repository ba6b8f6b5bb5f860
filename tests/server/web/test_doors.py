"""Who and what is turned away: wrong messages, strangers' pages, too much of anything."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("websockets", reason="needs the extra [serve]")
from websockets.exceptions import ConnectionClosed, InvalidStatus

Serve = Callable[..., Any]
First = Callable[..., dict[str, Any]]
Pcm = Callable[[np.ndarray], bytes]


def closed_with(client: Any) -> tuple[int, str]:
    """The code and the reason of the close; an error message before it must have said the same."""
    said = None
    with pytest.raises(ConnectionClosed) as closed:  # noqa: PT012
        while True:
            message = client.recv(timeout=30)
            if isinstance(message, str) and json.loads(message)["kind"] == "error":
                said = json.loads(message)["sentence"]
    received = closed.value.rcvd
    assert said in (None, received.reason)
    return received.code, received.reason


@pytest.mark.parametrize(
    ("message", "code", "reason"),
    [
        (b"\x00\x00", 1003, "the first message is text"),
        ("", 1008, "is not JSON"),
        ("[" * 50_000, 1008, "is not JSON"),
        ("[]", 1008, "is a JSON object"),
        ("{}", 1008, "of the kind live or file"),
        (("live", {"rate": True}), 1008, "needs rate, a whole number"),
        (("live", {"rate": 48_000.0}), 1008, "needs rate, a whole number"),
        (("live", {"rate": 7_999}), 1008, "from 8000 to 192000"),
        (("live", {"rate": 10**4000}), 1008, "from 8000 to 192000"),
        (("live", {"words": []}), 1008, "a list of words"),
        (("live", {"words": "word"}), 1008, "a list of words"),
        (("live", {"words": [["word"]]}), 1008, "a list of words"),
        (("live", {"words": ["word", "word"]}), 1008, "among: word, other"),
        (("live", {"words": ["../../etc/passwd"]}), 1008, "among: word, other"),
        (("live", {"point": "fpr_9"}), 1008, "operating point"),
        (("live", {"point": ["fpr_3"]}), 1008, "a name or null"),
        (("file", {"name": 7}), 1008, "the file's name"),
        (("file", {"bytes": 0}), 1008, "needs bytes"),
        (("file", {"bytes": 2**40}), 1009, "more than 64 MiB"),
    ],
)  # fmt: skip
def test_a_wrong_first_message_is_refused(serve: Serve, first: First, message: Any, code: int, reason: str) -> None:
    """A pair is a first message that would be taken, but for what is changed in it."""
    if isinstance(message, tuple):
        message = json.dumps(first(message[0], **message[1]))
    with serve().connect() as client:
        client.send(message)
        closed = closed_with(client)
    assert closed[0] == code
    assert reason in closed[1]


def test_a_refusal_longer_than_a_close_frame_is_cut_there(
    serve: Serve, make_model: Callable[..., Any], first: First
) -> None:
    from wakeword.server.web_protocol import Words

    names = [f"a word of many letters, {'é' * number}" for number in range(5, 12)]
    with serve(Words({name: make_model(name) for name in names})).connect() as client:
        client.send(json.dumps(first("live")))
        sentence = json.loads(client.recv(timeout=30))["sentence"]
        with pytest.raises(ConnectionClosed) as closed:
            client.recv(timeout=30)
    assert names[-1] in sentence
    assert closed.value.rcvd.code == 1008
    assert 115 < len(closed.value.rcvd.reason.encode()) <= 123
    assert sentence.startswith(closed.value.rcvd.reason)


@pytest.mark.parametrize(
    ("messages", "code", "reason"),
    [
        (["live", "{}"], 1003, "only sound is taken"),
        (["live", b"\x00\x00\x00"], 1008, "half of one arrived"),
        (["live", *[b"\x00" * 192_000] * 12], 1008, "faster than anybody speaks"),
        (["live", *[b""] * 400], 1008, "faster than anybody speaks"),
        (["live", b"\x00" * (2**18 + 2)], 1009, ""),
        (["file", "text"], 1003, "only its bytes are taken"),
        (["file", b"12345"], 1009, "longer than the first message said"),
    ],
)
def test_what_follows_in_a_wrong_way_is_refused(
    serve: Serve, first: First, messages: list[Any], code: int, reason: str
) -> None:
    with serve(message_s=0.1).connect() as client:
        client.send(json.dumps(first(messages[0])))
        with contextlib.suppress(ConnectionClosed):  # the rest is not waited for
            for message in messages[1:]:
                client.send(message)
        closed = closed_with(client)
    assert closed[0] == code
    assert reason in closed[1]


def test_limits_of_clients_time_and_memory(serve: Serve, first: First, pcm: Pcm, voice: np.ndarray) -> None:
    served = serve(clients=2, idle_s=1.0, all_files_bytes=100)
    with served.connect() as one, served.connect() as two:
        one.send(json.dumps(first("file", bytes=60)))
        assert json.loads(one.recv(timeout=20))["kind"] == "ready"
        with served.connect() as three:
            assert closed_with(three) == (1013, "2 pages are listening already: close one of them")
        two.send(json.dumps(first("file", bytes=60)))
        assert closed_with(two) == (1013, "other files are being heard: try again in a moment")
        assert closed_with(one) == (1008, "nothing came for 1 s")
    assert served.live(pcm(voice[:3200]), 6400)  # there is room again


def test_a_slow_upload_is_given_up(serve: Serve, first: First) -> None:
    with serve(upload_s=0.4).connect() as client:
        client.send(json.dumps(first("file", bytes=1000)))
        with contextlib.suppress(ConnectionClosed):
            for _ in range(100):
                client.send(b"x")
                with contextlib.suppress(TimeoutError):
                    message = json.loads(client.recv(timeout=0.05))
                    if message["kind"] == "error":
                        break
        assert closed_with(client)[0] == 1008


def test_the_page_comes_with_its_policy(serve: Serve) -> None:
    served = serve()
    status, headers, body = served.get("/?from=here")
    assert (status, body, headers["Content-Type"]) == (200, b"<p>hello", "text/html; charset=utf-8")
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    host = f"127.0.0.1:{served.port}"
    assert policy["connect-src"] == f"'self' ws://{host} wss://{host}"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    for path in ("/nothing", "/../pyproject.toml", "/%2e%2e/pyproject.toml", "//", "/stream/", "/index.html"):
        assert served.get(path)[0] == 404
    assert served.get(method="DELETE")[0] == 405


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "192.168.1.9", "", "a b", "localhost@x"])
def test_other_hosts_are_turned_away(serve: Serve, host: str) -> None:
    served = serve()
    assert served.get(Host=host)[0] == 403
    with pytest.raises(InvalidStatus) as refused, served.connect(additional_headers={"Host": host}):
        pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    "origin", [None, "null", "http://evil.example", "http://127.0.0.1", "http://localhost:{port}", "ws://127.0.0.1:{port}"]
)  # fmt: skip
def test_other_origins_are_turned_away(serve: Serve, origin: str | None) -> None:
    served = serve()
    named = origin.format(port=served.port) if origin else None
    with pytest.raises(InvalidStatus) as refused, served.connect(origin=named):
        pass
    assert refused.value.response.status_code == 403
