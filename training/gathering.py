"""One run: what it is to learn, and everything it hears."""

from __future__ import annotations

from dataclasses import astuple, dataclass, field, replace
from pathlib import Path

from training.base import find_base
from training.calibrate import CalibrationSettings
from training.corpus import (
    CLOSE,
    RECORDED,
    SPLICED,
    SPOKEN,
    Corpus,
    Words,
    check_corpus,
    clip_samples_for,
    load_corpus,
    load_recordings,
)
from training.recipes import Recipe
from training.splicing import SpliceSettings, spliced
from training.spoken import Progress, as_speech, as_words, speak_words, wanted, window_for
from training.units import people_in_sounds
from wakeword.features import FeatureSpec
from wakeword.model import WakeWordModel


@dataclass(frozen=True)
class Run:
    """One training run: what is learnt, from where, how, and where the result goes.

    out: the model file; OUT's stem with .N.checkpoint, .report.json and .report.html lies beside it.
    recordings: folders of a user's own clips of the keyword, all of which train; negatives: of clips that are not the
    keyword, such as false alarms. teacher: a model whose scores soften the labels. limit: at most this many clips of
    each split, for a quick look; None = all.
    """

    keyword: str
    data: Path | None
    recipe: Recipe
    out: Path
    speech: tuple[Path, ...] = ()
    noise: tuple[Path, ...] = ()
    recordings: tuple[Path, ...] = ()
    negatives: tuple[Path, ...] = ()
    teacher: WakeWordModel | None = None
    seed: int = 0
    limit: int | None = None
    calibration: CalibrationSettings = field(default_factory=CalibrationSettings)

    def checkpoint(self, network: int) -> Path:
        """Where a killed run goes on from; removed when the model is saved."""
        return self.out.with_suffix(f".{network}.checkpoint")


def gather(run: Run, on_spoken: Progress | None = None, spec: FeatureSpec | None = None) -> tuple[Corpus, FeatureSpec]:
    """Everything the run hears, recorded and spoken, and the front end: ``spec``, or one whose window is long enough.

    ``on_spoken`` hears how many clips the speech engines have spoken, and of how many. What is spoken depends on the
    seed of the run no more than on the machine: runs of several seeds share the clips.
    """
    spoken = speak_words(run.keyword, run.recipe.spoken, seed=0, progress=on_spoken)
    keyword = [clip for part in spoken["train"] if part.is_keyword for clip in part.spoken.clips]
    spec = spec or window_for(keyword)
    clip_samples = clip_samples_for(spec)
    corpus = load_corpus(run.keyword, run.data, run.speech, run.noise, run.limit, clip_samples)
    words = {
        split: corpus.words[split] + wanted(as_words(run.keyword, parts, clip_samples), corpus.words[split], split)
        for split, parts in spoken.items()
    }
    people_say_it = bool(run.recordings or corpus.words["train"].is_keyword.any())
    if any(astuple(run.recipe.spliced)) and not people_say_it:
        people = people_in_sounds(corpus.words["train"], corpus.speech["train"])
        words["train"] += spliced(run.keyword, people, run.recipe.spliced, clip_samples)
    if run.recordings:
        words["train"] += load_recordings(run.keyword, run.recordings, clip_samples)
    if run.negatives:
        words["train"] += load_recordings("negative", run.negatives, clip_samples, is_keyword=False)
    corpus = replace(corpus, words=words, sentences={s: as_speech(parts) for s, parts in spoken.items()})
    check_corpus(corpus, run.data)
    return corpus, spec


def as_it_can_be(recipe: Recipe, corpus: Corpus, own: bool) -> Recipe:
    """The recipe without what there is none of: a base of its size, clips that are joined; and few recordings repeated.

    own: whether there are a user's own recordings of the keyword.
    """
    if not find_base(recipe.base, recipe.units, recipe.remember > 0):
        recipe = recipe.changed(base="", remember=0.0)  # none is bundled of that size
    if not corpus.words["train"].of_origin(SPLICED).any():
        recipe = recipe.changed(spliced=SpliceSettings())
    recorded = int((corpus.words["train"].of_origin(RECORDED) & corpus.words["train"].is_keyword).sum())
    if not recorded or not (own or recipe.keyword_draws):
        return recipe
    return recipe.changed(keyword_repeats=max(1, round(recipe.own_draws / recorded)))


def counts(words: Words, keyword: str) -> str:
    """How many clips there are of the keyword and of other words, and how many of them nobody recorded."""
    held, kinds = words.is_keyword, [("synthesized", (SPOKEN, CLOSE)), ("joined from sounds of people", (SPLICED,))]
    counts = f"{int(held.sum())} clips of {keyword!r}, {int((~held).sum())} of other words"
    found = [(name, words.of_origin(*origins)) for name, origins in kinds]
    parts = [f"{int((held & of).sum())} and {int((~held & of).sum())} of them {name}" for name, of in found if of.any()]
    return counts + (f" ({', '.join(parts)})" if parts else "")
