"""``wakeword calibrate``: the threshold for one's own room, from its microphone or from recordings."""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np

from wakeword.alarms import Heard, hear_blocks, per_hour, poisson_upper
from wakeword.audio import SAMPLE_RATE, file_blocks, sound_files
from wakeword.calibration import Calibration
from wakeword.calibration import calibrate as choose
from wakeword.cli.options import FiniteRange, refuse_together
from wakeword.cli.text import printable
from wakeword.errors import AudioError
from wakeword.files import check_folder, write_atomically
from wakeword.microphone import Microphone, MicrophoneSettings
from wakeword.model import WakeWordModel, calibration_path, load_model, model_path
from wakeword.sidecar import content


@click.command()
@click.argument("model", metavar="MODEL")
@click.option(
    "--minutes", type=FiniteRange(0.0, min_open=True), default=5.0, show_default=True, help="Listen for so long."
)
@click.option("--audio", type=click.Path(path_type=Path), help="Folder of recordings (or one) instead of a microphone.")
@click.option("--device", metavar="NAME|INDEX", help="Microphone to use; `wakeword devices` lists them.")
@click.option(
    "--false-alarms-per-hour", "wanted", type=FiniteRange(0.0), default=0.2, show_default=True,
    help="How many are acceptable.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="What was measured, as one JSON object.")
@click.option("--remove", is_flag=True, help="Go back to the model's own threshold.")
def calibrate(
    model: str, minutes: float, audio: Path | None, device: str | None, wanted: float, as_json: bool, remove: bool
) -> None:
    """Set MODEL's threshold by the sound of your room, in which nobody says the keyword meanwhile.

    Let it hear what the room is like: people talking, the radio, the kitchen. The threshold goes into a small file
    beside the model (for a bundled model: into your configuration folder), which is loaded with the model from then
    on; `wakeword info` shows it. No sound is kept.
    """
    refuse_together("audio", "minutes", "device")
    refuse_together("remove", "audio", "minutes", "device", "wanted", "as_json")
    path = model_path(model)
    sidecar = calibration_path(path)
    if remove:
        existed = sidecar.exists()
        sidecar.unlink(missing_ok=True)
        click.echo(f"removed {sidecar}" if existed else f"there is no calibration: {sidecar}")
        return
    loaded = load_model(path, calibrated=False)
    check_folder(sidecar.parent)  # before five minutes are heard for nothing
    if audio is None:
        streams, source = _microphone(loaded, device, minutes * 60)
    else:
        streams, source = _files(loaded, audio)
    try:
        chosen = choose(loaded, streams, wanted)
    except ValueError as error:
        raise AudioError(f"{source}: {error}; it takes at least a second and a half") from error
    measured = chosen.measured(source, datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"))
    write_atomically(sidecar, content(path, measured))
    _warn(chosen, printable(loaded.keyword))
    if as_json:
        click.echo(json.dumps({"keyword": loaded.keyword, "file": str(sidecar), **measured}, indent=1))
        return
    _show(chosen, streams, source)
    click.echo(f"written to {sidecar}")


def _microphone(model: WakeWordModel, device: str | None, seconds: float) -> tuple[list[Heard], str]:
    """So many seconds of the microphone as one stream, and its name."""
    with Microphone(MicrophoneSettings(device=device), lambda notice: click.echo(notice, err=True)) as microphone:
        name = printable(microphone.device.name)
        click.echo(f"listening to {name} for {seconds / 60:g} min: do not say {printable(model.keyword)!r}", err=True)
        heard = hear_blocks(model, _for(microphone, seconds))
    return [heard], f"microphone {name!r}"


def _for(microphone: Microphone, seconds: float) -> Iterator[np.ndarray]:
    """The first ``seconds`` of a microphone, with a bar that fills in a terminal."""
    heard, wanted = 0, round(seconds * SAMPLE_RATE)
    with click.progressbar(length=wanted, file=sys.stderr, hidden=not sys.stderr.isatty()) as bar:
        for block in microphone:
            heard += len(block)
            bar.update(len(block))
            yield block
            if heard >= wanted:
                return


def _files(model: WakeWordModel, audio: Path) -> tuple[list[Heard], str]:
    """Every recording of a folder and of those in it, each a stream of its own."""
    if not audio.is_dir():
        return [hear_blocks(model, file_blocks(audio))], str(audio)
    streams = []
    with click.progressbar(sound_files(audio), file=sys.stderr, hidden=not sys.stderr.isatty()) as shown:
        for path in shown:
            try:
                streams.append(hear_blocks(model, file_blocks(path)))
            except AudioError as error:  # one bad file among thousands is no reason to stop
                click.echo(f"wakeword: passed over: {error}", err=True)
    if not streams:
        raise AudioError(f"no sound file in {audio} can be read")
    return streams, f"{len(streams)} file{'' if len(streams) == 1 else 's'} of {audio}"


def _warn(chosen: Calibration, keyword: str) -> None:
    """What may be wrong with the sound, or with what it is asked to show."""
    if chosen.threshold > chosen.own:
        click.echo(
            f"note: if some of these alarms were {keyword!r} itself, the threshold is too high and it will be missed: "
            "calibrate again by sound without it",
            err=True,
        )
    at_most = chosen.false_alarms["upper_95"]
    if at_most is not None and at_most > chosen.wanted > 0:
        click.echo(
            f"note: so little sound shows only that there are at most {at_most:.1f} alarms an hour; to show "
            f"{chosen.wanted:g} takes {poisson_upper(0) / chosen.wanted:.0f} h without an alarm",
            err=True,
        )


def _show(chosen: Calibration, streams: list[Heard], source: str) -> None:
    """What was heard, the alarms at each threshold, and the one that was chosen."""
    hours = sum(stream.seconds for stream in streams) / 3600
    length = f"{hours:.2f} h" if hours >= 1 else f"{hours * 60:.1f} min"
    click.echo(f"heard {length} of {printable(source)}")
    click.echo("threshold  alarms   an hour   at most, with 95 %")
    for threshold, count in chosen.by_threshold:
        rate = per_hour(count, hours)
        click.echo(f"{threshold:9.2f}  {count:6}  {rate['per_hour']:8.2f}  {rate['upper_95']:8.2f}")
    click.echo(f"threshold {chosen.threshold:.2f}, {chosen.reason}")
    at = chosen.false_alarms
    click.echo(f"measured at it: {at['count']} alarms in {length}, so at most {at['upper_95']:.2f} an hour with 95 %")
