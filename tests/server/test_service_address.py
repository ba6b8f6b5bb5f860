"""Where the service is reached: what is an address, what cannot be served, and how the network is told of it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from wakeword import load_model
from wakeword.errors import ServerError
from wakeword.server.catalogue import Catalogue
from wakeword.server.wyoming_service import Address, WyomingService

ROOT = Path(__file__).resolve().parents[2]


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
        (("--uri", "tcp://192.168.1..5:10400"), "cannot be served (no host can have such a name): choose"),
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


def test_stdio_needs_pipes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "wakeword", "serve", "--uri", "stdio://"]
    with (tmp_path / "events").open("w+b") as file:
        ended = subprocess.run(command, stdin=file, capture_output=True, text=True, cwd=ROOT, check=False)
    assert ended.returncode == 2
    assert ended.stderr.endswith("stdio:// needs pipes for standard input and output, not files\n")
    assert "Traceback" not in ended.stderr
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert (ended.returncode, "needs pipes" in ended.stderr) == (2, True)


def test_a_second_service_does_not_take_the_socket_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    address = Address("unix", path=str(path))

    async def serving() -> None:
        catalogue = Catalogue([load_model("happy")])
        first, second = (WyomingService(catalogue)._listening(address) for _ in range(2))
        await first.__aenter__()
        with pytest.raises(ServerError, match="another service answers there"):
            await WyomingService(catalogue)._listening(address).__aenter__()
        path.unlink()  # somebody's mistake, after which another service may have the place
        await second.__aenter__()
        await first.__aexit__(None, None, None)
        assert path.is_socket()  # the second one's, which can still be reached
        with socket.socket(socket.AF_UNIX) as asking:
            asking.connect(str(path))
        await second.__aexit__(None, None, None)
        assert not path.exists()

    asyncio.run(serving())


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
