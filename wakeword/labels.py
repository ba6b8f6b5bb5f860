"""Labels of saved clips, and the folders that training takes: what ``wakeword review`` leaves behind.

The labels are ``labels.json`` beside the clips, written anew after each one: a JSON object of file name -> label, in
the order they were given.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wakeword.audio import SAMPLE_RATE, read_mono
from wakeword.clips import Clip, read_clips, slug, sound_file
from wakeword.errors import AudioError
from wakeword.files import write_atomically

LABELS = "labels.json"
KEYWORD, NOT, SKIP = "keyword", "not", "skip"
#: label -> the folder that training takes it from
FOLDERS = {KEYWORD: "positive", NOT: "negative"}
#: Sound kept around the window that decided: the word may begin a little before it or end after it.
_AROUND_S = 0.15
_SOUNDS = frozenset((".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif"))


@dataclass(frozen=True)
class Item:
    """A clip to be labelled; ``clip`` is what the manifest says of it, None where it is not in there."""

    path: Path
    clip: Clip | None = None

    def window(self) -> np.ndarray:
        """float32 (T,) at 16 kHz: the window that decided and a little around it; else the whole sound.

        Raises AudioError where the file cannot be read.
        """
        samples = read_mono(self.path)
        if self.clip is None:
            return samples
        first = max(0, round((self.clip.window_start_s - _AROUND_S) * SAMPLE_RATE))
        last = round((self.clip.window_end_s + _AROUND_S) * SAMPLE_RATE)
        cut = samples[first:last]
        return cut if len(cut) else samples


class Review:
    """The clips of a folder and their labels: those of its manifest, then any other sound files in it.

    Raises AudioError where there is no such folder, no clip, or where the manifest or the labels are damaged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not folder.is_dir():
            raise AudioError(f"{folder} is no folder: `wakeword listen --save-clips` makes one")
        clips = read_clips(folder)
        known = {clip.file for clip in clips}
        others = sorted(p for p in folder.iterdir() if p.suffix.casefold() in _SOUNDS and p.name not in known)
        self.items = [Item(folder / clip.file, clip) for clip in clips]
        self.items += [Item(path) for path in others if path.is_file() and not path.name.startswith(".")]
        if not self.items:
            raise AudioError(f"{folder} holds no clips: `wakeword listen --save-clips {folder}` collects them")
        self._by_stem: dict[str, list[Item]] = defaultdict(list)
        for item in self.items:
            self._by_stem[item.path.stem].append(item)
        self._several = len({clip.keyword for clip in clips}) > 1
        self.labels = self._read()

    @property
    def open_items(self) -> list[Item]:
        """Those without a label."""
        return [item for item in self.items if item.path.name not in self.labels]

    def label(self, item: Item, label: str) -> None:
        """Give a label and put the sound where training takes it from. Raises AudioError, OSError."""
        if wanted := self._copies(item).get(label):
            write_atomically(wanted, sound_file(item.window()))
        self._remove_but(wanted, item)
        self.labels.pop(item.path.name, None)  # a label given again is the last one
        self.labels[item.path.name] = label
        self._write()

    def undo(self) -> Item | None:
        """Take the last label back; its item, or None where there is none."""
        by_name = {item.path.name: item for item in self.items}
        while self.labels:
            name, _ = self.labels.popitem()
            if name in by_name:
                self._remove_but(None, by_name[name])
                self._write()
                return by_name[name]
        return None

    def lay_out(self) -> None:
        """Make the folders agree with the labels.

        They do unless a run was killed between two files, or clips of a second keyword came and gave each its folders.
        """
        for item in self.items:
            wanted = self._copies(item).get(self._label(item))
            if wanted and not wanted.exists():
                write_atomically(wanted, sound_file(item.window()))
            self._remove_but(wanted, item)

    def folders(self) -> list[Path]:
        """The folders that hold something, to be given to training."""
        found = {self._copies(item)[label].parent for item in self.items if (label := self._label(item)) in FOLDERS}
        return sorted(found)

    def _label(self, item: Item) -> str:
        return self.labels.get(item.path.name, SKIP)

    def _copies(self, item: Item) -> dict[str, Path]:
        """label -> where the item's copy is under that label; each keyword has folders of its own if there are many."""
        # Clips whose names differ in their ends alone must not share a copy: only the one called .flac keeps its name.
        alone = len(self._by_stem[item.path.stem]) == 1 or item.path.suffix == ".flac"
        name = f"{item.path.stem if alone else item.path.name}.flac"
        root = self._roots(item)[-1] if self._several else self.folder
        return {label: root / folder / name for label, folder in FOLDERS.items()}

    def _remove_but(self, wanted: Path | None, item: Item) -> None:
        """Remove the item's copies, also those made while the folder had fewer keywords or other clips."""
        alike = [other for other in self._by_stem[item.path.stem] if other is not item]
        kept = {wanted, *(self._copies(other).get(self._label(other)) for other in alike)}
        names = {f"{item.path.stem}.flac", f"{item.path.name}.flac"}  # what it is called depends on the others there
        for path in {
            root / folder / name for root in self._roots(item) for folder in FOLDERS.values() for name in names
        }:
            if path not in kept:
                path.unlink(missing_ok=True)

    def _roots(self, item: Item) -> list[Path]:
        return [self.folder, *([self.folder / slug(item.clip.keyword)] if item.clip else [])]

    def _read(self) -> dict[str, str]:
        path = self.folder / LABELS
        try:
            labels = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise AudioError(f"{path} is damaged: delete it and label again ({error})") from error
        if not isinstance(labels, dict) or not all(value in (KEYWORD, NOT, SKIP) for value in labels.values()):
            raise AudioError(f"{path} holds other labels than {KEYWORD}, {NOT} and {SKIP}: delete it and label again")
        return labels

    def _write(self) -> None:
        write_atomically(self.folder / LABELS, (json.dumps(self.labels, indent=1) + "\n").encode())
