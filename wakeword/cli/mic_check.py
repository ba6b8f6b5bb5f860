"""``wakeword mic-check``: whether this microphone, here, is good enough."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
import numpy as np

from wakeword.audio import SAMPLE_RATE
from wakeword.cli.devices import quiet_drivers
from wakeword.cli.level_line import LevelLine
from wakeword.cli.options import FiniteRange
from wakeword.cli.text import printable
from wakeword.mic_check import MicReport, examine
from wakeword.microphone import Microphone, MicrophoneSettings

_MEANING = {
    "excellent": "nearly every keyword should be heard",
    "good": "most keywords should be heard; from across the room, or over music, some will be missed",
    "fair": "close by it should work; many keywords will be missed otherwise",
    "poor": "many keywords will be missed",
    "unknown": "without speech there is no telling",
}
#: The telephone's rate: a microphone below 16 kHz has lost what tells s from f.
_NARROW_HZ = 16_000


@click.command("mic-check")
@click.option("--device", metavar="NAME|INDEX", help="Microphone to check; `wakeword devices` lists them.")
@click.option("--seconds", type=FiniteRange(1.0, 600.0), default=6.0, show_default=True, help="How long.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def mic_check(device: str | None, seconds: float, as_json: bool) -> None:
    """Measure a microphone: be silent for two seconds, then say a few words from where you will speak.

    Level, clipping, noise floor, speech to noise, offset, and what to expect of it. Nothing is saved. Exit code: 0
    good enough, 1 poor or nobody spoke, 2 an error.
    """
    with quiet_drivers(), Microphone(MicrophoneSettings(device=device), lambda told: click.echo(told, err=True)) as mic:
        click.echo(
            f"listening to {printable(mic.device.name)} for {seconds:g} s: be silent for two, then speak", err=True
        )
        samples = _hear(mic, seconds)
    report = examine(samples)
    narrow = mic.rate < _NARROW_HZ
    if as_json:
        about = {"device": mic.device.name, "rate": mic.rate, "overflows": mic.overflows}
        click.echo(json.dumps({**about, **_rounded(report), "narrow_band": narrow}))
    else:
        click.echo("\n".join(_lines(report, mic, narrow)))
    raise SystemExit(1 if report.quality in ("poor", "unknown") else 0)


def _hear(microphone: Microphone, seconds: float) -> np.ndarray:
    heard, count = [], 0
    with LevelLine() as line:
        for block in microphone:
            heard.append(block)
            count += len(block)
            left = seconds - count / SAMPLE_RATE
            if left <= 0.0:
                break
            line.show(microphone.level, f"{left:.0f} s left")
    return np.concatenate(heard)


def _rounded(report: MicReport) -> dict[str, object]:
    figures = {k: round(v, 5) if isinstance(v, float) else v for k, v in asdict(report).items()}
    return {**figures, "meaning": _MEANING[report.quality]}


def _lines(report: MicReport, microphone: Microphone, narrow: bool) -> list[str]:
    speech = "nobody spoke"
    if report.speech_db is not None:
        speech = (
            f"{report.speech_db:.0f} dB, {report.snr_db:.0f} dB above the noise ({report.speech_s:.1f} s of speech)"
        )
    rows = [
        ("device", f"{printable(microphone.device.name)}, {microphone.rate} Hz"),
        ("level", f"{report.level_db:.0f} dB, peak {report.peak_db:.0f} dB"),
        ("clipping", f"{report.clipped} samples" if report.clipped else "none"),
        ("noise floor", f"{report.noise_floor_db:.0f} dB"),
        ("speech", speech),
        ("offset", f"{100.0 * report.dc_offset:.2f} % of full scale"),
        ("lost sound", f"{microphone.overflows} overflows" if microphone.overflows else "none"),
        ("quality", f"{report.quality}: {_MEANING[report.quality]}"),
    ]
    advice = list(report.advice)
    if narrow:
        advice.append(f"it runs at {microphone.rate} Hz, as telephones do: choose another profile of the headset")
    return [f"{name:12} {value}" for name, value in rows] + [f"{'':12} {sentence}" for sentence in advice]
