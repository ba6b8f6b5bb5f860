"""A folder of spoken clips, ``<word>/<engine>_<voice>_<hash>.wav``, and manifest.csv, which says what each one is."""

from __future__ import annotations

import csv
import hashlib
import io
import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from close_negatives.cache import content_key
from close_negatives.engines import Request
from close_negatives.phonemes import Phonemes
from close_negatives.store import Clip
from close_negatives.synthesize import Spoken, facts
from close_negatives.voices import Split
from wakeword.audio import SAMPLE_RATE
from wakeword.errors import SynthesisError
from wakeword.files import write_atomically

MANIFEST = "manifest.csv"
COLUMNS = (
    "path",  # below the folder, with slashes
    "sha256",  # of the file
    "text",
    "phonemes",  # ARPAbet
    "engine",
    "voice",
    "language",  # of the speaker
    "licence",  # of the voice and what speaks it
    "rate",
    "pitch",
    "seed",
    "split",  # train, validation, test; empty for a blend across them
    "seconds",
)


def write_folder(spoken: Spoken, folder: Path) -> Path:
    """Write the clips (WAV, 16 kHz, int16) and the manifest, and return its path.

    A manifest that is there already is added to, so that splits and words may be written one after another; the same
    clips give the same files. Raises SynthesisError where the folder cannot be written or its manifest is another's.
    """
    manifest = folder / MANIFEST
    rows = {row["path"]: row for row in read_manifest(manifest)} if manifest.exists() else {}
    try:
        for clip, request, phonemes, split in zip(
            spoken.clips, spoken.requests, spoken.phonemes, spoken.splits, strict=True
        ):
            path, content = _path(request), _wav(clip)
            _write(folder / path, content)
            digest = hashlib.sha256(content).hexdigest()
            rows[path] = _row(path, digest, request, phonemes, split, len(clip))
        write_atomically(manifest, _csv(rows[path] for path in sorted(rows)).encode())
    except OSError as error:
        raise SynthesisError(
            f"the clips cannot be written to {error.filename or folder} ({error.strerror or error}): name another "
            "folder, or make room and do the same again, which goes on where it was"
        ) from error
    return manifest


def read_manifest(path: Path) -> list[dict[str, str]]:
    """The rows of a manifest, by column. Raises SynthesisError where it cannot be read or is none."""
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream, strict=True)
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SynthesisError(f"{path} cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if tuple(reader.fieldnames or ()) != COLUMNS or any(None in row or None in row.values() for row in rows):
        raise SynthesisError(f"{path} is no manifest of spoken clips: name another folder, or move it away")
    return rows


def _path(request: Request) -> str:
    """The clip's place, which follows from the request alone, with letters that every file system takes."""
    names = (request.name, request.voice.name)
    word, voice = (re.sub(r"[^a-z0-9'-]+", "_", name.lower()).strip("_") for name in names)
    return f"{word}/{request.voice.engine}_{voice}_{content_key(*facts(request))[:10]}.wav"


def _row(
    path: str, digest: str, request: Request, phonemes: Phonemes, split: Split | None, samples: int
) -> dict[str, str]:
    voice = request.voice
    said = (request.name, " ".join(phonemes), voice.engine, voice.name, voice.language, voice.licence)
    way = (f"{request.rate:g}", f"{request.pitch:g}", str(request.seed))
    return dict(zip(COLUMNS, (path, digest, *said, *way, split or "", f"{samples / SAMPLE_RATE:.3f}"), strict=True))


def _csv(rows: Iterable[dict[str, str]]) -> str:
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def _wav(clip: Clip) -> bytes:
    import soundfile

    stream = io.BytesIO()
    soundfile.write(stream, np.asarray(clip), SAMPLE_RATE, format="WAV", subtype="PCM_16")
    return stream.getvalue()


def _write(path: Path, content: bytes) -> None:
    """Beside its place and renamed; not forced to the disk, which takes longer than all the rest for thousands."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".wav")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
