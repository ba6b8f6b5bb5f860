"""How many microphones one core can listen to at once.

    python benchmarks/streams.py [--seconds 60] [--repeats 3] [--json]

One model with 64 units scores a window every 80 ms of every stream; the sound comes in blocks of 80 ms. Three ways:

stacked   many streams in one FeatureStream and one SlidingWindows, for the numbers of streams in the table
apart     a Detector each, as the service gives its clients, every one fed in turn
live      one Detector on one stream: its share of a core

Judged by the CPU time of the process, which other programs hardly change, and one thread; the best of the repeats
counts, because only disturbance can add to it. Exits 1 unless at least 300 stacked streams fit in a core, the live
stream takes less than 1 % of one, and stacked scores are those of the streams alone (to 1e-4).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from streaming import BLOCK, HOP, RATE, model_of
from threadpoolctl import threadpool_limits

from wakeword import Detector, FeatureStream, WakeWordModel
from wakeword.windows import SlidingWindows

UNITS = 64
STACKS = (1, 4, 16, 64, 256)
#: Detectors fed in turn: enough that the states of none of them stay in the cache until its turn comes again.
APART = 300
LEAST_STREAMS, MOST_SHARE = 300, 0.01


def cpu_seconds(way: Callable[[], object], repeats: int) -> float:
    """CPU time of the process for one run: the least of the repeats, after one to warm up."""
    taken = []
    for _ in range(repeats + 1):
        started = time.process_time()
        way()
        taken.append(time.process_time() - started)
    return min(taken[1:])


def noise(streams: int, seconds: float) -> np.ndarray:
    """float32 (streams, T), whole blocks, another noise in every stream."""
    samples = max(1, round(seconds * RATE / BLOCK)) * BLOCK
    return (np.random.default_rng(streams).standard_normal((streams, samples)) * 0.05).astype(np.float32)


def stacked(model: WakeWordModel, audio: np.ndarray) -> np.ndarray:
    """All streams (S, T) step together -> scores (K, S)."""
    features = FeatureStream(model.spec, streams=len(audio))
    windows = SlidingWindows([model], HOP, streams=len(audio))
    blocks = (audio[:, first : first + BLOCK] for first in range(0, audio.shape[1], BLOCK))
    return np.concatenate([windows.push(features.push(block)).scores[:, :, 0] for block in blocks])


def apart(model: WakeWordModel, audio: np.ndarray) -> np.ndarray:
    """Every stream (S, T) has a Detector of its own; they take turns, a block each -> scores (K, S)."""
    detectors = [Detector(model) for _ in audio]
    scores = []
    for first in range(0, audio.shape[1], BLOCK):
        turn = [detector.step(stream[first : first + BLOCK]) for detector, stream in zip(detectors, audio, strict=True)]
        scores.append(np.stack([step.scores[:, 0] for step in turn], axis=1))
    return np.concatenate(scores)


def measure(seconds: float, repeats: int) -> dict[str, Any]:
    """Streams a core of each way, the live stream's share of a core, and the largest difference of scores."""
    model, found = model_of(UNITS), {}
    for streams in STACKS:
        audio = noise(streams, max(min(2.0, seconds), seconds / streams))
        spent = cpu_seconds(lambda audio=audio: stacked(model, audio), repeats)
        found[streams] = audio.size / RATE / spent
    many = noise(APART, min(2.0, seconds))
    spent = cpu_seconds(lambda: apart(model, many), repeats)
    one = noise(1, seconds)
    share = cpu_seconds(lambda: apart(model, one), repeats) / (one.size / RATE)
    few = many[:16]
    return {
        "stacked": found,
        "apart": many.size / RATE / spent,
        "live_share": share,
        "difference": float(np.abs(stacked(model, few) - apart(model, few)).max()),
    }


def main() -> int:
    """Print the figures; 0 when the bars hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with threadpool_limits(1):
        row = measure(args.seconds, args.repeats)
    if args.json:
        print(json.dumps(row))
    else:
        for streams, a_core in row["stacked"].items():
            print(f"stacked, {streams:3} streams together: {a_core:5.0f} real-time streams a core")
        print(f"apart, {APART} Detectors in turn: {row['apart']:7.0f} real-time streams a core")
        print(f"one live stream: {row['live_share']:.2%} of a core")
        print(f"largest difference of scores: {row['difference']:.1e}")
    enough = max(row["stacked"].values()) >= LEAST_STREAMS
    return 0 if enough and row["live_share"] < MOST_SHARE and row["difference"] < 1e-4 else 1


if __name__ == "__main__":
    sys.exit(main())
