"""A detection as a line for people or for programs, and text from files made safe to print."""

from __future__ import annotations

import json

from wakeword.detector import Detection


def printable(text: str) -> str:
    """A model file is somebody else's: its keyword must not be able to steer the terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def as_text(detection: Detection) -> str:
    """``  12.48 s  happy   score 9.31``"""
    return f"{detection.end_s:7.2f} s  {printable(detection.keyword)}   score {detection.score:.2f}"


def json_line(detection: Detection, threshold: float, **more: str) -> str:
    """One JSON object in a line of ASCII, which any terminal, pipe and parser takes; ``more`` comes first."""
    record = {
        **more,
        "keyword": detection.keyword,
        "start_s": round(detection.start_s, 3),
        "end_s": round(detection.end_s, 3),
        "score": round(detection.score, 4),
        "threshold": round(threshold, 4),
    }
    return json.dumps(record)
