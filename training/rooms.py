"""Rooms: simulated impulse responses between a mouth and a microphone, so that a detector is not deaf in one.

Image sources in shoebox rooms (Allen and Berkley, 1979), by pyroomacoustics.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

from close_negatives.cache import content_key
from training.cache import cached_array

_RATE = 16_000
_BEFORE = 20  # samples kept before the direct sound, for the side lobes of its fractional delay
_VERSION = 1  # of this file's arithmetic; part of what is cached


@dataclass(frozen=True)
class RoomSettings:
    """The rooms of a bank.

    count            impulse responses
    size_m           smallest and largest width, depth and height, in metres
    reverberation_s  shortest and longest time in which an echo falls by 60 dB
    distance_m       mean distance of the microphone in each direction; people speak to a device across a room
    tail_s           what is kept of a response; later echoes lie below the noise of a recording
    """

    count: int = 150
    size_m: tuple[tuple[float, float, float], tuple[float, float, float]] = ((2.5, 2.5, 2.2), (8.0, 6.0, 3.5))
    reverberation_s: tuple[float, float] = (0.15, 0.7)
    distance_m: float = 1.2
    tail_s: float = 0.375


def room_bank(settings: RoomSettings = RoomSettings()) -> np.ndarray:
    """Impulse responses, float32 (count, tail), each of energy 1 and with its direct sound near the beginning.

    The same settings give the same bank; it is kept in the cache, because simulating it takes some seconds.
    """
    key = content_key(_VERSION, [repr(settings)])
    return cached_array("rooms", key, lambda: np.stack([_response(settings, i) for i in range(settings.count)]))


def reverberate(clips: np.ndarray, responses: np.ndarray) -> np.ndarray:
    """Each clip heard through its response: float32 (B, T), (B, R) -> (B, T), the echoes after T cut off."""
    size = scipy.fft.next_fast_len(clips.shape[1] + responses.shape[1] - 1, real=True)
    heard = scipy.fft.irfft(scipy.fft.rfft(clips, size) * scipy.fft.rfft(responses, size), size)
    return heard[:, : clips.shape[1]].astype(np.float32)


def _response(settings: RoomSettings, index: int) -> np.ndarray:
    import pyroomacoustics  # loaded here: only a bank that is not cached needs it

    rng = np.random.default_rng(index)
    while True:
        size = rng.uniform(*settings.size_m)
        try:
            absorption, order = pyroomacoustics.inverse_sabine(rng.uniform(*settings.reverberation_s), size)
        except ValueError:  # no wall absorbs enough for so short an echo in so large a room
            continue
        room = pyroomacoustics.ShoeBox(
            size, fs=_RATE, materials=pyroomacoustics.Material(absorption), max_order=min(order, 12)
        )
        mouth = rng.uniform(0.3, size - 0.3)
        room.add_source(mouth)
        room.add_microphone(np.clip(mouth + rng.normal(0.0, settings.distance_m, 3), 0.2, size - 0.2))
        room.compute_rir()
        response = room.rir[0][0]
        first = max(0, int(np.argmax(np.abs(response))) - _BEFORE)
        tail = np.zeros(round(settings.tail_s * _RATE))
        part = response[first : first + len(tail)]
        tail[: len(part)] = part
        return (tail / np.sqrt(np.sum(tail**2))).astype(np.float32)
