"""Writing files so that nothing is lost or half-written."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path`` so that no reader ever sees half of it. Raises OSError as open() does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path = path.resolve()  # through a link: its target is what is replaced
    if path.exists() and not path.is_file():  # a pipe or a device, such as /dev/null, is written to and stays
        path.write_bytes(content)
        return
    with _blamed_on(path):
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes it private; a model is to be shared
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def check_folder(folder: Path) -> None:
    """Make the folder and raise OSError, which names it, unless a file can be written in it."""
    folder.mkdir(parents=True, exist_ok=True)
    with _blamed_on(folder), tempfile.TemporaryFile(dir=folder):
        pass


@contextlib.contextmanager
def _blamed_on(path: Path) -> Iterator[None]:
    """An OSError names this path: that of a temporary file would help nobody."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
