"""How well a phrase that nobody recorded is heard: trained from speech engines alone, tested on real people.

    python benchmarks/phrases.py --real recordings --data words --speech talk --noise noise \\
        [--phrases alexa computer] [--own 0 10] [--networks 2] [--second-objective bce] [--look-again] \\
        [--base sounds] [--seed 0] [--judge]
    python benchmarks/phrases.py --tables         # the table again, from the rows that are there

``--real`` has one folder of recordings a phrase; they are the test and nothing else. ``--own N`` also trains with N of
them as a user's own ``--recordings``, which then are no part of the test; ``--base`` is a bundled base's kind, or a
file of `wakeword pretrain`, to start from. Each run is `wakeword train PHRASE` at the default operating point, chosen
on validation. With --judge nothing is trained: rows whose model is kept under --runs are calibrated and tested anew.
False alarms are counted over the held-out half of the speech, all test words and the other phrases' recordings strung
together; misses in silence and in babble of the same held-out speech.
Rows go to benchmarks/results/phrases.jsonl, and the table to benchmarks/results/phrases.md.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _rows import Rows

from training.corpus import Corpus, load_corpus, read_clip
from training.gathering import Run, gather
from training.metrics import Rate, rate
from training.pipeline import finish, looks_again, train
from training.recipes import phrase
from training.streams import babble, hear_clips, missed, string_together
from wakeword import WakeWordModel, load_model
from wakeword.alarms import hear, per_hour
from wakeword.audio import sound_files

SNR_DB = 10.0
#: What makes a row unique, in the order of the rows.
KEY = ("phrase", "own", "networks", "second_objective", "look_again", "base", "seed")


@dataclass(frozen=True)
class Cell:
    """One run: what is trained, and the folders it trains and is tested with."""

    phrase: str
    own: int
    networks: int
    second_objective: str
    look_again: bool
    base: str
    seed: int
    real: Path
    data: Path
    speech: tuple[Path, ...]
    noise: tuple[Path, ...]
    runs: Path

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes a row unique."""
        return tuple(getattr(self, name) for name in KEY)

    @property
    def stem(self) -> Path:
        """The run's files without what their names end in."""
        return self.runs / "-".join(map(str, self.key)).replace(" ", "_").replace("/", "_").replace(".", "_")


def measure(cell: Cell, seconds: float | None = None) -> dict[str, Any]:
    """Train one cell, or calibrate anew what took ``seconds`` to train; test it on real people, and return its row."""
    stem = cell.stem
    given, tested = _divided(cell.real / cell.phrase, cell.own)
    own = _copied(given, stem.with_suffix(".own"))
    recipe = phrase(cell.phrase).changed(networks=cell.networks, second_objective=cell.second_objective, base=cell.base)
    recipe = recipe.looking_again() if cell.look_again else recipe
    run = Run(
        cell.phrase, cell.data, recipe, stem.with_suffix(".wakeword"), cell.speech, cell.noise, own, seed=cell.seed
    )
    if seconds is None:
        started = time.monotonic()
        with stem.with_suffix(".log").open("a", buffering=1) as log:
            model = train(run, lambda text: print(text, file=log), lambda epoch: print(epoch, file=log))
        seconds = time.monotonic() - started
    else:
        model = calibrated_anew(run)
    corpus = load_corpus(cell.phrase, cell.data, cell.speech, cell.noise)
    others = [
        path for folder in sorted(cell.real.iterdir()) if folder.name != cell.phrase for path in sound_files(folder)
    ]
    return {
        **dict(zip(KEY, cell.key, strict=True)),
        "seconds": round(seconds),
        "validation": model.card["operating_points"]["alarms"]["validation"],
        "decision": model.card["decision"],
        "test": tested_figures(model, corpus, [*map(read_clip, tested)], [*map(read_clip, others)]),
        "libraries": model.card["libraries"],
    }


def calibrated_anew(run: Run) -> WakeWordModel:
    """The networks of the run's model file with thresholds of today's rule; the file is replaced, its report is not."""
    kept = load_model(run.out, calibrated=False)
    recipe = kept.card["recipe"] | {"look_again": run.recipe.look_again}
    about = {"recipe": recipe, "best_epochs": kept.card["best_epochs"]}
    kept = replace(kept, card=about, pronunciation=looks_again(run.keyword, run.recipe))
    model, _ = finish(kept, gather(run)[0], run)
    model.save(run.out)
    return model


def tested_figures(
    model: WakeWordModel, corpus: Corpus, clips: Sequence[np.ndarray], others: Sequence[np.ndarray]
) -> dict[str, Any]:
    """Misses on ``clips`` of real people, and false alarms over everything else, through the product's own Detector."""
    rule, words, talk = model.rule(), corpus.words["test"], corpus.speech["test"]
    negatives = [*talk, *words.samples[~words.is_keyword], *others]
    heard = hear(model, string_together(negatives))
    noise = babble(talk, sum(map(len, talk)), 4, np.random.default_rng(0))
    quiet, noisy = hear_clips(model, clips), hear_clips(model, clips, noise, SNR_DB)
    return {
        "threshold": rule.threshold,
        "false_alarms": per_hour(len(heard.alarms(rule)), heard.seconds / 3600),
        "miss_in_silence": rate(missed(quiet, rule), len(quiet)).to_dict(),
        "miss_in_babble_10_db": rate(missed(noisy, rule), len(noisy)).to_dict(),
    }


def _divided(folder: Path, own: int) -> tuple[list[Path], list[Path]]:
    """(a user's own, the test's) recordings of a folder; which are which follows from a hash of their names."""
    paths = sorted(sound_files(folder), key=lambda path: hashlib.sha1(path.name.encode()).hexdigest())
    return paths[:own], paths[own:]


def _copied(paths: Sequence[Path], folder: Path) -> tuple[Path, ...]:
    if not paths:
        return ()
    shutil.rmtree(folder, ignore_errors=True)  # what an earlier run was given may be tested by this one
    folder.mkdir()
    for path in paths:
        shutil.copy(path, folder)
    return (folder,)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Markdown, one line a row: misses and false alarms with their n and 95 % intervals."""
    head = (
        "phrase",
        "own recordings",
        "networks",
        "objective of every second",
        "looks again",
        "base",
        "seed",
        "miss in silence",
        "miss in babble 10 dB",
        "false alarms",
    )
    lines = [f"| {' | '.join(head)} | minutes |", "|---" * (len(head) + 1) + "|"]
    for row in rows:
        test = row["test"]
        misses = [str(_rate(test[kind])) for kind in ("miss_in_silence", "miss_in_babble_10_db")]
        alarms = f"{test['false_alarms']['count']} in {test['false_alarms']['hours']:.2f} h"
        kinds = [("yes" if value else "") if isinstance(value, bool) else value for value in ROWS.key_of(row)]
        cells = [*kinds, *misses, alarms, round(row["seconds"] / 60)]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join([*lines, ""])


def _rate(values: dict[str, Any]) -> Rate:
    return rate(values["count"], values["n"])


ROWS = Rows("phrases", KEY, table)


def main() -> None:
    """Make the missing rows, then the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", action="store_true", help="only print the table of the rows that are there")
    parser.add_argument("--real", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--speech", type=Path, nargs="*", default=[])
    parser.add_argument("--noise", type=Path, nargs="*", default=[])
    parser.add_argument("--phrases", nargs="*", default=["alexa", "computer"])
    parser.add_argument("--own", type=int, nargs="*", default=[0, 10])
    parser.add_argument("--networks", type=int, default=phrase("").networks)
    parser.add_argument("--second-objective", default="", help="of every second network; else all have the recipe's")
    parser.add_argument("--look-again", action="store_true", help="the models look again at the sounds")
    parser.add_argument("--base", default=phrase("").base)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--judge", action="store_true", help="calibrate and test kept models anew; train nothing")
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    args = parser.parse_args()
    if not args.tables:
        if args.data is None or args.real is None:
            parser.error("--real and --data are needed to make rows (or --tables to print them)")
        torch.set_num_threads(1)
        args.runs.mkdir(exist_ok=True)
        there = {ROWS.key_of(row): row["seconds"] for row in ROWS.read()}
        folders = (args.real, args.data, tuple(args.speech), tuple(args.noise), args.runs)
        how = (args.networks, args.second_objective, args.look_again, args.base, args.seed)
        cells = [Cell(p, own, *how, *folders) for own in args.own for p in args.phrases]
        for cell in cells:
            kept = cell.stem.with_suffix(".wakeword").exists() and cell.key in there
            if kept if args.judge else cell.key not in there:
                ROWS.write(measure(cell, there[cell.key] if args.judge else None))
    ROWS.write_table()


if __name__ == "__main__":
    main()
