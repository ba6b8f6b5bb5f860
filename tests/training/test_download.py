"""The download against a real HTTP server that breaks off, ignores Range, changes its file or sends a damaged one."""

from __future__ import annotations

import errno
import io
import random
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from training import download
from training import fetch as network
from training.speech_commands import read_folder
from wakeword.errors import DownloadError

CLIP = "yes/004ae714_nohash_0.wav"
SIZE = 300_000  # of the clip, which does not compress, so the archive arrives in several pieces

Fetch = Callable[..., Path]
Left = Callable[[Path], list[str]]
BreakOff = Callable[[Any, Path], int]


def good_archive(seed: int = 0) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        folder = tarfile.TarInfo(".")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name, content in ((CLIP, random.Random(seed).randbytes(SIZE)), ("testing_list.txt", CLIP.encode())):
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def site(site: Any) -> Any:
    """The folder's server with the data set."""
    site.body = good_archive()
    return site


def assert_complete(folder: Path, seed: int = 0) -> None:
    """The folder holds the data set, and nothing of the download is left beside it."""
    assert (folder / CLIP).read_bytes() == random.Random(seed).randbytes(SIZE)
    assert [clip.split for clip in read_folder(folder)] == ["test"]
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


@pytest.fixture
def break_off(fetch: Fetch) -> BreakOff:
    """Lets a whole call fail after 100,000 bytes, and returns how many of them were kept."""

    def call(site: Any, folder: Path) -> int:
        site.cuts, site.errors = [100_000], []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(network, "ATTEMPTS", 1)
            with pytest.raises(DownloadError, match=r"the connection broke.*continues"):
                fetch(site, folder)
        kept = (folder.parent / "words.tar.gz.part").stat().st_size
        assert 0 < kept <= 100_000
        site.seen.clear()
        return kept

    return call


def test_a_small_archive(site: Any, fetch: Fetch, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "words"
    assert fetch(site, folder) == folder
    assert_complete(folder)
    assert len(site.seen) == 1
    assert "range" not in site.seen[0]


def test_no_bar_where_there_is_no_terminal(
    site: Any, fetch: Fetch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    fetch(site, tmp_path / "words", progress=True)
    assert capfd.readouterr() == ("", "")


def test_an_empty_folder_is_filled(site: Any, fetch: Fetch, tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    assert_complete(fetch(site, tmp_path / "words"))


def test_an_answer_without_length(site: Any, fetch: Fetch, tmp_path: Path) -> None:
    site.tells_length = False
    assert_complete(fetch(site, tmp_path / "words"))


def test_a_broken_connection_is_continued_within_the_call(site: Any, fetch: Fetch, tmp_path: Path) -> None:
    site.cuts = [100_000, 100_000]
    assert_complete(fetch(site, tmp_path / "words"))
    starts = [int(seen.get("range", "bytes=0-")[6:-1]) for seen in site.seen]
    assert starts == [0, 100_000, 200_000]
    assert site.seen[1]["if-range"] == site.etag


def test_a_later_call_asks_for_the_rest_only(site: Any, fetch: Fetch, break_off: BreakOff, tmp_path: Path) -> None:
    kept = break_off(site, tmp_path / "words")
    assert_complete(fetch(site, tmp_path / "words"))
    assert [seen["range"] for seen in site.seen] == [f"bytes={kept}-"]


def test_a_server_without_etag_is_continued_too(site: Any, fetch: Fetch, break_off: BreakOff, tmp_path: Path) -> None:
    site.etag = ""
    kept = break_off(site, tmp_path / "words")
    assert_complete(fetch(site, tmp_path / "words"))
    assert [(seen["range"], seen.get("if-range")) for seen in site.seen] == [(f"bytes={kept}-", None)]


def test_a_server_that_ignores_range_starts_over(site: Any, fetch: Fetch, break_off: BreakOff, tmp_path: Path) -> None:
    site.ranges = False
    break_off(site, tmp_path / "words")
    assert_complete(fetch(site, tmp_path / "words"))
    assert len(site.seen) == 1


@pytest.mark.parametrize(("obeys", "requests"), [(True, 1), (False, 2)])
def test_a_changed_file_is_not_spliced(
    site: Any, fetch: Fetch, break_off: BreakOff, tmp_path: Path, obeys: bool, requests: int
) -> None:
    break_off(site, tmp_path / "words")
    site.body, site.etag, site.obeys_if_range = good_archive(seed=1), '"second"', obeys
    assert_complete(fetch(site, tmp_path / "words"), seed=1)
    assert len(site.seen) == requests


def test_a_part_that_is_complete_already(site: Any, fetch: Fetch, tmp_path: Path) -> None:
    (tmp_path / "words.tar.gz.part").write_bytes(site.body)
    assert_complete(fetch(site, tmp_path / "words"))
    assert [seen["range"] for seen in site.seen] == [f"bytes={len(site.body)}-"]


def test_a_part_that_is_too_long_starts_over(site: Any, fetch: Fetch, tmp_path: Path) -> None:
    (tmp_path / "words.tar.gz.part").write_bytes(site.body + b"more")
    assert_complete(fetch(site, tmp_path / "words"))
    assert [("range" in seen) for seen in site.seen] == [True, False]


def test_a_verified_archive_is_unpacked_without_network(site: Any, fetch: Fetch, tmp_path: Path) -> None:
    (tmp_path / "words.tar.gz").write_bytes(site.body)
    (tmp_path / "words.extracting" / "yes").mkdir(parents=True)  # of an extraction that was killed
    assert_complete(fetch(site, tmp_path / "words"))
    assert site.seen == []


def test_an_extracted_data_set_is_left_alone(site: Any, fetch: Fetch, tmp_path: Path) -> None:
    clip = tmp_path / "words" / CLIP
    clip.parent.mkdir(parents=True)
    clip.write_bytes(b"mine")
    assert fetch(site, tmp_path / "words") == tmp_path / "words"
    assert clip.read_bytes() == b"mine"
    assert site.seen == []


def test_a_passing_server_error_is_tried_again(site: Any, fetch: Fetch, tmp_path: Path) -> None:
    site.errors = [503, 429]
    assert_complete(fetch(site, tmp_path / "words"))
    assert len(site.seen) == 3


@pytest.mark.parametrize("body", [b"no archive", good_archive()[:-1000]], ids=["other", "truncated"])
def test_a_damaged_archive_leaves_nothing(site: Any, fetch: Fetch, left: Left, tmp_path: Path, body: bytes) -> None:
    site.body = body
    with pytest.raises(DownloadError, match="cannot be unpacked"):
        fetch(site, tmp_path / "words")
    assert left(tmp_path) == []


@pytest.mark.parametrize("step", ["_receive", "unpack"])
def test_a_full_disk_is_told(
    site: Any, fetch: Fetch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
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
    site: Any, fetch: Fetch, left: Left, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
