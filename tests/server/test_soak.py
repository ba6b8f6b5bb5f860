"""A day in the life of a Detector, and a hundred at once. Short in ``make test``; ``make soak`` runs them in full."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from wyoming.audio import AudioChunk, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.info import Describe, Info

from wakeword import Detector, FeatureStream, mfcc
from wakeword.audio import Resampler
from wakeword.windows import SlidingWindows

SOAK = os.environ.get("WAKEWORD_SOAK") == "1"
HOURS = 24.0 if SOAK else 0.05
STREAMS = 100
BLOCK = 1280
RATE = 16_000


def resident_mb() -> float:
    """Memory of this process that is in use now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_a_day_of_sound_changes_neither_memory_nor_scores_nor_the_clock(recording: np.ndarray) -> None:
    """The recording over and over, its length a multiple of the hop: every round must be like the second one, in which
    the windows already hold the end of the round before, and be heard exactly one round later."""
    blocks = len(recording) // BLOCK
    turns = max(3, round(HOURS * 3600 * RATE / (blocks * BLOCK)))
    detector, memory = Detector("happy"), []
    second_scores, second_ends, difference = np.zeros(0), [], 0.0
    for turn in range(turns):
        scores, ends = [], []
        for block in range(blocks):
            step = detector.step(recording[block * BLOCK : (block + 1) * BLOCK])
            scores.append(step.scores[:, 0])
            ends += [detection.end_s for detection in step.detections]
            # Window k is samples 1280 k to 1280 k + 15,920, which is 560 samples into a block; the first needs 13.
            now = turn * blocks + block
            assert step.window_end_s.tolist() == ([(now * BLOCK + 560) / RATE] if now >= 12 else [])
        memory.append(resident_mb())
        if turn == 1:
            second_scores, second_ends = np.concatenate(scores), [round(end * RATE) for end in ends]
            assert len(second_scores) == blocks
            assert len(second_ends) == 6
        elif turn > 1:
            difference = max(difference, float(np.abs(np.concatenate(scores) - second_scores).max()))
            later = (turn - 1) * blocks * BLOCK
            assert ends == [(end + later) / RATE for end in second_ends]  # to the sample
    hours = turns * blocks * BLOCK / RATE / 3600
    print(f"\n{hours:.2f} h: scores differ by at most {difference:.1e}, memory {memory[1]:.1f} -> {memory[-1]:.1f} MB")
    assert difference < 1e-4
    # The allocator breathes by some MB; one number kept for every window of a day would be 35 MB.
    assert np.median(memory[-max(1, turns // 10) :]) < memory[1] + 8.0


def test_a_hundred_detectors_in_turn_hear_what_each_hears_alone(
    make_model: Callable[..., Any], recording: np.ndarray
) -> None:
    """Each has sound of its own in blocks of its own, and half of them another rate; they take turns at random."""
    seconds = 60 if SOAK else 2
    model, rng = make_model(units=64, attention=True), np.random.default_rng(5)
    sounds = [np.roll(recording, -int(at)) for at in rng.integers(0, len(recording), STREAMS)]
    sounds = [sound[: RATE * seconds] / np.float32(32_768) for sound in sounds]
    detectors = [Detector(model, threshold=0.0) for _ in sounds]
    resamplers = [Resampler(RATE if index % 2 else 22_050) for index in range(STREAMS)]
    at, heard = [0] * STREAMS, [[] for _ in range(STREAMS)]
    going = list(range(STREAMS))
    while going:
        index = going[int(rng.integers(len(going)))]
        size = int(rng.integers(1, 6000))
        block = sounds[index][at[index] : at[index] + size]
        at[index] += size
        heard[index] += detectors[index].process(resamplers[index].push(block))
        if at[index] >= len(sounds[index]):
            going.remove(index)
    assert sum(map(len, heard)) > STREAMS / 2
    for index, sound in enumerate(sounds):
        alone = Detector(model, threshold=0.0).process(Resampler(resamplers[index].rate).push(sound))
        assert [(found.keyword, found.end_s) for found in heard[index]] == [(d.keyword, d.end_s) for d in alone]
        np.testing.assert_allclose([d.score for d in heard[index]], [d.score for d in alone], atol=1e-4)


def test_a_hundred_stacked_streams_score_as_each_does_alone(
    make_model: Callable[..., Any], recording: np.ndarray
) -> None:
    seconds = 60 if SOAK else 2
    model = make_model(units=32, networks=2)
    sounds = np.stack([np.roll(recording, -index * 7919)[: RATE * seconds] for index in range(STREAMS)])
    sounds = sounds / np.float32(32_768)
    features, windows = FeatureStream(model.spec, streams=STREAMS), SlidingWindows([model], 8, streams=STREAMS)
    blocks = [sounds[:, first : first + 999] for first in range(0, sounds.shape[1], 999)]
    stacked = np.concatenate([windows.push(features.push(block)).scores[:, :, 0] for block in blocks])
    for index, sound in enumerate(sounds):
        alone = SlidingWindows([model], 8).push(mfcc(sound)).scores[:, 0, 0]
        np.testing.assert_allclose(stacked[:, index], alone, atol=1e-4)


def test_a_hundred_clients_of_a_server_each_hear_their_own(
    serve: Any, make_model: Callable[..., Any], recording: np.ndarray, tmp_path: Path
) -> None:
    seconds = 60 if SOAK else 3
    make_model().save(tmp_path / "word.wakeword")
    parts = [np.roll(recording, -index * 7919)[: RATE * seconds] for index in range(STREAMS)]

    async def one(port: int, part: np.ndarray) -> list[int | None]:
        async with AsyncTcpClient("127.0.0.1", port) as client:
            for first in range(0, len(part), BLOCK):
                sound = part[first : first + BLOCK].tobytes()
                await client.write_event(AudioChunk(RATE, 2, 1, sound, first // 16).event())
            for event in (AudioStop().event(), Describe().event()):
                await client.write_event(event)
            found = []
            while (answer := await client.read_event()) is not None and not Info.is_type(answer.type):
                found += [answer.data["timestamp"]] if answer.type == "detection" else []
            return found

    async def everyone(port: int) -> list[list[int | None]]:
        return await asyncio.gather(*(one(port, part) for part in parts))

    with serve("--model", str(tmp_path / "word.wakeword"), "--threshold", "0") as server:
        found = asyncio.run(everyone(server.port))
    assert sum(map(len, found)) > STREAMS / 2
    for part, times in zip(parts, found, strict=True):
        detector, expected = Detector(tmp_path / "word.wakeword", threshold=0.0), []
        for first in range(0, len(part), BLOCK):
            expected += [first // 16] * len(detector.process(part[first : first + BLOCK]))
        assert times == expected + [(len(part) - 1) // BLOCK * 80] * len(detector.process(np.zeros(8000, np.int16)))
