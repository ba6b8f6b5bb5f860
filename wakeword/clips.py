"""Clips on disk: 16 kHz mono FLAC files and the manifest that says what each of them is.

The manifest is ``clips.jsonl`` in the clips' folder, one JSON object a line, appended to and never rewritten; a last
line that a crash cut short is passed over.
"""

from __future__ import annotations

import io
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from wakeword.audio import SAMPLE_RATE
from wakeword.errors import AudioError
from wakeword.files import write_atomically

MANIFEST = "clips.jsonl"


@dataclass(frozen=True)
class Clip:
    """One saved clip.

    file            its name in the folder
    kind            "detection" or "near_miss"
    score           logit of the window that decided, and the threshold it was held against
    window_start_s, window_end_s   that window, in seconds from the clip's start
    heard_at        local time at which it was heard, ISO 8601
    """

    file: str
    kind: str
    keyword: str
    score: float
    threshold: float
    window_start_s: float
    window_end_s: float
    heard_at: str


def sound_file(samples: np.ndarray, kind: str = "flac") -> bytes:
    """float32 (T,) at 16 kHz in [-1, 1] -> the bytes of a 16-bit file of that kind (flac or wav)."""
    import soundfile

    out = io.BytesIO()
    soundfile.write(out, samples, SAMPLE_RATE, format=kind, subtype="PCM_16")
    return out.getvalue()


def slug(text: str) -> str:
    """Any text as a part of a file name: letters and digits of any script, the rest as "_"; never empty."""
    words = "".join(character if character.isalnum() else " " for character in text.casefold()).split()
    return "_".join(words)[:40] or "_"


def free_name(folder: Path, stem: str, suffix: str = ".flac") -> str:
    """``stem`` and ``suffix``, with a number between them where a file of that name is there already."""
    name, number = f"{stem}{suffix}", 1
    while (folder / name).exists():
        number += 1
        name = f"{stem}-{number}{suffix}"
    return name


def save_clip(folder: Path, clip: Clip, samples: np.ndarray) -> None:
    """Write the sound, then its line of the manifest. Raises OSError."""
    write_atomically(folder / clip.file, sound_file(samples))
    line = json.dumps(asdict(clip)) + "\n"
    with open(folder / MANIFEST, "a+b") as manifest:
        if manifest.tell() and not _ends_a_line(manifest):
            line = "\n" + line  # a crash cut the last one short
        manifest.write(line.encode())


def _ends_a_line(manifest: io.BufferedRandom) -> bool:
    manifest.seek(-1, os.SEEK_END)
    return manifest.read(1) == b"\n"


def read_clips(folder: Path) -> list[Clip]:
    """The clips of a folder's manifest whose files are there, in the order they were heard; empty without one.

    Raises AudioError where a line other than the last is no clip.
    """
    path = folder / MANIFEST
    try:
        lines = path.read_bytes().decode("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    clips = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            clip = _clip(json.loads(line))
        except (ValueError, TypeError) as error:
            if number == len(lines) or not line.rstrip().endswith("}"):  # cut short by a crash
                continue
            raise AudioError(f"{path}, line {number}, describes no clip: delete the line ({error})") from error
        if (folder / clip.file).is_file():
            clips.append(clip)
    return clips


def _clip(record: object) -> Clip:
    """Raises ValueError or TypeError where the record is not what save_clip wrote."""
    if not isinstance(record, dict):
        raise TypeError("it is no JSON object")
    clip = Clip(**record)
    if Path(clip.file).name != clip.file or clip.file in ("", ".", ".."):
        raise ValueError(f"{clip.file!r} is no name of a file in the folder")
    float(clip.window_start_s), float(clip.window_end_s)
    return clip
