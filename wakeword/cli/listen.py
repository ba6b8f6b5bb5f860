"""``wakeword listen``: keywords live on a microphone; ``wakeword devices``: the microphones there are."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict

import click

from wakeword.audio import SAMPLE_RATE
from wakeword.cli.meter import Meter, Screen
from wakeword.cli.options import detector_options, make_detector
from wakeword.cli.text import as_text, json_line, printable
from wakeword.detector import Detection, Detector
from wakeword.devices import NO_DEVICE
from wakeword.errors import MicrophoneError
from wakeword.microphone import Device, Microphone, MicrophoneSettings, list_devices


@click.command()
@detector_options
@click.option("--device", metavar="NAME|INDEX", help="Microphone to use; `wakeword devices` lists them.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line instead of text and meter.")
@click.option("--seconds", type=click.FloatRange(0.0, min_open=True), help="Stop after this much sound.")
def listen(
    models: tuple[str, ...],
    point: str | None,
    threshold: float | None,
    device: str | None,
    as_json: bool,
    seconds: float | None,
) -> None:
    """Hear keywords live on a microphone until Ctrl-C.

    Times are seconds of sound since listening began. What is not a detection goes to standard error.
    """
    detector = make_detector(models, point, threshold)
    session = _Session(detector, as_json)
    with contextlib.suppress(KeyboardInterrupt):  # the usual way to stop
        session.run(MicrophoneSettings(device=device), seconds)
    click.echo(session.summary(), err=True)


class _Session:
    """One run of ``listen``: what was heard so far, whatever ends it."""

    def __init__(self, detector: Detector, as_json: bool) -> None:
        self._detector, self._as_json = detector, as_json
        self._samples = self._detections = 0
        self._microphone: Microphone | None = None
        self._limits = dict(zip((m.keyword for m in detector.models), detector.thresholds, strict=True))

    def run(self, settings: MicrophoneSettings, seconds: float | None) -> None:
        """Listen for ``seconds`` of sound, or until interrupted; raises MicrophoneError."""
        screen = Screen.standard_output()
        if self._as_json:
            screen = screen.plain()
        meter = Meter(self._detector, self._as_line, screen)
        self._microphone = Microphone(settings, meter.notice)
        with self._microphone as microphone, meter:
            names = ", ".join(printable(keyword) for keyword in self._limits)
            click.echo(f"listening for {names} on {microphone.device.name} (Ctrl-C stops)", err=True)
            for block in microphone:
                self._samples += len(block)
                step = self._detector.step(block)
                self._detections += len(step.detections)
                meter.update(self._samples / SAMPLE_RATE, microphone.level, step)
                if seconds is not None and self._samples >= seconds * SAMPLE_RATE:
                    return

    def summary(self) -> str:
        """``heard 12.4 s, 2 detections``, and what went wrong if anything did."""
        parts = [f"heard {self._samples / SAMPLE_RATE:.1f} s", _counted(self._detections, "detection")]
        if self._microphone is not None:
            overflows, reconnects = self._microphone.overflows, self._microphone.reconnects
            parts += [f"{_counted(overflows, 'overflow')} (sound was lost)"] if overflows else []
            parts += [_counted(reconnects, "reconnect")] if reconnects else []
        return ", ".join(parts)

    def _as_line(self, detection: Detection) -> str:
        return json_line(detection, self._limits[detection.keyword]) if self._as_json else as_text(detection)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def devices(as_json: bool) -> None:
    """List the microphones: the index or the name is what `wakeword listen --device` takes."""
    found = list_devices()
    if not found:
        raise MicrophoneError(NO_DEVICE)
    if as_json:
        for device in found:
            click.echo(json.dumps(asdict(device)))
        return
    terminal = sys.stdout.isatty()
    lines = _table(found, shutil.get_terminal_size().columns - 1 if terminal else None)
    click.echo(click.style(lines[0], bold=True) if terminal else lines[0])
    click.echo("\n".join(lines[1:]))


def _table(found: Sequence[Device], width: int | None) -> list[str]:
    """A header and one line a device, in columns, the name last so that a narrow terminal cuts only it."""
    rows = [("index", "", "rate", "channels", "host API", "name")]
    for device in found:
        rate = f"{device.native_rate} Hz" if device.native_rate else "unknown"
        mark = "default" if device.is_default else ""
        name = printable(device.name)
        rows.append((str(device.index), mark, rate, str(device.channels), device.host_api, name))
    widths = [max(len(row[column]) for row in rows) for column in range(5)] + [0]
    cells = [[f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)] for row in rows]
    return ["  ".join(row)[:width] for row in cells]
