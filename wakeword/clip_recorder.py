"""Keeps the sound of detections and near misses, with what was heard just before them, as files in a folder."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from wakeword.audio import SAMPLE_RATE
from wakeword.clips import Clip, free_name, read_clips, save_clip, slug
from wakeword.detector import Detection, Detector
from wakeword.errors import WakewordError
from wakeword.listener import Heard
from wakeword.near_misses import NearMisses


@dataclass(frozen=True)
class ClipSettings:
    """folder      where the clips and their manifest go; made where it is missing
    margin      how many logits below the threshold a near miss may be
    before_s    sound kept from before the window that decided
    after_s     and from after it
    most        clips the folder may hold; then no more are saved, so that weeks of listening fill no disk
    """

    folder: Path
    margin: float = 2.0
    before_s: float = 1.0
    after_s: float = 0.4
    most: int = 1000


class ClipRecorder:
    """Takes every block that is heard and saves what is worth it; a context manager.

    ``tell`` gets one sentence where saving ends early (a full disk, a full folder); listening goes on. The files are
    written in a thread of their own, so that a slow disk does not delay the sound. Raises WakewordError where the
    folder cannot be made.
    """

    def __init__(self, detector: Detector, settings: ClipSettings, tell: Callable[[str], None]) -> None:
        self._settings, self._tell = settings, tell
        try:
            settings.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = error.strerror or error
            raise WakewordError(f"{settings.folder} cannot be made a folder of clips: {reason}") from error
        self._thresholds = dict(zip((m.keyword for m in detector.models), detector.thresholds, strict=True))
        self._near_misses = NearMisses(detector, settings.margin)
        window = max(model.spec.window_samples for model in detector.models)
        # A near miss is told up to two seconds after its peak.
        self._keep = window + int((settings.before_s + settings.after_s + 3.0) * SAMPLE_RATE)
        self._blocks: deque[np.ndarray] = deque()
        self._held = self._end = 0  # samples in the deque, and heard in all
        self._waiting: deque[tuple[str, Detection]] = deque()
        self._writer = ThreadPoolExecutor(1, "clips")
        self._writing: deque[Future[None]] = deque()
        self.saved = 0
        self._there = len(read_clips(settings.folder))
        self._names: set[str] = set()
        self._open = True

    def __enter__(self) -> ClipRecorder:
        return self

    def __exit__(self, *error: object) -> None:
        self._save_due(everything=True)
        self._writer.shutdown(wait=True)
        self._check_writer()

    def push(self, heard: Heard) -> list[Detection]:
        """Take one block; the near misses that it completed."""
        self._blocks.append(heard.samples)
        self._held += len(heard.samples)
        self._end += len(heard.samples)
        while self._held - len(self._blocks[0]) >= self._keep:
            self._held -= len(self._blocks.popleft())
        near = self._near_misses.push(heard.step)
        self._waiting += [("detection", detection) for detection in heard.step.detections]
        self._waiting += [("near_miss", detection) for detection in near]
        self._save_due()
        self._check_writer()
        return near

    def _save_due(self, everything: bool = False) -> None:
        """Hand over the clips whose sound is complete."""
        after = self._settings.after_s
        while self._waiting and (everything or self._end >= (self._waiting[0][1].end_s + after) * SAMPLE_RATE):
            kind, detection = self._waiting.popleft()
            if self._open:
                self._save(kind, detection)

    def _save(self, kind: str, detection: Detection) -> None:
        settings, start = self._settings, self._end - self._held
        if self._there + self.saved >= settings.most:
            self._stop(f"{settings.folder} holds {self._there + self.saved} clips: no more are saved")
            return
        first = max(start, round((detection.start_s - settings.before_s) * SAMPLE_RATE))
        last = min(self._end, round((detection.end_s + settings.after_s) * SAMPLE_RATE))
        samples = np.concatenate(self._blocks)[first - start : last - start]
        if not len(samples):
            return
        now = datetime.now().astimezone()
        stem = f"{now:%Y%m%d-%H%M%S}-{slug(detection.keyword)}-{kind}"
        clip = Clip(
            file=self._name(stem),
            kind=kind,
            keyword=detection.keyword,
            score=round(detection.score, 4),
            threshold=round(self._thresholds[detection.keyword], 4),
            window_start_s=round(max(0.0, detection.start_s - first / SAMPLE_RATE), 4),
            window_end_s=round(detection.end_s - first / SAMPLE_RATE, 4),
            heard_at=now.isoformat(timespec="seconds"),
        )
        self.saved += 1
        self._writing.append(self._writer.submit(save_clip, settings.folder, clip, samples))

    def _name(self, stem: str) -> str:
        """A name that is free on the disk and among the clips still to be written."""
        name, number = free_name(self._settings.folder, stem), 1
        while name in self._names:
            number += 1
            name = free_name(self._settings.folder, f"{stem}-{number}")
        self._names.add(name)
        return name

    def _check_writer(self) -> None:
        while self._writing and self._writing[0].done():
            error = self._writing.popleft().exception()
            self.saved -= error is not None
            if error is not None and self._open:
                reason = getattr(error, "strerror", None) or error
                self._stop(f"{self._settings.folder} cannot be written ({reason}): no more clips are saved")

    def _stop(self, why: str) -> None:
        self._open = False
        self._tell(why)
