"""A file from the network: resumed when broken off, verified before it gets its name."""

from __future__ import annotations

import hashlib
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import requests
import urllib3
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from wakeword.errors import DownloadError

ATTEMPTS = 4
PAUSE_SECONDS = 1.0  # before the second attempt; doubled before each further one
TIMEOUT_SECONDS = (10.0, 60.0)  # to connect, and between two pieces of the answer
CHUNK_BYTES = 1 << 16


class _BrokenError(Exception):
    """The server or the connection failed in a way that a further attempt may mend."""


_MENDABLE = (_BrokenError, urllib3.exceptions.HTTPError, requests.ConnectionError, requests.Timeout)


@dataclass(frozen=True)
class Download:
    """What to download, what it must be, and where it goes; ``max_bytes`` bounds its size."""

    url: str
    sha256: str
    folder: Path
    max_bytes: int
    name: str = ""  # of what arrives; "" = as in the URL

    @property
    def archive(self) -> Path:
        """The verified file, beside the folder."""
        in_url = PurePosixPath(urlsplit(self.url).path).name or "download"
        return self.folder.with_name(self.name or in_url)

    @property
    def part(self) -> Path:
        """What has arrived so far."""
        return self.archive.with_name(self.archive.name + ".part")

    @property
    def tag(self) -> Path:
        """The ETag or Last-Modified of the file that the part was taken from."""
        return self.archive.with_name(self.archive.name + ".part.tag")

    def forget(self) -> None:
        """Deletes what has arrived; the part first, because a part must not stand beside no tag."""
        self.part.unlink(missing_ok=True)
        self.tag.unlink(missing_ok=True)

    def is_right(self, path: Path) -> bool:
        """Whether the file has the expected checksum."""
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256.lower()


def download_file(path: Path, url: str, sha256: str, max_bytes: int) -> Path:
    """Makes `path` the file at `url` and returns it; without network if it is there already and right.

    It is continued where a call was broken off, and named `path` only once its `sha256` (hexadecimal) is right. Raises
    DownloadError if the network, the server or the disk fails, or if the checksum is wrong.
    """
    job = Download(url, sha256, path.absolute(), max_bytes, name=path.name)
    try:
        if path.is_file() and job.is_right(path):
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        with progress_bar(True) as bar:
            fetch(job, bar)
    except OSError as error:
        raise DownloadError(f"{url} cannot be stored as {path} ({error}); check the folder and its disk.") from error
    return path


def progress_bar(progress: bool) -> Progress:
    """What shows how much has arrived, if that is wanted and stderr is a terminal."""
    console = Console(stderr=True)
    if not (progress and console.is_terminal):
        # Some versions of rich end even a disabled bar with a line feed.
        return Progress(console=Console(quiet=True), disable=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console)


def fetch(job: Download, bar: Progress) -> None:
    """Brings the file, in several attempts if need be, and gives it its name once it is verified."""
    broken: Exception | None = None
    with requests.Session() as session:
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(PAUSE_SECONDS * 2 ** (attempt - 1))
            try:
                _attempt(job, session, bar)
                break
            except _MENDABLE as error:
                broken = error
            except requests.RequestException as error:
                raise DownloadError(f"{job.url} cannot be downloaded ({error}); check the URL.") from error
        else:
            raise DownloadError(
                f"{job.url} could not be downloaded because {_reason(broken)}; check the network connection "
                "and run this again, which continues with what has arrived."
            ) from broken
    if not job.is_right(job.part):
        job.forget()
        raise DownloadError(
            f"What {job.url} sent does not have the expected SHA-256 checksum {job.sha256} and was deleted; "
            "run this again, and if the error stays, the file on the server has changed."
        )
    os.replace(job.part, job.archive)
    job.tag.unlink(missing_ok=True)


def _reason(error: Exception | None) -> str:
    if isinstance(error, _BrokenError):
        return str(error)
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
        return "the server did not answer in time"
    if isinstance(error, requests.ConnectionError):
        return "the server cannot be reached"
    return "the connection broke"


def _attempt(job: Download, session: requests.Session, bar: Progress) -> None:
    """One request: continues the part, or starts over where the server's answer does not fit to it."""
    offset = job.part.stat().st_size if job.part.exists() else 0
    with _request(job, session, offset) as response:
        if response.status_code == requests.codes.ok:
            return _receive(job, response, 0, bar)
        if offset and response.status_code == requests.codes.partial_content and _fits(job, response, offset):
            return _receive(job, response, offset, bar)
        unsatisfiable = response.status_code == requests.codes.requested_range_not_satisfiable
        if not (offset and (unsatisfiable or response.status_code == requests.codes.partial_content)):
            _refuse(job, response)
    # A part that cannot be continued is either complete or of no use.
    if unsatisfiable and job.is_right(job.part):
        return None
    job.forget()
    with _request(job, session, 0) as response:
        if response.status_code != requests.codes.ok:
            _refuse(job, response)
        return _receive(job, response, 0, bar)


def _request(job: Download, session: requests.Session, offset: int) -> requests.Response:
    # A file must arrive as it is stored, not compressed once more.
    headers = {"Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
        if job.tag.exists():
            # The server then sends the whole of a file that has changed instead of its end.
            headers["If-Range"] = job.tag.read_text(encoding="latin-1")
    return session.get(job.url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS)


def _refuse(job: Download, response: requests.Response) -> None:
    status = f"{response.status_code} {response.reason or ''}".strip()
    if response.status_code >= 500 or response.status_code == requests.codes.too_many_requests:
        raise _BrokenError(f"the server answered with HTTP {status}")
    raise DownloadError(f"The server answered the request for {job.url} with HTTP {status}; check the URL.")


def _validator(response: requests.Response) -> str:
    """What identifies the file's version; a weak ETag may not stand in If-Range (RFC 9110, 13.1.5)."""
    etag = response.headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", "")


def _fits(job: Download, response: requests.Response, offset: int) -> bool:
    """Whether the partial answer starts where the part ends and belongs to the same version of the file."""
    place = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    known = job.tag.read_text(encoding="latin-1") if job.tag.exists() else ""
    same = not known or _validator(response) in ("", known)
    return place is not None and int(place[1]) == offset and same


def _receive(job: Download, response: requests.Response, offset: int, bar: Progress) -> None:
    """Writes the answer's body to the part, from byte `offset` on."""
    # The server may send less than the rest that was asked for, so its Content-Length is not the whole then.
    size = response.headers.get("Content-Range" if offset else "Content-Length", "").rsplit("/", 1)[-1]
    total = int(size) if size.isdecimal() else None
    task = bar.add_task("Downloading", total=total, completed=offset)
    try:
        with job.part.open("ab" if offset else "wb") as file:
            if not offset:
                job.tag.unlink(missing_ok=True)
                if validator := _validator(response):
                    job.tag.write_text(validator, encoding="latin-1")
            for chunk in response.raw.stream(CHUNK_BYTES, decode_content=False):
                offset += file.write(chunk)
                bar.update(task, completed=offset)
                if offset > job.max_bytes:
                    break
    finally:
        bar.remove_task(task)
    if offset > job.max_bytes:
        job.forget()
        raise DownloadError(f"{job.url} is larger than the allowed {job.max_bytes} bytes and was deleted.")
    if total is not None and offset < total:
        raise _BrokenError("the connection broke")
