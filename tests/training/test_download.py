"""The download against a real HTTP server that breaks off, ignores Range, changes its file or is hostile."""

from __future__ import annotations

import errno
import hashlib
import io
import random
import re
import socket
import tarfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from training import download
from training import fetch as network
from training.speech_commands import read_folder
from wakeword.errors import DownloadError

CLIP = "yes/004ae714_nohash_0.wav"
SIZE = 300_000  # of the clip, which does not compress, so the archive arrives in several pieces


@dataclass
class Site:
    """What the server holds and how it behaves; `seen` collects the headers of the requests in order."""

    body: bytes = b""
    etag: str = '"first"'
    ranges: bool = True
    obeys_if_range: bool = True
    tells_length: bool = True
    cuts: list[int] = field(default_factory=list)  # bytes after which each next answer breaks off
    errors: list[int] = field(default_factory=list)  # status of each next answer
    seen: list[dict[str, str]] = field(default_factory=list)
    url: str = ""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    site: Site


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, format: str, *args: Any) -> None:
        """Keeps the test's output clean."""

    def do_GET(self) -> None:
        site = self.server.site
        site.seen.append({name.lower(): value for name, value in self.headers.items()})
        if site.errors:
            return self.send_error(site.errors.pop(0))
        start = self.start(site)
        if start >= len(site.body):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(site.body)}")
            return self.end_headers()
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(site.body) - 1}/{len(site.body)}")
        if site.tells_length:
            self.send_header("Content-Length", str(len(site.body) - start))
        if site.etag:
            self.send_header("ETag", site.etag)
        self.end_headers()
        end = start + site.cuts.pop(0) if site.cuts else len(site.body)
        self.wfile.write(site.body[start:end])

    def start(self, site: Site) -> int:
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range", site.etag)
        changed = site.obeys_if_range and condition != site.etag
        return int(asked[1]) if asked and site.ranges and not changed else 0


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(network, "PAUSE_SECONDS", 0.0)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server(("127.0.0.1", 0), Handler)
    server.site = Site(good_archive(), url=f"http://127.0.0.1:{server.server_address[1]}/data/words.tar.gz")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.site
    server.shutdown()
    thread.join()
    server.server_close()


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


def good_archive(seed: int = 0) -> bytes:
    clip = entry(f"./{CLIP}"), random.Random(seed).randbytes(SIZE)
    return archive((entry(".", tarfile.DIRTYPE), b""), clip, (entry("./testing_list.txt"), CLIP.encode()))


def fetch(site: Site, folder: Path, body: bytes | None = None, **options: Any) -> Path:
    """Downloads from the site, expecting the checksum of `body`, or of what the site holds."""
    sha256 = hashlib.sha256(site.body if body is None else body).hexdigest()
    return download.download_speech_commands(folder, url=site.url, sha256=sha256, **options)


def left(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def assert_complete(folder: Path, seed: int = 0) -> None:
    """The folder holds the data set, and nothing of the download is left beside it."""
    assert (folder / CLIP).read_bytes() == random.Random(seed).randbytes(SIZE)
    assert [clip.split for clip in read_folder(folder)] == ["test"]
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def break_off(site: Site, folder: Path) -> int:
    """Lets a whole call fail after 100,000 bytes, and returns how many of them were kept."""
    site.cuts, site.errors = [100_000], []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(network, "ATTEMPTS", 1)
        with pytest.raises(DownloadError, match=r"the connection broke.*continues"):
            fetch(site, folder)
    kept = (folder.parent / "words.tar.gz.part").stat().st_size
    assert 0 < kept <= 100_000
    site.seen.clear()
    return kept


def test_a_small_archive(site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "words"
    assert fetch(site, folder) == folder
    assert_complete(folder)
    assert len(site.seen) == 1
    assert "range" not in site.seen[0]


def test_no_bar_where_there_is_no_terminal(site: Site, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    fetch(site, tmp_path / "words", progress=True)
    assert capfd.readouterr() == ("", "")


def test_an_empty_folder_is_filled(site: Site, tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    assert_complete(fetch(site, tmp_path / "words"))


def test_an_answer_without_length(site: Site, tmp_path: Path) -> None:
    site.tells_length = False
    assert_complete(fetch(site, tmp_path / "words"))


def test_a_broken_connection_is_continued_within_the_call(site: Site, tmp_path: Path) -> None:
    site.cuts = [100_000, 100_000]
    assert_complete(fetch(site, tmp_path / "words"))
    starts = [int(seen.get("range", "bytes=0-")[6:-1]) for seen in site.seen]
    assert starts == [0, 100_000, 200_000]
    assert site.seen[1]["if-range"] == site.etag


def test_a_later_call_asks_for_the_rest_only(site: Site, tmp_path: Path) -> None:
    kept = break_off(site, tmp_path / "words")
    assert_complete(fetch(site, tmp_path / "words"))
    assert [seen["range"] for seen in site.seen] == [f"bytes={kept}-"]


def test_a_server_without_etag_is_continued_too(site: Site, tmp_path: Path) -> None:
    site.etag = ""
    kept = break_off(site, tmp_path / "words")
    assert_complete(fetch(site, tmp_path / "words"))
    assert [(seen["range"], seen.get("if-range")) for seen in site.seen] == [(f"bytes={kept}-", None)]


def test_a_server_that_ignores_range_starts_over(site: Site, tmp_path: Path) -> None:
    site.ranges = False
    break_off(site, tmp_path / "words")
    assert_complete(fetch(site, tmp_path / "words"))
    assert len(site.seen) == 1


@pytest.mark.parametrize(("obeys", "requests"), [(True, 1), (False, 2)])
def test_a_changed_file_is_not_spliced(site: Site, tmp_path: Path, obeys: bool, requests: int) -> None:
    break_off(site, tmp_path / "words")
    site.body, site.etag, site.obeys_if_range = good_archive(seed=1), '"second"', obeys
    assert_complete(fetch(site, tmp_path / "words"), seed=1)
    assert len(site.seen) == requests


def test_a_part_that_is_complete_already(site: Site, tmp_path: Path) -> None:
    (tmp_path / "words.tar.gz.part").write_bytes(site.body)
    assert_complete(fetch(site, tmp_path / "words"))
    assert [seen["range"] for seen in site.seen] == [f"bytes={len(site.body)}-"]


def test_a_part_that_is_too_long_starts_over(site: Site, tmp_path: Path) -> None:
    (tmp_path / "words.tar.gz.part").write_bytes(site.body + b"more")
    assert_complete(fetch(site, tmp_path / "words"))
    assert [("range" in seen) for seen in site.seen] == [True, False]


def test_a_verified_archive_is_unpacked_without_network(site: Site, tmp_path: Path) -> None:
    (tmp_path / "words.tar.gz").write_bytes(site.body)
    (tmp_path / "words.extracting" / "yes").mkdir(parents=True)  # of an extraction that was killed
    assert_complete(fetch(site, tmp_path / "words"))
    assert site.seen == []


def test_an_extracted_data_set_is_left_alone(site: Site, tmp_path: Path) -> None:
    clip = tmp_path / "words" / CLIP
    clip.parent.mkdir(parents=True)
    clip.write_bytes(b"mine")
    assert fetch(site, tmp_path / "words") == tmp_path / "words"
    assert clip.read_bytes() == b"mine"
    assert site.seen == []


def test_a_folder_of_other_things_is_not_touched(site: Site, tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "letter.txt").write_bytes(b"mine")
    with pytest.raises(DownloadError, match="another folder"):
        fetch(site, tmp_path / "words")
    assert left(tmp_path) == ["words", "words/letter.txt"]
    assert site.seen == []


def test_a_wrong_checksum_deletes_what_arrived(site: Site, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="SHA-256"):
        fetch(site, tmp_path / "words", body=b"another")
    assert left(tmp_path) == []


def test_a_passing_server_error_is_tried_again(site: Site, tmp_path: Path) -> None:
    site.errors = [503, 429]
    assert_complete(fetch(site, tmp_path / "words"))
    assert len(site.seen) == 3


@pytest.mark.parametrize(("status", "requests"), [(404, 1), (403, 1), (500, network.ATTEMPTS)])
def test_a_lasting_server_error_is_told(site: Site, tmp_path: Path, status: int, requests: int) -> None:
    site.errors = [status] * 10
    with pytest.raises(DownloadError, match=f"HTTP {status}") as caught:
        fetch(site, tmp_path / "words")
    assert site.url in str(caught.value)
    assert len(site.seen) == requests
    assert left(tmp_path) == []


def test_a_refused_connection_is_told(site: Site, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound but not listening, so it refuses
        site.url = f"http://127.0.0.1:{unused.getsockname()[1]}/words.tar.gz"
        with pytest.raises(DownloadError, match="cannot be reached; check the network") as caught:
            fetch(site, tmp_path / "words")
    assert site.url in str(caught.value)


def test_a_silent_server_is_told(tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "TIMEOUT_SECONDS", (5.0, 0.05))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        site.url = f"http://127.0.0.1:{silent.getsockname()[1]}/words.tar.gz"
        with pytest.raises(DownloadError, match="did not answer in time"):
            fetch(site, tmp_path / "words")


def test_an_address_that_is_none_is_told(site: Site, tmp_path: Path) -> None:
    site.url = "words.tar.gz"
    with pytest.raises(DownloadError, match="check the URL"):
        fetch(site, tmp_path / "words")


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
def test_a_hostile_archive_leaves_nothing(site: Site, tmp_path: Path, bad: tarfile.TarInfo) -> None:
    site.body = archive((entry(CLIP), b"good"), (bad, b""))
    with pytest.raises(DownloadError, match=r"because its entry .*(lies outside|is not a plain)") as caught:
        fetch(site, tmp_path / "inner" / "words")
    assert repr(bad.name) in str(caught.value)
    assert left(tmp_path) == ["inner"]


def test_a_link_to_outside_that_is_written_through(site: Site, tmp_path: Path) -> None:
    link = entry("yes", tarfile.SYMTYPE, str(tmp_path))
    site.body = archive((link, b""), (entry("yes/escaped.wav"), b"bad"))
    with pytest.raises(DownloadError, match="not a plain file"):
        fetch(site, tmp_path / "words")
    assert left(tmp_path) == []


@pytest.mark.parametrize("files", [1, 10])
def test_a_bomb_leaves_nothing(site: Site, tmp_path: Path, files: int) -> None:
    zeros = bytes(1_000_000 // files)
    site.body = archive(*[(entry(f"yes/{number}.wav"), zeros) for number in range(files)])
    assert len(site.body) < 5000
    with pytest.raises(DownloadError, match="exceeds the allowed size"):
        fetch(site, tmp_path / "words", max_bytes=999_999)
    assert left(tmp_path) == []
    fetch(site, tmp_path / "words", max_bytes=1_000_000)
    assert len(read_folder(tmp_path / "words")) == files


def test_an_endless_archive_is_stopped(site: Site, tmp_path: Path) -> None:
    site.tells_length = False
    with pytest.raises(DownloadError, match="larger than the allowed 100000 bytes"):
        fetch(site, tmp_path / "words", max_bytes=100_000)
    assert left(tmp_path) == []


@pytest.mark.parametrize("body", [b"no archive", good_archive()[:-1000]], ids=["other", "truncated"])
def test_a_damaged_archive_leaves_nothing(site: Site, tmp_path: Path, body: bytes) -> None:
    site.body = body
    with pytest.raises(DownloadError, match="cannot be unpacked"):
        fetch(site, tmp_path / "words")
    assert left(tmp_path) == []


def test_an_archive_of_other_things_leaves_nothing(site: Site, tmp_path: Path) -> None:
    site.body = archive((entry("letter.txt"), b"hello"))
    with pytest.raises(DownloadError, match="holds no Speech Commands clip"):
        fetch(site, tmp_path / "words")
    assert left(tmp_path) == []


@pytest.mark.parametrize("step", ["_receive", "unpack"])
def test_a_full_disk_is_told(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(network if step == "_receive" else download, step, full)
        with pytest.raises(DownloadError, match=r"is full.* free some room") as caught:
            fetch(site, tmp_path / "words")
    assert site.url in str(caught.value)
    assert not (tmp_path / "words").exists()
    assert_complete(fetch(site, tmp_path / "words"))
    assert len(site.seen) == (2 if step == "_receive" else 1)


def test_an_interrupted_extraction_looks_unfinished(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tarfile.TarFile, "extract", interrupt)
        with pytest.raises(KeyboardInterrupt):
            fetch(site, tmp_path / "words")
    assert left(tmp_path) == ["words.tar.gz"]
    assert_complete(fetch(site, tmp_path / "words"))
    assert len(site.seen) == 1


def test_a_folder_that_cannot_be_made_is_told(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DownloadError, match="cannot be stored"):
        fetch(site, tmp_path / "file" / "words")
