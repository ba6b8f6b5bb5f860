"""Random and broken messages, from strangers and from clients, while somebody else is being heard."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("websockets", reason="needs the extra [serve]")
hypothesis = pytest.importorskip("hypothesis", reason="needs the extra [test]")
from hypothesis import strategies as st  # noqa: E402
from websockets.exceptions import ConnectionClosed  # noqa: E402

first_messages = st.one_of(
    st.just(("live", {})),
    st.just(("file", {"bytes": 300})),
    st.builds(
        lambda key, value: ("live", {key: value}),
        st.sampled_from(["kind", "rate", "words", "point", "more"]),
        st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=4),
    ),
    st.text(max_size=40),
    st.binary(max_size=40),
)
conversations = st.tuples(first_messages, st.lists(st.binary(max_size=900) | st.text(max_size=20), max_size=6))


def test_nonsense_of_any_kind_harms_nobody(
    serve: Callable[..., Any], first: Callable[..., dict[str, Any]], receive: Callable[..., list[Any]],
    pcm: Callable[[np.ndarray], bytes], voice: np.ndarray,
) -> None:  # fmt: skip
    served = serve()
    sound = pcm(voice[:40_000])
    expected = served.live(sound, 8000, rate=16_000)

    @hypothesis.settings(max_examples=60, deadline=None, database=None, derandomize=True)
    @hypothesis.given(conversations, st.booleans())
    def talk(conversation: tuple[Any, list[Any]], abruptly: bool) -> None:
        with served.connect() as client, contextlib.suppress(ConnectionClosed, OSError):
            begin = conversation[0]
            if isinstance(begin, tuple):
                begin = json.dumps(first(begin[0]) | begin[1])  # whose keys may be any, "kind" too
            for message in (begin, *conversation[1]):
                client.send(message)
            if abruptly:
                client.socket.shutdown(socket.SHUT_WR)
        closed = client.protocol.close_rcvd
        assert closed is None or closed.code != 1011  # which says that the server failed

    @hypothesis.settings(max_examples=40, deadline=None, database=None, derandomize=True)
    @hypothesis.given(
        st.binary(max_size=300), st.sampled_from([b"", b"GET / HTTP/1.1\r\n", b"GET /stream HTTP/1.1\r\n"])
    )
    def shout(nonsense: bytes, before: bytes) -> None:
        with socket.create_connection(("127.0.0.1", served.port), timeout=20) as raw:
            raw.sendall(before + nonsense)

    with served.connect() as bystander:
        bystander.send(json.dumps(first("live", rate=16_000)))
        taken = receive(bystander, "ready")
        for number, at in enumerate(range(0, len(sound), 8000)):
            (talk if number == 3 else shout if number == 6 else lambda: None)()
            bystander.send(sound[at : at + 8000])
            taken += receive(bystander, "scores")
        bystander.send(b"")
        taken += receive(bystander, "scores")
    assert taken == expected
    assert served.live(sound, 8000, rate=16_000) == expected
    assert served.get()[0] == 200
