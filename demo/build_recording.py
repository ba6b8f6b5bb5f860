"""Builds the demonstration's recording from test clips of Speech Commands.

    python -m demo.build_recording --data FOLDER

Clips, order and gaps come from a seed and from nothing else: no detector is asked, so the recording is no
easier than any other. Its speakers are in no training or validation split.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from training.speech_commands import Clip, load_clip, partition, read_folder
from wakeword.audio import SAMPLE_RATE
from wakeword.errors import DataError

RECORDINGS = Path(__file__).parent / "recordings"
#: Root mean square of the noise under everything: -70 dBFS, as quiet as a quiet room, because no microphone
#: delivers zeros.
_NOISE_RMS = 10.0 ** (-70.0 / 20.0)
_PEAK = 0.99


@dataclass(frozen=True)
class Plan:
    """What the recording is made of; the seed decides the rest. Times in seconds."""

    keyword: str = "happy"
    keywords: int = 6
    others: int = 28
    gap_s: tuple[float, float] = (0.15, 0.6)
    edge_s: float = 1.0
    fade_s: float = 0.01
    seed: int = 0


@dataclass(frozen=True)
class Placed:
    """A clip and its first sample in the recording."""

    clip: Clip
    start: int
    samples: int

    def entry(self) -> dict[str, str | float]:
        """Its line in the list of what is spoken, with times in seconds."""
        start_s, end_s = self.start / SAMPLE_RATE, (self.start + self.samples) / SAMPLE_RATE
        return {
            "word": self.clip.word,
            "start_s": round(start_s, 4),
            "end_s": round(end_s, 4),
            "clip": f"{self.clip.word}/{self.clip.path.stem}",
        }


def choose(clips: Sequence[Clip], plan: Plan) -> list[Clip]:
    """Test clips of the keyword (``keywords`` of them) and of other words (``others``), in random order.

    Every clip has another speaker, and no other word occurs twice. Raises DataError when there are too few.
    """
    dice = random.Random(plan.seed)
    test = sorted((clip for clip in clips if clip.split == "test"), key=lambda clip: (clip.word, clip.path.name))
    trained = {clip.speaker for clip in clips if clip.split != "test"}
    dice.shuffle(test)
    chosen: list[Clip] = []
    speakers: set[str] = set(trained)
    words: set[str] = set()
    for of_keyword, wanted in ((True, plan.keywords), (False, plan.others)):
        found = 0
        for clip in test:
            fits = (clip.word == plan.keyword) == of_keyword and clip.word not in words
            if found < wanted and fits and clip.speaker not in speakers:
                chosen.append(clip)
                speakers.add(clip.speaker)
                if not of_keyword:
                    words.add(clip.word)
                found += 1
        if found < wanted:
            kind = plan.keyword if of_keyword else "other words"
            raise DataError(f"the test split holds {found} clips of {kind} by different speakers, not {wanted}")
    dice.shuffle(chosen)
    return chosen


def assemble(clips: Sequence[Clip], plan: Plan) -> tuple[np.ndarray, list[Placed]]:
    """Clips one after another -> float32 (T,) at 16 kHz in [-1, 1], and where each of them is."""
    dice = random.Random(plan.seed + 1)
    fade = np.linspace(0.0, 1.0, round(plan.fade_s * SAMPLE_RATE), dtype=np.float32)
    parts, placed, at = [], [], 0
    for number, clip in enumerate(clips):
        gap = round((dice.uniform(*plan.gap_s) if number else plan.edge_s) * SAMPLE_RATE)
        sound = load_clip(clip.path).astype(np.float32) / 32768.0
        sound[: len(fade)] *= fade
        sound[-len(fade) :] *= fade[::-1]
        parts += [np.zeros(gap, np.float32), sound]
        placed.append(Placed(clip, at + gap, len(sound)))
        at += gap + len(sound)
    samples = np.concatenate([*parts, np.zeros(round(plan.edge_s * SAMPLE_RATE), np.float32)])
    noise = np.random.default_rng(plan.seed).standard_normal(len(samples))
    samples = (samples + _NOISE_RMS * noise).astype(np.float32)
    return samples * np.float32(min(1.0, _PEAK / float(np.abs(samples).max()))), placed


def attribution(placed: Sequence[Placed], plan: Plan) -> str:
    """The text the licence of the clips asks for."""
    rows = "\n".join(f"| {p.start / SAMPLE_RATE:.2f} | {p.clip.word} | `{p.clip.path.stem}` |" for p in placed)
    return f"""# Attribution

`{plan.keyword}.flac` is made of {len(placed)} clips of **Speech Commands v0.02** by Pete Warden, Google
(P. Warden, "Speech Commands: A Dataset for Limited-Vocabulary Speech Recognition", arXiv:1804.03209, 2018),
licensed under the Creative Commons Attribution 4.0 International licence (CC BY 4.0),
<https://creativecommons.org/licenses/by/4.0/>. The recording is under the same licence.

Changed: the clips were padded to one second, faded in and out over {1000 * plan.fade_s:g} ms, put one
after another with silent gaps, laid over noise at -70 dBFS, turned down together where a peak would have
exceeded full scale, and stored as FLAC. `python -m demo.build_recording` does it; seed {plan.seed} chose
the clips, their order and the gaps.

All clips are of the official test split: no speaker is in the training or validation split.

| starts at (s) | word | clip |
|---|---|---|
{rows}
"""


def assert_unheard(placed: Sequence[Placed]) -> None:
    """Raises AssertionError when a clip's speaker is in the training or validation split of the data set."""
    for item in placed:
        name = item.clip.path.name
        if item.clip.split != "test" or partition(name) != "test":
            raise AssertionError(f"{item.clip.word}/{name} is in the {partition(name)} split, not in test")


@click.command()
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Folder of Speech Commands.")
@click.option("--out", default=RECORDINGS, type=click.Path(path_type=Path), help="Folder to write to.")
def main(data: Path, out: Path) -> None:
    """Write the recording, the list of what is spoken in it, and its attribution."""
    import soundfile

    plan = Plan()
    samples, placed = assemble(choose(read_folder(data), plan), plan)
    assert_unheard(placed)
    out.mkdir(parents=True, exist_ok=True)
    soundfile.write(out / f"{plan.keyword}.flac", samples, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    entries = [json.dumps(item.entry(), ensure_ascii=False) for item in placed]
    (out / f"{plan.keyword}.json").write_text("[\n " + ",\n ".join(entries) + "\n]\n", encoding="utf-8")
    (out / "ATTRIBUTION.md").write_text(attribution(placed, plan), encoding="utf-8")
    click.echo(f"{out / plan.keyword}.flac: {len(samples) / SAMPLE_RATE:.1f} s, {len(placed)} clips")


if __name__ == "__main__":
    main()
