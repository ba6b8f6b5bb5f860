"""What each part of the recipe for a phrase that nobody recorded buys: words said by engines alone, judged on people.

    python benchmarks/engines_alone.py --data words --speech talk --noise noise \\
        [--words happy right left] [--variants "the recipe" ...] [--base sounds] [--seeds 0 1 2]
    python benchmarks/engines_alone.py --tables        # the table again, from the rows that are there

Each word is learnt as `wakeword train PHRASE` learns a phrase without recordings: its folder is hidden, engines say it.
Each variant changes one thing; to be quick all have 128 units and, but for those of several, one network. Judged are
the word's own recordings of the training and the validation split, but for those that a variant is given as a user's
own, never the test's. The bundled bases are an advantage: they were taught by the training split's words, these among
them. Of a word that nobody recorded more is learnt from a base made with `wakeword pretrain --without WORD --units
128`, whose file --base takes. Half of those who are judged say other words in the training split, whose sounds are
joined to the word: that flatters the joining. Thresholds allow 1, 5 and 20 false alarms on the stress streams of
validation, so that variants are compared at equal peace; the fewer alarms, the more hangs on one sound that a network
happens to take for the word. Seeds differ as much as most variants do: no difference is one before several seeds show
it. Rows are appended to benchmarks/results/engines_alone.jsonl, a network once trained is kept under --runs, and the
table is written to benchmarks/results/engines_alone.md.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby, product
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from _rows import Row, Rows
from _variants import VARIANTS

from training.calibrate import CalibrationSettings, choose_rule, hear_keyword, quiet_threshold, stress_streams
from training.corpus import RECORDED, SPLICED, Corpus, load_corpus
from training.gathering import Run, as_it_can_be, gather
from training.metrics import rate
from training.network import to_network
from training.pipeline import UNCALIBRATED, fit_keyword, looks_again
from training.recipes import phrase
from training.streams import babble, hear_clips, hear_long, missed
from wakeword import WakeWordModel, load_model
from wakeword.audio import SAMPLE_RATE
from wakeword.features import FeatureSpec

ALARMS = (1, 5, 20)
SNR_DB = 10.0
KINDS = ("miss_in_silence", "miss_in_babble_10_db")
#: What makes a row unique, in the order of the rows.
KEY = ("word", "variant", "base", "seed")


def trained(corpus: Corpus, run: Run, spec: FeatureSpec, seed: int, stem: Path) -> WakeWordModel:
    """One network, trained now or kept as ``stem``.wakeword; its thresholds are still to be chosen."""
    path = stem.with_suffix(".wakeword")
    if not path.exists():
        checkpoint = stem.with_suffix(".checkpoint")
        with stem.with_suffix(".log").open("a", buffering=1) as log:
            fitted = fit_keyword(corpus, run.recipe, spec, seed, checkpoint, lambda epoch: print(epoch, file=log))
        network = to_network(fitted.network, fitted.standard)
        WakeWordModel(run.keyword, spec, (network,), UNCALIBRATED).save(path)
        checkpoint.unlink(missing_ok=True)
    return load_model(path, calibrated=False)


def measure(run: Run, name: str, people: Sequence[tuple[str, np.ndarray]]) -> Row:
    """Train one variant of the run, judge it on ``people`` who say the word (see people_who_say), return its row."""
    variant, started, base = VARIANTS[name], time.monotonic(), Path(run.recipe.base).stem
    given, judged_by = divided(people, variant.own)
    own = kept_as_files(given, run.out / f"{run.keyword}-own-{variant.own}")
    run = replace(run, recipe=variant.change(run.recipe), recordings=own)
    corpus, spec = gather(run)
    run = replace(run, recipe=as_it_can_be(run.recipe, corpus, bool(own)))
    heard = corpus if variant.hear_people else without_people(corpus)
    kept = "the recipe" if variant.networks > 1 else name  # variants of several networks share the recipe's
    seeds = range(run.seed * variant.networks, (run.seed + 1) * variant.networks)
    made = hashlib.sha1(repr((run.recipe, variant.hear_people, variant.own)).encode()).hexdigest()
    stem = run.out / f"{run.keyword}-{kept}-{base}-{made[:8]}".replace(" ", "_").replace(".", "_")
    models = [trained(heard, run, spec, seed, stem.with_name(f"{stem.name}-{seed}")) for seed in seeds]
    networks = tuple(network for model in models for network in model.networks)
    looks = looks_again(run.keyword, run.recipe)
    model = WakeWordModel(run.keyword, spec, networks, UNCALIBRATED, looks)
    return {
        **dict(zip(KEY, (run.keyword, name, base, run.seed), strict=True)),
        **judged(model, corpus, run.seed, judged_by),
        "seconds": round(time.monotonic() - started),
    }


def judged(model: WakeWordModel, corpus: Corpus, seed: int, people: Sequence[np.ndarray]) -> dict[str, Any]:
    """The people missed at the thresholds with so many alarms, under the rule that validation's engines choose."""
    streams = hear_long(model, stress_streams(corpus, seed))
    hours = sum(stream.seconds for stream in streams) / 3600
    spoken = hear_keyword(model, corpus, "validation", np.random.default_rng([seed, 5]))
    settings = choose_rule(streams, [*spoken[0], *spoken[1]], CalibrationSettings())
    talk = corpus.speech["validation"]
    noise = babble(talk, sum(map(len, talk)), 4, np.random.default_rng(0))
    quiet, noisy = hear_clips(model, people), hear_clips(model, people, noise, SNR_DB)
    points = {}
    for alarms in ALARMS:
        rule = settings.rule(quiet_threshold(streams, replace(settings, alarms_per_hour=(alarms + 0.5) / hours)))
        misses = (rate(missed(heard, rule), len(heard)).to_dict() for heard in (quiet, noisy))
        points[str(alarms)] = {"threshold": round(rule.threshold, 4), **dict(zip(KINDS, misses, strict=True))}
    return {"hours": round(hours, 3), "decision": settings.to_dict(), "points": points}


def without_people(corpus: Corpus) -> Corpus:
    """The corpus with all words and continuous speech from engines alone in the split that trains."""
    words, speech = corpus.words["train"], corpus.speech
    spoken = words.subset(np.flatnonzero(~words.of_origin(RECORDED, SPLICED)))
    return replace(corpus, words={**corpus.words, "train": spoken}, speech={**speech, "train": []})


def without(word: str, data: Path, folder: Path) -> Path:
    """A folder of links to ``data`` in which nobody says the word."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(data.iterdir()):
        link = folder / path.name
        if path.name != word and not link.exists():
            link.symlink_to(path.resolve())
    return folder


def divided(people: Sequence[tuple[str, np.ndarray]], own: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """(one clip each of ``own`` speakers, all clips of the other speakers); who is which follows from a hash."""
    speakers = sorted({speaker for speaker, _ in people}, key=lambda name: hashlib.sha1(name.encode()).hexdigest())
    first = dict(reversed(people))  # a speaker's first clip
    judged = set(speakers[own:])
    return [first[name] for name in speakers[:own]], [clip for name, clip in people if name in judged]


def kept_as_files(clips: Sequence[np.ndarray], folder: Path) -> tuple[Path, ...]:
    """The folder of the clips, int16 (T,) each, as wav files; none where there are no clips."""
    for number, clip in enumerate(clips):
        folder.mkdir(exist_ok=True)
        soundfile.write(folder / f"{number}.wav", clip, SAMPLE_RATE)
    return (folder,) if len(clips) else ()


def people_who_say(word: str, data: Path) -> list[tuple[str, np.ndarray]]:
    """(speaker, clip int16 (T,)) of the word's recordings in the splits that train and validate.

    Ends the script without any.
    """
    said = load_corpus(word, data).words
    people = [
        (words.speakers[i], words.samples[i])
        for words in (said["train"], said["validation"])
        for i in np.flatnonzero(words.is_keyword)
    ]
    if not people:
        raise SystemExit(f"{data} has no recordings of {word!r} to judge by: give --words others")
    return people


def run_of(word: str, args: argparse.Namespace) -> Run:
    """A run that hears nobody say the word; its files are under --runs."""
    hidden = without(word, args.data, args.runs / f"without_{word}")
    recipe = phrase(word).changed(units=128, networks=1, base=args.base)
    return Run(word, hidden, recipe, args.runs, tuple(args.speech), tuple(args.noise))


def _order(row: Row) -> tuple[Any, ...]:
    """Words in turn, their variants in the order of VARIANTS, seeds of one side by side."""
    return row["word"], [*VARIANTS].index(row["variant"]), row["base"], row["seed"]


def table(rows: Sequence[Row]) -> str:
    """Markdown, a line a variant: people missed in silence and in babble at each number of alarms, over its seeds."""
    kinds = [f"{kind}, {alarms} alarms" for alarms in ALARMS for kind in ("silence", "babble 10 dB")]
    lines = [f"| word | variant | base | seeds | missed of | {' | '.join(kinds)} |", "|---" * (5 + len(kinds)) + "|"]
    for (word, variant, base), group in groupby(rows, key=lambda row: ROWS.key_of(row)[:3]):
        points = [row["points"] for row in group]
        of = points[0]["1"]["miss_in_silence"]["n"]
        cells = [_cell([each[str(a)][kind] for each in points]) for a in ALARMS for kind in KINDS]
        lines.append(f"| {word} | {variant} | {base} | {len(points)} | {of} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _cell(rates: Sequence[dict[str, Any]]) -> str:
    """mean +- std over the seeds and the count of each; of a single seed its 95 % interval."""
    counts = " ".join(str(rate["count"]) for rate in rates)
    percent = [100 * rate["rate"] for rate in rates]
    if len(rates) > 1:
        return f"{statistics.mean(percent):.1f} ± {statistics.stdev(percent):.1f} % ({counts})"
    return f"{percent[0]:.1f} % [{100 * rates[0]['low']:.1f}, {100 * rates[0]['high']:.1f}] ({counts})"


ROWS = Rows("engines_alone", KEY, table, _order)


def main() -> None:
    """Make the missing rows, then the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", action="store_true", help="only print the table of the rows that are there")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--speech", type=Path, nargs="*", default=[])
    parser.add_argument("--noise", type=Path, nargs="*", default=[])
    parser.add_argument("--words", nargs="*", default=["happy", "right", "left"])
    parser.add_argument("--variants", nargs="*", choices=VARIANTS, default=[*VARIANTS])
    parser.add_argument("--base", default=phrase("").base, help="a kind of bundled base, or a file")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    args = parser.parse_args()
    if not args.tables:
        if args.data is None or not args.speech:
            parser.error("--data and --speech are needed to make rows (or --tables to print them)")
        torch.set_num_threads(1)
        args.runs.mkdir(exist_ok=True, parents=True)
        there = ROWS.keys()
        for word in args.words:
            run, people = run_of(word, args), people_who_say(word, args.data)
            for seed, name in product(args.seeds, args.variants):
                if (word, name, Path(args.base).stem, seed) not in there:
                    row = measure(replace(run, seed=seed), name, people)
                    ROWS.write(row)
                    print(word, name, seed, row["points"]["5"], flush=True)
    ROWS.write_table()


if __name__ == "__main__":
    main()
