"""Downloads the Speech Commands data set: resumed when broken off, verified, unpacked whole or not at all.

Source: P. Warden, "Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition", arXiv:1804.03209,
version 0.02, CC BY 4.0.
"""

from __future__ import annotations

import errno
from pathlib import Path

from training.fetch import Download, fetch, progress_bar
from training.speech_commands import holds_clips
from training.unpack import Archive, unpack
from wakeword.errors import DownloadError

URL = "http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz"
SHA256 = "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58"
MAX_BYTES = 8_000_000_000


def download_speech_commands(
    folder: Path, *, url: str = URL, sha256: str = SHA256, progress: bool = True, max_bytes: int = MAX_BYTES
) -> Path:
    """Makes `folder` hold the unpacked data set and returns it; without network if it already does.

    The archive (2.4 GB) is stored beside `folder` while it arrives, continued by the next call if this one
    is broken off, compared with `sha256` (hexadecimal), and deleted once unpacked. `max_bytes` bounds the
    size in bytes of the archive and of all that is unpacked from it. `progress` shows a bar if stderr is a
    terminal.

    Raises DownloadError if the network, the server or the disk fails, if the checksum is wrong, if the
    archive is damaged or hostile, or if `folder` holds something else.
    """
    job = Download(url, sha256, folder.absolute(), max_bytes)
    try:
        if holds_clips(folder):
            return folder
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise DownloadError(
                f"{folder} is there already and is not a Speech Commands data set; "
                f"name another folder to download {url} to, or empty this one."
            )
        job.folder.parent.mkdir(parents=True, exist_ok=True)
        with progress_bar(progress) as bar:
            if not (job.archive.is_file() and job.is_right(job.archive)):
                fetch(job, bar)
            task = bar.add_task("Unpacking", total=job.archive.stat().st_size)
            unpack(
                Archive(job.archive, url, max_bytes),
                job.folder,
                holds_clips,
                lambda read: bar.update(task, completed=read),
            )
        job.archive.unlink()
    except OSError as error:
        raise DownloadError(_disk_sentence(job, error)) from error
    return folder


def _disk_sentence(job: Download, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"The disk that holds {job.folder.parent} is full, so {job.url} cannot be stored and unpacked; "
            "free some room (the full data set needs 6 GB on the way) and run this again."
        )
    return f"{job.url} cannot be stored in {job.folder} ({error}); check the folder and run this again."
