"""Reads a folder in the layout of the Speech Commands data set.

The layout is `<word>/<speaker>_nohash_<n>.wav` (or .flac), with an optional `_background_noise_` folder
and the optional lists `validation_list.txt` and `testing_list.txt`.

Source: P. Warden, "Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition", arXiv:1804.03209;
the partition rule is `which_set` in the README of the data set.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from close_negatives.voices import Split
from wakeword.audio import read_mono
from wakeword.errors import AudioError, DataError

BACKGROUND = "_background_noise_"
SUFFIXES = (".wav", ".flac")
LISTS: tuple[tuple[str, Split], ...] = (("validation_list.txt", "validation"), ("testing_list.txt", "test"))

_MARK = "_nohash_"
_MAX_CLIPS = 2**27 - 1  # MAX_NUM_WAVS_PER_CLASS of the official rule
_VALIDATION_PERCENT = 10.0
_TEST_PERCENT = 10.0


@dataclass(frozen=True)
class Clip:
    """One recording of one word: its file, the word, who says it, and the split it belongs to."""

    path: Path
    word: str
    speaker: str
    split: str


def partition(name: str) -> Split:
    """The split of a file name by the official rule, which keeps every speaker in one split.

    `name` may carry a directory, which is ignored. A name without `_nohash_` is hashed whole, with its
    suffix, as the official rule does.
    """
    speaker = name.replace("\\", "/").rsplit("/", 1)[-1].split(_MARK, 1)[0]
    digest = int(hashlib.sha1(speaker.encode("utf-8"), usedforsecurity=False).hexdigest(), 16)
    percentage = (digest % (_MAX_CLIPS + 1)) * (100.0 / _MAX_CLIPS)
    if percentage < _VALIDATION_PERCENT:
        return "validation"
    if percentage < _VALIDATION_PERCENT + _TEST_PERCENT:
        return "test"
    return "train"


def as_said(word: str) -> str:
    """A word without what is not heard of its spelling: case, spaces around it, hyphens.

    Recordings in a folder "Happy" are of "happy"; as other words they would teach that it is not to be heard.
    """
    return " ".join(word.casefold().replace("-", " ").split())


def read_folder(root: Path) -> list[Clip]:
    """All clips below `root`, sorted by word and then by file name.

    Where at least one of the two lists is present, the lists decide the split: a clip in neither is "train",
    and a clip in both is "test". Otherwise `partition` decides. A list is matched by word and file name
    without suffix, so it also holds for clips converted to FLAC; entries whose file is missing are ignored.
    Hidden files, other files and folders whose name starts with `_` or `.` are ignored. No audio is decoded.

    Raises DataError if `root` is missing, cannot be read, or holds no clip.
    """
    _require_folder(root)
    try:
        listed = _read_lists(root)
        clips = [_clip(path, folder.name, listed) for folder in _word_folders(root) for path in _audio_files(folder)]
    except OSError as error:
        raise DataError(f"The folder {root} cannot be read ({error}); check its permissions.") from error
    if not clips:
        raise DataError(
            f"The folder {root} holds no clip; expected is <word>/<speaker>{_MARK}<n>.wav or .flac, "
            "one folder for each word."
        )
    return clips


def holds_clips(root: Path) -> bool:
    """Whether `root` is a folder with at least one clip in the layout.

    Raises OSError if a folder cannot be read.
    """
    return root.is_dir() and any(_audio_files(folder) for folder in _word_folders(root))


def background_files(root: Path) -> list[Path]:
    """The long recordings in `_background_noise_`, sorted by name; empty if there is no such folder.

    Raises DataError if `root` is missing or the folder cannot be read.
    """
    _require_folder(root)
    folder = root / BACKGROUND
    try:
        return _audio_files(folder) if folder.is_dir() else []
    except OSError as error:
        raise DataError(f"The folder {folder} cannot be read ({error}); check its permissions.") from error


def load_clip(path: Path, samples: int = 16000) -> NDArray[np.int16]:
    """One clip at 16 kHz as int16, shape (samples,), cut or padded with zeros equally at both ends.

    A file of another rate or with several channels is converted.

    Raises DataError if the file is missing, damaged or empty.
    """
    try:
        wave = read_mono(path)
    except AudioError as error:  # its message names the file
        raise DataError(f"{str(error).rstrip('.')}; replace or remove this clip.") from error
    # The decoder divides by 32768, so this factor gives a 16-bit file its own values back.
    whole = np.clip(np.rint(wave * np.float32(32768)), -32768, 32767).astype(np.int16)
    if whole.size >= samples:
        start = (whole.size - samples) // 2
        return whole[start : start + samples].copy()
    before = (samples - whole.size) // 2
    return np.pad(whole, (before, samples - whole.size - before))


def load_clips(clips: Sequence[Clip], samples: int = 16000, jobs: int | None = None) -> NDArray[np.int16]:
    """All clips at 16 kHz as int16, shape (len(clips), samples), in the order given; see `load_clip`.

    `jobs` is the number of threads; None lets the standard library choose.

    Raises DataError that names the first clip in order that cannot be loaded.
    """
    out = np.empty((len(clips), samples), dtype=np.int16)
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        paths = [clip.path for clip in clips]
        for row, wave in enumerate(pool.map(partial(load_clip, samples=samples), paths)):
            out[row] = wave
    return out


def _require_folder(root: Path) -> None:
    if not root.is_dir():
        raise DataError(f"There is no folder {root}; give the folder that holds one folder for each word.")


def _word_folders(root: Path) -> list[Path]:
    folders = (path for path in root.iterdir() if not path.name.startswith(("_", ".")) and path.is_dir())
    return sorted(folders, key=lambda path: path.name)


def _audio_files(folder: Path) -> list[Path]:
    files = (
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    )
    return sorted(files, key=lambda path: path.name)


def _clip(path: Path, word: str, listed: dict[str, Split] | None) -> Clip:
    speaker = path.stem.split(_MARK, 1)[0]
    split = partition(path.name) if listed is None else listed.get(f"{word}/{path.stem}", "train")
    return Clip(path, word, speaker, split)


def _read_lists(root: Path) -> dict[str, Split] | None:
    """The split of each `word/stem` that the lists name, or None if `root` has neither list."""
    listed: dict[str, Split] = {}
    present = [(root / name, split) for name, split in LISTS if (root / name).is_file()]
    for path, split in present:
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise DataError(f"The list {path} is not UTF-8 text; replace or remove it.") from error
        for line in lines:
            entry = line.strip().replace("\\", "/").removeprefix("./")
            if entry.lower().endswith(SUFFIXES):
                entry = entry.rsplit(".", 1)[0]
            if entry:
                listed[entry] = split
    return listed if present else None
