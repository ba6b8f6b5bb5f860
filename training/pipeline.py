"""From what a run hears to a model file and its report: fit, calibrate, evaluate, save."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torchaudio

from training.abreast import fit_abreast
from training.base import find_base
from training.calibrate import calibrate
from training.checkpoint import Epoch
from training.corpus import Corpus
from training.evaluate import Evaluation, evaluate
from training.examples import Examples, ExampleSource
from training.fit import Fitted, fit
from training.gathering import Run, as_it_can_be, counts, gather
from training.network import to_network
from training.pronouncing import pronunciation_of
from training.recipes import Recipe
from training.report import objectives_of, write_report
from training.spoken import Progress
from training.teacher import Teacher
from wakeword.errors import TrainingError
from wakeword.features import FeatureSpec
from wakeword.model import WakeWordModel
from wakeword.pronunciation import Pronunciation
from wakeword.version import __version__

LICENCE = "Apache-2.0"
_LOOKING_UNITS = 256  # of the base by which models look again: one of 128 helped less
#: The card of a model whose thresholds are still to be chosen: a Detector can be made of it.
UNCALIBRATED: dict[str, Any] = {"operating_points": {"none": {"threshold": 0.0}}, "default_point": "none"}


def train(
    run: Run,
    say: Callable[[str], None],
    on_epoch: Callable[[Epoch], None],
    on_spoken: Progress | None = None,
) -> WakeWordModel:
    """The whole journey; returns the model that was saved. Raises WakewordError in one sentence.

    A recipe of several networks trains them beside each other where the cores have room, and ``on_epoch`` counts their
    epochs together; ``on_spoken`` as of gather.
    """
    teacher = Teacher(run.teacher) if run.teacher else None
    if teacher:
        teacher.check(run.keyword)  # before minutes of synthesis
    corpus, spec = gather(run, on_spoken)
    for split, words in corpus.words.items():
        say(f"{split}: {counts(words, run.keyword)}")
    recipe = as_it_can_be(run.recipe, corpus, bool(run.recordings))
    # The seeds are such that no two runs share a network.
    seeds = [run.seed * recipe.networks + network for network in range(recipe.networks)]
    if teacher:
        teacher.check(run.keyword, spec)
    fits = [
        partial(fit_keyword, corpus, recipe.of_network(network), spec, seed, run.checkpoint(network), teacher=teacher)
        for network, seed in enumerate(seeds)
    ]
    fitted, history = fit_abreast(fits, recipe.epochs, on_epoch), []
    for network, found in enumerate(fitted):
        say(f"best epoch on validation: {found.best_epoch + 1} of {recipe.epochs}")
        history += [asdict(epoch) | {"network": network} for epoch in found.history]
    say("calibrating on validation, then measuring on the test split")
    networks = tuple(to_network(found.network, found.standard) for found in fitted)
    about = {
        "recipe": asdict(recipe),
        "best_epochs": [found.best_epoch for found in fitted],
    }
    if teacher:
        about["teacher"] = {"share": teacher.share, "recipe": teacher.model.card["recipe"]}
    looks = looks_again(corpus.keyword, recipe)
    model, evaluation = finish(WakeWordModel(corpus.keyword, spec, networks, about, looks), corpus, run)
    model.save(run.out)
    write_report(run.out, model, evaluation, history)
    for network in range(recipe.networks):
        run.checkpoint(network).unlink(missing_ok=True)
    return model


def looks_again(keyword: str, recipe: Recipe) -> Pronunciation | None:
    """What the recipe has windows looked at again for: by the user's base or the larger bundled one; or not at all."""
    if not recipe.look_again:
        return None
    own = find_base(recipe.base, recipe.units) if recipe.base.endswith(".npz") else None
    base = own if own and own.names_sounds else find_base("sounds", _LOOKING_UNITS)
    assert base is not None  # it is bundled
    return pronunciation_of(keyword, base, recipe.look_again)


def fit_keyword(
    corpus: Corpus,
    recipe: Recipe,
    spec: FeatureSpec,
    seed: int,
    checkpoint: Path | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
    teacher: Teacher | None = None,
) -> Fitted:
    """Train one network on the corpus's training split, selecting on its validation split."""
    source = ExampleSource(corpus, "train", recipe, spec, seed)
    # Validation has the same draw for every seed, so that seeds are judged alike.
    whole = recipe.changed(keyword_clips=None, other_clips=None, mining=1.0)
    held_out = ExampleSource(corpus, "validation", whole, spec, 0)
    return fit(source, validation_examples(held_out), checkpoint, on_epoch, teacher)


def validation_examples(source: ExampleSource) -> Examples:
    """What selects the epoch: the clips as they are and, under a recipe that augments, augmented twice as well."""
    parts = [source.plain()]
    if source.recipe.augment is not None:
        parts += [source.epoch(1), source.epoch(2)]
    return Examples(np.concatenate([part.features for part in parts]), np.concatenate([part.labels for part in parts]))


def combine(
    models: Sequence[WakeWordModel],
    run: Run,
    say: Callable[[str], None],
    on_spoken: Progress | None = None,
) -> WakeWordModel:
    """One model of all the networks of several models of ``run``'s keyword, calibrated and measured anew, and saved.

    The run's recipe says what speech engines add to its data, and whether the model looks again; it does in any case
    where one of the models does. The models are taken to be trained on the run's training split, or on nothing that is
    in its others. Raises WakewordError in one sentence.
    """
    spec = models[0].spec
    for model in models:
        if (model.keyword, model.spec, model.pooling) != (run.keyword, spec, models[0].pooling):
            raise TrainingError(
                f"only models of {run.keyword!r} with windows of one length and one pooling can be combined"
            )
    corpus, _ = gather(run, on_spoken, spec)
    networks = sorted((network for model in models for network in model.networks), key=lambda network: network.units)
    about = {
        "recipe": {
            "name": "combined",
            "objective": ", ".join(dict.fromkeys(name for model in models for name in objectives_of(model.card))),
            "of": [{"recipe": model.card["recipe"], "seed": model.card["seed"]} for model in models],
        },
    }
    say("calibrating on validation, then measuring on the test split")
    looks = looks_again(run.keyword, run.recipe) or next((m.pronunciation for m in models if m.pronunciation), None)
    combined, evaluation = finish(WakeWordModel(run.keyword, spec, tuple(networks), about, looks), corpus, run)
    combined.save(run.out)
    write_report(run.out, combined, evaluation, [])
    return combined


def finish(model: WakeWordModel, corpus: Corpus, run: Run) -> tuple[WakeWordModel, Evaluation]:
    """Calibrate and measure a model whose card says how it was made; the one that comes back has its whole card."""

    def with_card(card: dict[str, Any]) -> WakeWordModel:
        return replace(model, card=card)

    card = calibrate(with_card(UNCALIBRATED), corpus, run.calibration, run.seed)
    evaluation = evaluate(with_card(card), corpus, run.seed)
    sizes = list(model.sizes)
    card |= {
        **model.card,
        "network": {
            "cell": "lstm",
            "layers": 1,
            "units": sizes[0] if len(sizes) == 1 else sizes,
            "networks": len(model.networks),
        },
        "evaluation": evaluation.figures,
        "data": corpus.provenance(),
        "seed": run.seed,
        "licence": LICENCE,
        "libraries": {
            "wakeword": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "torch": torch.__version__,
            "torchaudio": torchaudio.__version__,
        },
    }
    return with_card(card), evaluation
