"""``wakeword detect``: keywords in sound files, as text or JSON lines."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from wakeword.audio import file_blocks
from wakeword.cli.options import detector_options, make_detector
from wakeword.cli.text import json_line, printable
from wakeword.detector import Detection, Detector, Step
from wakeword.errors import AudioError, WakewordError
from wakeword.files import write_atomically
from wakeword.recording import hear


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@detector_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line instead of text.")
@click.option("--scores", "scores_file", type=click.Path(dir_okay=False), help="Save every window's score to OUT.npz.")
def detect(
    files: tuple[str, ...],
    models: tuple[str, ...],
    point: str | None,
    threshold: float | None,
    as_json: bool,
    scores_file: str | None,
) -> None:
    """Find keywords in sound files of any rate, channels and format that libsndfile reads.

    Exit code: 0 a keyword was found, 1 none was, 2 an error (the other files are still heard, and what a file held
    before it broke off is told).
    """
    detector = make_detector(models, point, threshold)
    limits = dict(zip((model.keyword for model in detector.models), detector.thresholds, strict=True))
    found = failed = 0
    kept: dict[str, Any] = {"files": [], "keywords": [model.keyword for model in detector.models]}
    for file in files:
        here = 0
        steps: list[Step] = []
        try:
            for step in steps_of(detector, Path(file)):
                steps.append(step)
                for detection in step.detections:  # as they are heard: a file may be hours long, or break off
                    limit = limits[detection.keyword]
                    click.echo(json_line(detection, limit, file=file) if as_json else _line(file, detection, limit))
                    here += 1
            if not here and not as_json and sys.stdout is not None and sys.stdout.isatty():
                click.echo(f"{file}: no keyword")
        except AudioError as error:
            click.echo(f"wakeword: {error}", err=True)
            failed += 1
        found += here
        if steps:
            index = len(kept["files"])
            kept["files"].append(file)
            kept[f"end_s_{index}"], kept[f"scores_{index}"] = windows_of(steps)
    if scores_file:
        _save_scores(Path(scores_file), kept)
    raise SystemExit(2 if failed else 0 if found else 1)


def hear_file(detector: Detector, path: Path) -> tuple[list[Detection], np.ndarray, np.ndarray]:
    """One file through a reset Detector: detections, window ends in s (K,), scores (K, models)."""
    steps = list(steps_of(detector, path))
    return [detection for step in steps for detection in step.detections], *windows_of(steps)


def steps_of(detector: Detector, path: Path) -> Iterator[Step]:
    """What a reset Detector hears of a file, block by block. Raises AudioError where a file breaks off."""
    return (step for _, step in hear(detector, file_blocks(path)))


def windows_of(steps: Sequence[Step]) -> tuple[np.ndarray, np.ndarray]:
    """Window ends in s (K,) and scores (K, models) of steps that follow each other."""
    return np.concatenate([step.window_end_s for step in steps]), np.concatenate([step.scores for step in steps])


def _line(file: str, detection: Detection, threshold: float) -> str:
    times = f"{detection.start_s:8.2f} - {detection.end_s:.2f} s"
    heard = f"{printable(detection.keyword)}  score {detection.score:.2f} (threshold {threshold:.2f})"
    return f"{file}: {times}  {heard}"


def _save_scores(path: Path, kept: dict[str, Any]) -> None:
    """An .npz of plain arrays: files, keywords, and for file i end_s_i (K,) and scores_i (K, keywords)."""
    stream = io.BytesIO()
    arrays: dict[str, Any] = {n: np.asarray(v, str if isinstance(v, list) else None) for n, v in kept.items()}
    np.savez_compressed(stream, **arrays)
    try:
        write_atomically(path, stream.getvalue())
    except OSError as error:
        raise WakewordError(f"{path} cannot be written: {error.strerror or error}") from error
