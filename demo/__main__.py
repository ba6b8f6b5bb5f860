"""``python -m demo``: the bundled keyword in a recording of people the model never heard, or live."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from demo.replay import Pace, judge, read_spoken, replay, table
from wakeword.audio import SAMPLE_RATE, read_mono
from wakeword.cli.meter import Meter
from wakeword.detector import Detector
from wakeword.errors import ModelFileError, WakewordError

KEYWORD = "happy"
RECORDINGS = Path(__file__).parent / "recordings"


@click.command()
@click.option("--fast", is_flag=True, help="Do not wait: as fast as the processor allows.")
@click.option("--mic", is_flag=True, help="Listen to the microphone instead of the recording.")
@click.option("--model", default=KEYWORD, metavar="NAME|FILE", help="Another model of the same keyword.")
def main(fast: bool, mic: bool, model: str) -> None:
    """Replay a recording in which "happy" is said among other words, and find it.

    Exit code: 0 everything found and no false alarm, 1 not, 2 an error.
    """
    if mic:
        from wakeword.cli import main as wakeword

        wakeword(["listen", "--model", model])
    try:
        passed = run(model, fast)
    except WakewordError as error:
        click.echo(f"demo: {error}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:  # stopped before the end: no verdict, and no traceback either
        sys.exit(130)
    sys.exit(0 if passed else 1)


def run(model: str, fast: bool) -> bool:
    """Replay, print the table, and say whether everything was found and nothing else."""
    detector = Detector(model)
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


if __name__ == "__main__":
    main()
