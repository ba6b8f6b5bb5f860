"""``wakeword listen``: keywords live on a microphone."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import click

from wakeword.cli.devices import quiet_drivers
from wakeword.cli.options import FiniteRange, detector_options, make_detector, refuse_without
from wakeword.cli.session import Session, Wishes
from wakeword.clip_recorder import ClipSettings
from wakeword.microphone import MicrophoneSettings


@click.command()
@detector_options
@click.option("--device", metavar="NAME|INDEX", help="Microphone to use; `wakeword devices` lists them.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for everything that happens.")
@click.option("--seconds", type=FiniteRange(0.0, min_open=True), help="Stop after this much sound.")
@click.option(
    "--queue",
    "queue_s",
    type=FiniteRange(0.1, 600.0),
    default=4.0,
    show_default=True,
    metavar="SECONDS",
    help="Sound that waits while the machine is busy; beyond that the oldest is dropped, counted and told.",
)
@click.option(
    "--exec",
    "command",
    metavar="CMD",
    help="Run CMD in the shell at every detection, with WAKEWORD_KEYWORD, WAKEWORD_TIME (seconds of sound), "
    "WAKEWORD_SCORE and WAKEWORD_THRESHOLD in its environment.",
)
@click.option(
    "--save-clips",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Save the sound of detections and near misses, for `wakeword review`. Nothing is recorded without this.",
)
@click.option(
    "--margin",
    type=FiniteRange(0.0),
    default=2.0,
    show_default=True,
    metavar="LOGITS",
    help="A near miss is a score within this below the threshold.",
)
@click.option("--max-clips", type=click.IntRange(1), default=1000, show_default=True, help="DIR gets no more.")
def listen(
    models: tuple[str, ...],
    point: str | None,
    threshold: float | None,
    device: str | None,
    as_json: bool,
    seconds: float | None,
    queue_s: float,
    command: str | None,
    save_clips: Path | None,
    margin: float,
    max_clips: int,
) -> None:
    """Hear keywords live on a microphone until Ctrl-C.

    Times are seconds of sound since listening began. A microphone that is unplugged is waited for. What is not a
    detection goes to standard error; with --json everything is an event on standard output: listening, detection,
    near_miss (with --save-clips), lost, back, replaced, overflow, stopped.
    """
    refuse_without("save_clips", "margin", "max_clips")
    detector = make_detector(models, point, threshold)
    clips = ClipSettings(save_clips, margin, most=max_clips) if save_clips is not None else None
    session = Session(detector, MicrophoneSettings(device, queue_s=queue_s), Wishes(as_json, seconds, command, clips))
    with quiet_drivers(), _terminated(), contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is the usual way to stop
        session.run()
    click.echo(session.summary(), err=True)


@contextlib.contextmanager
def _terminated() -> Iterator[None]:
    """SIGTERM is as good as Ctrl-C: who runs this as a service stops it so, and the last clips are saved then, too."""
    if threading.current_thread() is not threading.main_thread():  # only there can it be asked for
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
