"""What the download refuses, and that it leaves nothing: no server, a server's errors, a hostile or endless archive."""

from __future__ import annotations

import io
import random
import socket
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from training import fetch as network
from training.speech_commands import read_folder
from wakeword.errors import DownloadError

CLIP = "yes/004ae714_nohash_0.wav"

Fetch = Callable[..., Path]
Left = Callable[[Path], list[str]]


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def archive(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def site(site: Any) -> Any:
    """The folder's server with an archive that nothing is wrong with."""
    site.body = archive((entry(CLIP), random.Random(0).randbytes(300_000)))
    return site


def test_a_folder_of_other_things_is_not_touched(site: Any, fetch: Fetch, left: Left, tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "letter.txt").write_bytes(b"mine")
    with pytest.raises(DownloadError, match="another folder"):
        fetch(site, tmp_path / "words")
    assert left(tmp_path) == ["words", "words/letter.txt"]
    assert site.seen == []


def test_a_folder_that_cannot_be_made_is_told(site: Any, fetch: Fetch, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DownloadError, match="cannot be stored"):
        fetch(site, tmp_path / "file" / "words")


@pytest.mark.parametrize(("status", "requests"), [(404, 1), (403, 1), (500, network.ATTEMPTS)])
def test_a_lasting_server_error_is_told(
    site: Any, fetch: Fetch, left: Left, tmp_path: Path, status: int, requests: int
) -> None:
    site.errors = [status] * 10
    with pytest.raises(DownloadError, match=f"HTTP {status}") as caught:
        fetch(site, tmp_path / "words")
    assert site.url in str(caught.value)
    assert len(site.seen) == requests
    assert left(tmp_path) == []


def test_a_refused_connection_is_told(site: Any, fetch: Fetch, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound but not listening, so it refuses
        site.url = f"http://127.0.0.1:{unused.getsockname()[1]}/words.tar.gz"
        with pytest.raises(DownloadError, match="cannot be reached; check the network") as caught:
            fetch(site, tmp_path / "words")
    assert site.url in str(caught.value)


def test_a_silent_server_is_told(tmp_path: Path, site: Any, fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "TIMEOUT_SECONDS", (5.0, 0.05))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        site.url = f"http://127.0.0.1:{silent.getsockname()[1]}/words.tar.gz"
        with pytest.raises(DownloadError, match="did not answer in time"):
            fetch(site, tmp_path / "words")


def test_an_address_that_is_none_is_told(site: Any, fetch: Fetch, tmp_path: Path) -> None:
    site.url = "words.tar.gz"
    with pytest.raises(DownloadError, match="check the URL"):
        fetch(site, tmp_path / "words")


def test_a_wrong_checksum_deletes_what_arrived(site: Any, fetch: Fetch, left: Left, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="SHA-256"):
        fetch(site, tmp_path / "words", body=b"another")
    assert left(tmp_path) == []


@pytest.mark.parametrize(
    "bad",
    [
        entry("../escaped.wav"),
        entry("yes/../../escaped.wav"),
        entry("..\\escaped.wav"),
        entry("/escaped.wav"),
        entry("C:\\escaped.wav"),
        entry("yes/link.wav", tarfile.SYMTYPE, "../../escaped.wav"),
        entry("yes/link.wav", tarfile.LNKTYPE, "../escaped.wav"),
        entry("yes/null.wav", tarfile.CHRTYPE),
        entry("yes/disk.wav", tarfile.BLKTYPE),
        entry("yes/pipe.wav", tarfile.FIFOTYPE),
    ],
    ids=lambda bad: f"{bad.name}-{bad.type.decode()}",
)
def test_a_hostile_archive_leaves_nothing(
    site: Any, fetch: Fetch, left: Left, tmp_path: Path, bad: tarfile.TarInfo
) -> None:
    site.body = archive((entry(CLIP), b"good"), (bad, b""))
    with pytest.raises(DownloadError, match=r"because its entry .*(lies outside|is not a plain)") as caught:
        fetch(site, tmp_path / "inner" / "words")
    assert repr(bad.name) in str(caught.value)
    assert left(tmp_path) == ["inner"]


def test_a_link_to_outside_that_is_written_through(site: Any, fetch: Fetch, left: Left, tmp_path: Path) -> None:
    link = entry("yes", tarfile.SYMTYPE, str(tmp_path))
    site.body = archive((link, b""), (entry("yes/escaped.wav"), b"bad"))
    with pytest.raises(DownloadError, match="not a plain file"):
        fetch(site, tmp_path / "words")
    assert left(tmp_path) == []


@pytest.mark.parametrize("files", [1, 10])
def test_a_bomb_leaves_nothing(site: Any, fetch: Fetch, left: Left, tmp_path: Path, files: int) -> None:
    zeros = bytes(1_000_000 // files)
    site.body = archive(*[(entry(f"yes/{number}.wav"), zeros) for number in range(files)])
    assert len(site.body) < 5000
    with pytest.raises(DownloadError, match="exceeds the allowed size"):
        fetch(site, tmp_path / "words", max_bytes=999_999)
    assert left(tmp_path) == []
    fetch(site, tmp_path / "words", max_bytes=1_000_000)
    assert len(read_folder(tmp_path / "words")) == files


def test_an_endless_archive_is_stopped(site: Any, fetch: Fetch, left: Left, tmp_path: Path) -> None:
    site.tells_length = False
    with pytest.raises(DownloadError, match="larger than the allowed 100000 bytes"):
        fetch(site, tmp_path / "words", max_bytes=100_000)
    assert left(tmp_path) == []


def test_an_archive_of_other_things_leaves_nothing(site: Any, fetch: Fetch, left: Left, tmp_path: Path) -> None:
    site.body = archive((entry("letter.txt"), b"hello"))
    with pytest.raises(DownloadError, match="holds no Speech Commands clip"):
        fetch(site, tmp_path / "words")
    assert left(tmp_path) == []
