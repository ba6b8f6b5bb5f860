"""Sound out: a clip on the system's default output."""

from __future__ import annotations

import numpy as np

from wakeword.audio import SAMPLE_RATE
from wakeword.devices import load_portaudio
from wakeword.errors import WakewordError


def play(samples: np.ndarray) -> None:
    """Play float32 (T,) at 16 kHz and return when it is over. Raises WakewordError where nothing can be played."""
    portaudio = load_portaudio()
    try:
        rate = round(portaudio.query_devices(kind="output")["default_samplerate"])
        if rate != SAMPLE_RATE:
            import soxr  # here, because most programs never play anything

            samples = soxr.resample(samples, SAMPLE_RATE, rate)
        portaudio.play(samples, rate, blocking=True)
    except (portaudio.PortAudioError, ValueError) as error:
        reason = str(error).strip().rstrip(".")
        raise WakewordError(f"nothing can be played ({reason}): connect a loudspeaker or headphones") from error
