"""Unpacks an archive from the network: whole or not at all, and never outside its folder."""

from __future__ import annotations

import shutil
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from wakeword.errors import DownloadError


@dataclass(frozen=True)
class Archive:
    """A verified .tar.gz: its file, where it came from (for messages), and the bytes it may unpack to."""

    path: Path
    url: str
    max_bytes: int


def unpack(archive: Archive, folder: Path, is_right: Callable[[Path], bool], advance: Callable[[int], None]) -> None:
    """Make ``folder`` hold what is in the archive; it is renamed into place when complete.

    ``is_right`` judges the unpacked folder before it gets its name; ``advance`` is told the bytes of the archive read
    so far. Raises DownloadError, and deletes the archive, when it is damaged, hostile, or not what was expected.
    """
    staging = folder.with_name(folder.name + ".extracting")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    try:
        _extract(archive, staging, advance)
        if not is_right(staging):
            raise DownloadError(f"The archive from {archive.url} holds no Speech Commands clip and was deleted.")
        if folder.is_dir():
            folder.rmdir()
        staging.rename(folder)
    except DownloadError:
        archive.path.unlink(missing_ok=True)
        raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _extract(archive: Archive, staging: Path, advance: Callable[[int], None]) -> None:
    size = 0
    try:
        # The stream mode never seeks back, which a forged header could make the other mode do for ever.
        with archive.path.open("rb") as file, tarfile.open(fileobj=file, mode="r|gz") as members:
            for member in members:
                size += member.size
                if fault := _fault(member) or (size > archive.max_bytes and "exceeds the allowed size") or "":
                    raise DownloadError(
                        f"The archive from {archive.url} was deleted and nothing of it kept because its entry "
                        f"{member.name!r} {fault}; take the data set from its official address."
                    )
                members.extract(member, staging, filter="data")
                advance(file.tell())
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise DownloadError(
            f"The archive from {archive.url} cannot be unpacked ({error}) and was deleted; run this again."
        ) from error


def _fault(member: tarfile.TarInfo) -> str:
    """Why an entry is refused, or nothing; the data set has neither links nor sparse files nor devices."""
    # The rules of Windows know both kinds of slash and drive letters, so one check serves every system.
    path = PureWindowsPath(member.name)
    if path.drive or path.root or ".." in path.parts:
        return "lies outside the folder"
    if not (member.isreg() or member.isdir()) or member.issparse():
        return "is not a plain file or folder"
    return ""
