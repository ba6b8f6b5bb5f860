"""A small data set that a small network can learn in seconds: words are melodies, speakers are pitches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from training.corpus import Corpus, load_corpus
from training.speech_commands import partition

# Two threads on a busy machine wait for each other; at this size one is as quick.
torch.set_num_threads(1)

MELODIES = {"rise": (300, 500, 800), "fall": (800, 500, 300), "flat": (500, 500, 500), "dip": (700, 350, 700)}


def sing(word: str, speaker: int, take: int) -> np.ndarray:
    """Three notes with overtones in a second of faint noise: int16 (16000,)."""
    rng = np.random.default_rng([speaker, take, *word.encode()])
    clip = 0.003 * rng.standard_normal(16_000)
    start = int(rng.integers(1500, 4500))
    for k, hz in enumerate(MELODIES[word]):
        t = np.arange(2800) / 16_000
        pitch = hz * (0.85 + 0.3 * (speaker % 13) / 13)
        note = sum(np.sin(2 * np.pi * pitch * h * t) / h for h in (1, 2, 3))
        clip[start + k * 2800 : start + (k + 1) * 2800] += 0.15 * note * np.hanning(2800)
    return np.round(clip * 32_767).astype(np.int16)


@pytest.fixture(scope="session")
def melodies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in the layout of Speech Commands with all three splits, plus speech/ and noise/ beside it."""
    root = tmp_path_factory.mktemp("melodies")
    counts = {"train": 24, "validation": 8, "test": 8}
    for speaker in range(2000):
        name = f"{speaker:08x}_nohash_0.wav"
        split = partition(name)
        if not counts[split]:
            continue
        counts[split] -= 1
        for word in MELODIES:
            (root / "words" / word).mkdir(parents=True, exist_ok=True)
            for take in range(2):
                path = root / "words" / word / f"{speaker:08x}_nohash_{take}.wav"
                soundfile.write(path, sing(word, speaker, take), 16_000)
    for folder in ("speech", "noise"):
        (root / folder).mkdir()
        for index in range(12):
            rng = np.random.default_rng([index, len(folder)])
            sound = [sing("flat", index, k) for k in range(4)] if folder == "speech" else [rng.normal(0, 900, 32_000)]
            soundfile.write(root / folder / f"{index}.wav", np.concatenate(sound).astype(np.int16), 16_000)
    return root


@pytest.fixture(scope="session")
def corpus(melodies: Path) -> Corpus:
    """The melodies, read: "rise" is the keyword."""
    return load_corpus("rise", melodies / "words", [melodies / "speech"], [melodies / "noise"])
