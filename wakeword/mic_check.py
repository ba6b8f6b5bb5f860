"""What a microphone delivers, in numbers and in words: level, clipping, noise floor, SNR, offset."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wakeword.audio import SAMPLE_RATE
from wakeword.levels import FRAME, SILENCE_DB, clipped_samples, frame_levels, level_db, peak_db, to_db

#: Speech is at least so far above the floor, and at least so long in all, before its SNR is worth a figure.
_ABOVE_FLOOR_DB, _LEAST_SPEECH_S = 9.0, 0.4
#: Frames within this of the floor are the room's.
_ROOM_DB = 4.0
#: SNR in dB -> what it is worth. A distant microphone in a quiet room reaches 20, a headset 35 and more.
_GRADES = ((30.0, "excellent"), (20.0, "good"), (12.0, "fair"), (-np.inf, "poor"))
_CLIPPED_SHARE, _QUIET_DB, _OFFSET, _NOISY_DB = 1e-3, -50.0, 0.02, -40.0


@dataclass(frozen=True)
class MicReport:
    """What was measured; levels in dB below full scale.

    seconds          of sound, of which speech_s were speech
    level_db         of everything; peak_db its largest sample
    clipped          samples at full scale
    noise_floor_db   of the frames between the words
    speech_db        of the words, the noise under them taken off; None where hardly anybody spoke
    snr_db           the difference; None likewise
    dc_offset        mean of the samples, of full scale 1
    quality          "excellent", "good", "fair", "poor", or "unknown" where nobody spoke
    advice           sentences: what is wrong and how to mend it
    """

    seconds: float
    speech_s: float
    level_db: float
    peak_db: float
    clipped: int
    noise_floor_db: float
    speech_db: float | None
    snr_db: float | None
    dc_offset: float
    quality: str
    advice: tuple[str, ...]


def examine(samples: np.ndarray) -> MicReport:
    """float32 (T,) at 16 kHz, in which somebody may have spoken between pauses -> the report. T is at least 0.2 s."""
    if len(samples) < SAMPLE_RATE // 5:
        raise ValueError("a microphone is examined with at least 0.2 s of sound")
    levels = frame_levels(samples)
    lowest = float(np.percentile(levels, 10))
    room = levels[levels <= lowest + _ROOM_DB]
    floor = to_db(float(np.mean(10.0 ** (room / 10.0))))
    loud = levels[levels > max(floor + _ABOVE_FLOOR_DB, SILENCE_DB + 40.0)]
    speech_s = len(loud) * FRAME / SAMPLE_RATE
    speech = snr = None
    if speech_s >= _LEAST_SPEECH_S:
        power = float(np.mean(10.0 ** (loud / 10.0))) - 10.0 ** (floor / 10.0)
        speech = to_db(power)
        snr = speech - floor
    clipped = clipped_samples(samples)
    offset = float(np.mean(samples, dtype=np.float64))
    figures = MicReport(
        seconds=len(samples) / SAMPLE_RATE,
        speech_s=speech_s,
        level_db=level_db(samples),
        peak_db=peak_db(samples),
        clipped=clipped,
        noise_floor_db=floor,
        speech_db=speech,
        snr_db=snr,
        dc_offset=offset,
        quality="unknown",
        advice=(),
    )
    return _judged(figures)


def _judged(report: MicReport) -> MicReport:
    """The report with its words."""
    quality = "unknown"
    if report.snr_db is not None:
        quality = next(word for least, word in _GRADES if report.snr_db >= least)
    silent = report.peak_db <= SILENCE_DB
    clipping = report.clipped > _CLIPPED_SHARE * report.seconds * SAMPLE_RATE
    quiet = report.speech_db is not None and report.speech_db < _QUIET_DB
    if silent:
        quality = "poor"
    elif (clipping or quiet) and quality in ("excellent", "good"):
        quality = "fair"
    low_snr = report.snr_db is not None and report.snr_db < _GRADES[1][0]
    findings = (
        (silent, "it delivers nothing but zeros: it is muted, or this program may not use it"),
        (clipping, "it clips: turn it down, or move back"),
        (quiet, "speech is very quiet: turn it up, or come closer"),
        (low_snr, "the room is loud against the voice: come closer, or silence what hums"),
        (report.noise_floor_db > _NOISY_DB, "the noise floor is high: look for a fan, a hum, or an automatic gain"),
        (
            abs(report.dc_offset) > _OFFSET,
            "it has a constant offset, which wastes its range: try another input or cable",
        ),
        (quality == "unknown", "nobody was heard speaking: check again, and say a few sentences"),
    )
    advice = tuple(sentence for found, sentence in findings if found)
    return MicReport(**{**vars(report), "quality": quality, "advice": advice})
