"""How fast the detector is, beside running every window on its own in numpy and in torch.

    python benchmarks/streaming.py [--seconds 60] [--repeats 7] [--json]

All three hear the same audio in blocks of 80 ms through the same streaming front end and score a window every
80 ms; they differ only in how the LSTM is run. One thread, medians over repeats that take turns. Exits 1 unless, at
64 units, the detector runs at least 200 x real time and at least 1.2 x the faster of the other two.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from wakeword import Detector, FeatureSpec, FeatureStream, WakeWordModel
from wakeword.network import Network

RATE, BLOCK, HOP = 16_000, 1280, 8


def model_of(units: int) -> WakeWordModel:
    """A model with random weights: what is timed does not depend on their values."""
    rng = np.random.default_rng(units)

    def draw(*shape: int) -> np.ndarray:
        return (rng.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32)

    card = {"operating_points": {"alarms": {"threshold": 1e9}}, "default_point": "alarms"}
    arrays = (draw(32), np.abs(draw(32)) + 1, draw(4 * units, 32), draw(4 * units, units), draw(4 * units), draw(units))
    return WakeWordModel("word", FeatureSpec(), (Network(*arrays, b_out=np.float32(0.0)),), card)


def alone_in_numpy(network: Network) -> Callable[[np.ndarray], float]:
    """98 steps from the zero state for one window (98, 32); weights folded and gates fused as in the detector."""
    half = np.repeat([0.5, 0.5, 1.0, 0.5], network.units).astype(np.float32)
    w_in = np.ascontiguousarray((network.w_ih / network.std * half[:, None]).T)
    bias = network.bias * half - w_in.T @ network.mean
    w_hh = np.ascontiguousarray((network.w_hh * half[:, None]).T)
    n = network.units

    def score(frames: np.ndarray) -> float:
        inputs = frames @ w_in + bias
        h, c = np.zeros(n, np.float32), np.zeros(n, np.float32)
        for x in inputs:
            z = np.tanh(h @ w_hh + x)
            i, f, o = z[:n] * 0.5 + 0.5, z[n : 2 * n] * 0.5 + 0.5, z[3 * n :] * 0.5 + 0.5
            c = f * c + i * z[2 * n : 3 * n]
            h = o * np.tanh(c)
        return float(network.w_out @ h)

    return score


def alone_in_torch(network: Network) -> Callable[[np.ndarray], float]:
    """torch.nn.LSTM on one window (98, 32)."""
    lstm = torch.nn.LSTM(32, network.units, batch_first=True).eval()
    weights = {"weight_ih_l0": network.w_ih, "weight_hh_l0": network.w_hh, "bias_ih_l0": network.bias}
    state = {name: torch.from_numpy(value) for name, value in weights.items()}
    lstm.load_state_dict({**state, "bias_hh_l0": torch.zeros(4 * network.units)})
    w_out = torch.from_numpy(network.w_out)

    def score(frames: np.ndarray) -> float:
        with torch.inference_mode():
            hidden, _ = lstm(torch.from_numpy((frames - network.mean) / network.std)[None])
            return float(hidden[0, -1] @ w_out)

    return score


def streamed(model: WakeWordModel, audio: np.ndarray) -> np.ndarray:
    """The product: Detector.step block by block."""
    detector = Detector(model)
    return np.concatenate([detector.step(audio[k : k + BLOCK]).scores[:, 0] for k in range(0, len(audio), BLOCK)])


def each_alone(model: WakeWordModel, score: Callable[[np.ndarray], float], audio: np.ndarray) -> np.ndarray:
    """The same front end, then every window from its own zero state as soon as its frames are there."""
    features, window = FeatureStream(model.spec), model.spec.window_frames
    frames, scores, start = np.zeros((0, 32), np.float32), [], 0
    for k in range(0, len(audio), BLOCK):
        frames = np.concatenate((frames, features.push(audio[k : k + BLOCK])))
        while start + window <= len(frames):
            scores.append(score(frames[start : start + window]))
            start += HOP
        frames, start = frames[start:], 0
    return np.array(scores, dtype=np.float32)


def measure(units: int, audio: np.ndarray, repeats: int) -> dict[str, float]:
    """x real time of each way (median), and the largest difference between their scores."""
    model = model_of(units)
    ways = {
        "detector": lambda: streamed(model, audio),
        "numpy": lambda: each_alone(model, alone_in_numpy(model.networks[0]), audio),
        "torch": lambda: each_alone(model, alone_in_torch(model.networks[0]), audio),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    scores = {name: way() for name, way in ways.items()}  # also the warm-up
    for _ in range(repeats):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - started)
    row = {name: len(audio) / RATE / statistics.median(taken) for name, taken in seconds.items()}
    row["ratio"] = statistics.median(
        min(n, t) / d for d, n, t in zip(seconds["detector"], seconds["numpy"], seconds["torch"], strict=True)
    )
    row["difference"] = max(float(np.abs(scores[name] - scores["detector"]).max()) for name in ("numpy", "torch"))
    return row


def main() -> int:
    """Print the table; 0 when the bars hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    audio = (np.random.default_rng(0).standard_normal(int(args.seconds * RATE)) * 0.05).astype(np.float32)
    with threadpool_limits(1):
        rows = {units: measure(units, audio, args.repeats) for units in (64, 128)}
    if args.json:
        print(json.dumps(rows))
    else:
        print("units  detector  window alone: numpy   torch   ratio to the faster   largest difference of scores")
        for units, row in rows.items():
            print(
                f"{units:5}  {row['detector']:6.0f} x  {row['numpy']:17.0f} x  {row['torch']:4.0f} x"
                f"  {row['ratio']:17.2f} x   {row['difference']:.1e}"
            )
    return 0 if rows[64]["detector"] >= 200 and rows[64]["ratio"] >= 1.2 else 1


if __name__ == "__main__":
    sys.exit(main())
