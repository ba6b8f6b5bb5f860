"""Replays a recording through the detector at the speed it was spoken, and judges what was found."""

from __future__ import annotations

import json
import textwrap
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wakeword.audio import SAMPLE_RATE
from wakeword.cli.meter import Meter
from wakeword.detector import Detection, Detector
from wakeword.errors import AudioError
from wakeword.microphone import level_db

BLOCK = 1280  # samples: 80 ms, the blocks a microphone delivers
#: A detection belongs to a word when it comes while the word's clip plays or so many seconds after it.
LATE_S = 0.5


@dataclass(frozen=True)
class Spoken:
    """A word in the recording and where its clip begins and ends, in seconds."""

    word: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Verdict:
    """What was spoken against what was found.

    found         each time the keyword was spoken, with its detection, or None where it was missed
    false_alarms  detections that belong to no keyword, or to one that had its detection already
    """

    found: Sequence[tuple[Spoken, Detection | None]]
    false_alarms: Sequence[Detection]

    @property
    def missed(self) -> int:
        """How many of the spoken keywords were not found."""
        return sum(detection is None for _, detection in self.found)

    @property
    def passed(self) -> bool:
        """Whether everything was found and nothing else."""
        return not self.missed and not self.false_alarms


def read_spoken(path: Path) -> list[Spoken]:
    """The list of what is spoken: JSON objects with word, start_s and end_s. Raises AudioError."""
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return [Spoken(str(e["word"]), float(e["start_s"]), float(e["end_s"])) for e in entries]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AudioError(f"{path} is no list of spoken words ({error})") from error


def judge(spoken: Sequence[Spoken], detections: Sequence[Detection], keyword: str) -> Verdict:
    """Give each spoken keyword the first detection during it or up to LATE_S after; false alarms are left."""
    left = sorted(detections, key=lambda detection: detection.end_s)
    found: list[tuple[Spoken, Detection | None]] = []
    for word in spoken:
        if word.word != keyword:
            continue
        hit = next((d for d in left if word.start_s < d.end_s <= word.end_s + LATE_S), None)
        if hit is not None:
            left.remove(hit)
        found.append((word, hit))
    return Verdict(found, left)


@dataclass(frozen=True)
class Pace:
    """How fast a recording is replayed. ``clock`` and ``sleep`` are in seconds; ``fast`` does not wait."""

    fast: bool = False
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def replay(
    detector: Detector, samples: np.ndarray, spoken: Sequence[Spoken], meter: Meter, pace: Pace
) -> list[Detection]:
    """Stream float32 (T,) at 16 kHz block by block, each when it would be heard; the detections in order."""
    started = pace.clock()
    detections: list[Detection] = []
    for first in range(0, len(samples), BLOCK):
        block = samples[first : first + BLOCK]
        heard_s = (first + len(block)) / SAMPLE_RATE
        # Measured from the start, not from the block before: the time the detector takes must not add up.
        if not pace.fast:
            pace.sleep(max(0.0, started + heard_s - pace.clock()))
        step = detector.step(block)
        detections += step.detections
        said = next((f'"{word.word}"' for word in spoken if word.start_s < heard_s <= word.end_s), " ")
        meter.update(heard_s, level_db(block), step, said)
    return detections


def table(verdict: Verdict, spoken: Sequence[Spoken], seconds: float, keyword: str) -> list[str]:
    """The verdict as lines of text: each keyword, each false alarm, the other words, one line as the sum."""
    lines = ["spoken               found"]
    for word, detection in verdict.found:
        result = "missed" if detection is None else f"at {detection.end_s:.2f} s, score {detection.score:.2f}"
        lines.append(f"{word.start_s:6.2f} s  {keyword:<10}  {result}")
    for alarm in verdict.false_alarms:
        during = min(spoken, key=lambda word: abs(word.end_s - alarm.end_s), default=None)
        near = f' near "{during.word}"' if during else ""
        lines.append(f"{'':8}  {'-':<10}  false alarm at {alarm.end_s:.2f} s, score {alarm.score:.2f}{near}")
    others = sorted({word.word for word in spoken if word.word != keyword})
    lines += ["", *textwrap.wrap(f"{len(others)} other words: {', '.join(others)}", 78)]
    count, alarms = len(verdict.found), len(verdict.false_alarms)
    lines.append(
        f"{'PASSED' if verdict.passed else 'FAILED'}: {count - verdict.missed} of {count} found, "
        f"{alarms} false alarm{'' if alarms == 1 else 's'} in {seconds:.1f} s"
    )
    return lines
