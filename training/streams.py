"""Streaming evaluation: recordings strung together, heard by the real Detector, decided at any threshold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import TypeVar

import joblib
import numpy as np
from threadpoolctl import threadpool_limits

from training.clips import active_range
from training.corpus import FULL_SCALE
from wakeword.alarms import Heard, hear, hear_together, window_ends
from wakeword.audio import SAMPLE_RATE
from wakeword.decision import DecisionRule
from wakeword.model import WakeWordModel

_TOGETHER = 32  # clips heard at once

_Part = TypeVar("_Part")
_Answer = TypeVar("_Answer")


def string_together(recordings: Sequence[np.ndarray], gap_s: float = 0.5) -> np.ndarray:
    """int16 recordings -> one float32 stream with a silent gap before each and after the last."""
    gap = np.zeros(int(gap_s * SAMPLE_RATE), dtype=np.float32)
    parts: list[np.ndarray] = [gap]
    for recording in recordings:
        parts += [recording / FULL_SCALE, gap]
    return np.concatenate(parts)


def babble(recordings: Sequence[np.ndarray], samples: int, talkers: int, rng: np.random.Generator) -> np.ndarray:
    """``talkers`` people at once at equal loudness: random stretches of speech summed, float32 (samples,)."""
    speech = np.concatenate(recordings) / FULL_SCALE
    total = np.zeros(samples, dtype=np.float32)
    for _ in range(talkers):
        start = int(rng.integers(0, len(speech)))
        voice = np.resize(np.roll(speech, -start), samples)
        total += voice / max(float(np.sqrt(np.mean(voice**2))), 1e-6)
    return total


def at_snr(speech: np.ndarray, noise: np.ndarray, snr_db: float, level: float) -> np.ndarray:
    """speech + noise with 20 log10(level / rms(noise)) = snr_db; ``level`` is the speech's rms where it is active."""
    rms = max(float(np.sqrt(np.mean(noise**2))), 1e-9)
    return np.clip(speech + noise * (level / rms * 10.0 ** (-snr_db / 20.0)), -1.0, 1.0).astype(np.float32)


def hear_clips(
    model: WakeWordModel, clips: Sequence[np.ndarray], noise: np.ndarray | None = None, snr_db: float = 20.0
) -> list[Heard]:
    """Each int16 clip (T,) alone in a stream: a second before it, a second after, silent or in ``noise``.

    With noise (a long float32 recording) every clip gets its own stretch of it at ``snr_db`` against the rms of
    the clip's loud part, and the seconds around the clip hold the same noise.
    """
    streams = []
    for index, clip in enumerate(clips):
        stream = string_together([clip], gap_s=1.0)
        if noise is not None:
            stretch = np.resize(np.roll(noise, -index * 7919), len(stream))
            stream = at_snr(stream, stretch, snr_db, active_rms(clip / FULL_SCALE))
        streams.append(stream)
    return hear_all(model, streams)


def hear_long(model: WakeWordModel, streams: Sequence[np.ndarray]) -> list[Heard]:
    """Long streams, float32 (T,) each, as a Detector hears each of them; on all cores."""
    return _on_all_cores(partial(hear, model), streams)


def hear_all(model: WakeWordModel, streams: Sequence[np.ndarray]) -> list[Heard]:
    """Many short streams, float32 (T,) each, as a Detector hears each of them; on all cores."""
    groups = [streams[first : first + _TOGETHER] for first in range(0, len(streams), _TOGETHER)]
    return list(chain.from_iterable(_on_all_cores(partial(_hear_group, model), groups)))


def _on_all_cores(work: Callable[[_Part], _Answer], parts: Sequence[_Part]) -> list[_Answer]:
    """``work`` of each part, in their order; in threads, for numpy and the kernel let go of the interpreter."""
    # The cores are taken: threads of BLAS beside them would only wait for each other.
    with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(joblib.cpu_count()) as pool:
        return list(pool.map(work, parts))


def _hear_group(model: WakeWordModel, group: Sequence[np.ndarray]) -> list[Heard]:
    longest = max(map(len, group))
    rows = hear_together(model, np.stack([np.pad(stream, (0, longest - len(stream))) for stream in group]))
    ends = [window_ends(model.spec, len(stream)) for stream in group]
    return [
        Heard(end, row[: len(end)], len(stream) / SAMPLE_RATE)
        for end, row, stream in zip(ends, rows, group, strict=True)
    ]


def active_rms(clip: np.ndarray) -> float:
    """Root mean square of the loud part of a clip (see training.augment.active_range)."""
    start, end = active_range(clip)
    return float(np.sqrt(np.mean(np.square(clip[start:end])))) or 1e-4


def missed(heard: Sequence[Heard], rule: DecisionRule) -> int:
    """How many streams of hear_clips had no detection."""
    return sum(not stream.alarms(rule) for stream in heard)
