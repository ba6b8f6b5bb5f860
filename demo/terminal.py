"""The demonstration in a terminal: the recording replayed, with the meter, the table and the verdict."""

from __future__ import annotations

import click

from demo import KEYWORD, RECORDINGS
from demo.replay import Pace, judge, read_spoken, replay, table
from wakeword.audio import SAMPLE_RATE, read_mono
from wakeword.cli.meter import Meter
from wakeword.detector import Detector
from wakeword.errors import ModelFileError
from wakeword.model import load_model


def run(model: str, fast: bool) -> bool:
    """Replay, print the table, and say whether everything was found and nothing else."""
    # The room of a calibration is not the recording's.
    detector = Detector(load_model(model, calibrated=False))
    if detector.models[0].keyword != KEYWORD:
        raise ModelFileError(f"the recording is made for {KEYWORD!r}, and {model} hears another keyword")
    samples = read_mono(RECORDINGS / f"{KEYWORD}.flac")
    spoken = read_spoken(RECORDINGS / f"{KEYWORD}.json")
    seconds = len(samples) / SAMPLE_RATE
    speakers = "as fast as possible" if fast else "as it was spoken"
    click.echo(f'{len(spoken)} words by {len(spoken)} people, {seconds:.0f} s, {speakers}; listening for "{KEYWORD}"')
    with Meter(detector) as meter:
        detections = replay(detector, samples, spoken, meter, Pace(fast))
    verdict = judge(spoken, detections, KEYWORD)
    click.echo("\n" + "\n".join(table(verdict, spoken, seconds, KEYWORD)))
    return verdict.passed
