"""The stream behind a connection, without a socket: sound files of any kind, the pace, and who may knock."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wakeword import WakeWordModel
from wakeword.audio import file_blocks, memory_blocks
from wakeword.errors import AudioError, ServerError
from wakeword.server.web_page import Door, Page
from wakeword.server.web_protocol import File, Limits, Refused, Wanted, Words
from wakeword.server.web_session import FileStream, Pace

hypothesis = pytest.importorskip("hypothesis", reason="needs the extra [test]")
from hypothesis import strategies as st  # noqa: E402


def written(samples: np.ndarray, kind: str, subtype: str | None = None) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, samples, 16_000, format=kind, subtype=subtype)
    return stream.getvalue()


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3", "AIFF", "AU", "W64"])
def test_a_file_in_memory_is_the_file_on_the_disk(voice: np.ndarray, tmp_path: Path, kind: str) -> None:
    content = written(voice, kind)
    (tmp_path / "sound").write_bytes(content)
    from_disk, from_memory = list(file_blocks(tmp_path / "sound")), list(memory_blocks(content, "sound"))
    assert len(from_disk) > 5
    for expected, block in zip(from_disk, from_memory, strict=True):
        np.testing.assert_array_equal(block, expected)


def test_what_a_header_claims_does_not_decide_how_much_memory_is_taken(voice: np.ndarray) -> None:
    content = bytearray(written(voice, "WAV"))
    content[24:28] = (2**31 - 1).to_bytes(4, "little")  # the rate
    with pytest.raises(AudioError, match="claims 2147483647 samples a second"):
        list(memory_blocks(bytes(content), "fast.wav"))
    content[24:28] = (1).to_bytes(4, "little")
    blocks = list(itertools.islice(memory_blocks(bytes(content), "slow.wav"), 50))
    assert max(map(len, blocks)) < 50_000


def test_files_broken_anywhere_end_with_an_end_or_an_error(
    make_model: Callable[..., WakeWordModel], voice: np.ndarray
) -> None:
    words, limits = Words({"word": make_model(units=4)}), Limits(file_s=20.0)
    short = voice[:24_000]
    kinds = [("WAV", None), ("WAV", "FLOAT"), ("FLAC", None), ("OGG", None), ("MP3", None), ("AIFF", None)]
    whole = [written(short, *kind) for kind in kinds]
    places = st.lists(st.tuples(st.integers(0, 200) | st.integers(0, 2**17), st.integers(0, 255)), max_size=12)

    @hypothesis.settings(max_examples=120, deadline=None, database=None, derandomize=True)
    @hypothesis.given(st.sampled_from(whole), places, st.integers(1, 2**17))
    def broken(content: bytes, changes: list[tuple[int, int]], length: int) -> None:
        mutated = bytearray(content[:length])
        for at, value in changes:
            mutated[at % len(mutated)] = value
        stream = FileStream(File(len(mutated), "broken", Wanted(("word",), None)), words, limits)
        assert stream.add(bytes(mutated))
        last = json.loads([message for messages in stream.hear() for message in messages][-1])
        assert last["kind"] in ("end", "error")

    broken()


def test_an_empty_name_in_memory_is_still_one_sentence() -> None:
    with pytest.raises(AudioError, match="notes cannot be read as sound"):
        list(memory_blocks(b"", "notes"))


def test_the_pace_is_a_bucket() -> None:
    now = 100.0
    pace = Pace(Limits(burst_s=10.0, pace=1.25, message_s=0.002), lambda: now)
    pace.take(10.0)
    with pytest.raises(Refused):
        pace.take(0.01)
    now += 8.0 + 0.01  # the refused message counts too
    pace.take(10.0)
    now += 1000.0  # a bucket does not run over
    pace.take(10.0)
    with pytest.raises(Refused):
        pace.take(0.0)  # and an empty message is not free


@pytest.mark.parametrize(
    ("bound", "known", "unknown"),
    [
        ("127.0.0.1", ["127.0.0.1", "127.0.0.1:8765", "localhost:1", "[::1]:8765", "LOCALHOST"], ["10.0.0.1", "box"]),
        ("0.0.0.0", ["127.0.0.1:80", "192.168.1.2:8765", "localhost", "[fe80::1]"], ["box", "evil.example:8765"]),
        ("box.lan", ["box.lan:8765", "Box.Lan", "10.0.0.1"], ["box.lan.evil.example", "box", "lan"]),
        ("::1", ["[::1]:1", "localhost"], ["[fe80::1]:1", "8.8.8.8"]),
    ],
)
def test_the_door_knows_its_own_names(bound: str, known: list[str], unknown: list[str]) -> None:
    door = Door(bound)
    malformed = ["", ":", "a:b:c", "127.0.0.1:x", "127.0.0.1:999999", "127.0.0.1/", "127.0.0.1?", "x@127.0.0.1", "[::1"]
    injected = ["127.0.0.1; script-src *", "127.0.0.1, evil.example", "127.0.0.1\tx"]
    assert [host for host in known if not door.knows_host(host)] == []
    assert [host for host in [*unknown, *malformed, *injected] if door.knows_host(host)] == []


@hypothesis.given(st.text(st.characters(codec="latin-1"), max_size=30))
@hypothesis.settings(max_examples=200, deadline=None, database=None, derandomize=True)
def test_no_host_that_is_let_in_can_write_into_the_policy(host: str) -> None:
    for candidate in (host, f"127.0.0.1{host}", f"127.0.0.1:80{host}", f"[::1]{host}"):
        if Door("0.0.0.0").knows_host(candidate):
            assert not set(candidate) - set("0123456789abcdefABCDEF.:[]") or candidate == "localhost"


def test_a_folder_without_a_page_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="install wakeword again"):
        Page.of_folder(tmp_path, {})


def test_words_must_be_there() -> None:
    with pytest.raises(ValueError, match="a word"):
        Words({})
