"""The recipe for a phrase that nobody recorded, one change at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from training.recipes import Recipe
from training.splicing import SpliceSettings


@dataclass(frozen=True)
class Variant:
    """A change of the recipe.

    hear_people: whether people's recordings of other words train, and sounds joined out of them; own: of how many of
    the people who say the word one recording each trains, as a user's own; none of theirs are judged.
    """

    change: Callable[[Recipe], Recipe] = lambda recipe: recipe
    networks: int = 1
    hear_people: bool = True
    own: int = 0


def _spoken(**changes: Any) -> Callable[[Recipe], Recipe]:
    return lambda recipe: recipe.changed(spoken=replace(recipe.spoken, **changes))


def _augment(**changes: Any) -> Callable[[Recipe], Recipe]:
    return lambda recipe: recipe.changed(augment=replace(recipe.augment, **changes)) if recipe.augment else recipe


def _cepstral(**changes: Any) -> Callable[[Recipe], Recipe]:
    def change(recipe: Recipe) -> Recipe:
        assert recipe.augment is not None
        return _augment(cepstral=replace(recipe.augment.cepstral, **changes))(recipe)

    return change


def _bce(recipe: Recipe) -> Recipe:
    return recipe.changed(objective="bce")


VARIANTS = {
    "the recipe": Variant(),
    "two networks": Variant(networks=2),
    "four networks": Variant(networks=4),
    "256 units": Variant(lambda recipe: recipe.changed(units=256)),
    "half the epochs": Variant(lambda recipe: recipe.changed(epochs=recipe.epochs // 2)),
    "twice the epochs": Variant(lambda recipe: recipe.changed(epochs=2 * recipe.epochs)),
    "a third of the learning rate": Variant(lambda recipe: recipe.changed(learning_rate=recipe.learning_rate / 3)),
    "BCE": Variant(_bce),
    "DROCC-OE": Variant(lambda recipe: recipe.changed(objective="drocc-oe")),
    "sounds may be forgotten": Variant(lambda recipe: recipe.changed(remember=0.0)),
    "no hard negatives": Variant(lambda recipe: recipe.changed(mining=1.0)),
    "sounds may be forgotten, no hard negatives": Variant(lambda recipe: recipe.changed(remember=0.0, mining=1.0)),
    "sounds of people joined too": Variant(
        lambda recipe: recipe.changed(spliced=SpliceSettings(keyword=800, close=600, other=600))
    ),
    "no base, three times the epochs": Variant(lambda recipe: recipe.changed(base="", epochs=3 * recipe.epochs)),
    "no people among the other words": Variant(hear_people=False),
    "no recorded styles": Variant(_cepstral(style=0.0)),
    "no throats, equalisers, rhythms": Variant(_cepstral(throat=0.0, equaliser=0.0, rhythm=0.0)),
    "a quarter of the keyword's clips": Variant(_spoken(keyword=300)),
    "no close negatives": Variant(_spoken(close=0)),
    "twice the windows of continuous speech": Variant(
        lambda recipe: recipe.changed(
            speech_windows=2 * recipe.speech_windows, sentence_windows=2 * recipe.sentence_windows
        )
    ),
    "twelve decibels quieter at the quietest": Variant(_augment(gain_db=(-30.0, 6.0))),
    "no sentences": Variant(_spoken(sentences=0)),
    "ten own recordings": Variant(own=10),
    "ten own recordings, BCE": Variant(_bce, own=10),
    "ten own recordings, BCE, half the epochs": Variant(
        lambda recipe: _bce(recipe.changed(epochs=recipe.epochs // 2)), own=10
    ),
    "ten own recordings, BCE, twice the epochs": Variant(
        lambda recipe: _bce(recipe.changed(epochs=2 * recipe.epochs)), own=10
    ),
    "ten own recordings, no close negatives": Variant(_spoken(close=0), own=10),
    "ten own recordings, heard three times as often": Variant(
        lambda recipe: recipe.changed(own_draws=recipe.own_draws * 3), own=10
    ),
    "ten own recordings, heard a quarter as often": Variant(
        lambda recipe: recipe.changed(own_draws=recipe.own_draws // 4), own=10
    ),
}
