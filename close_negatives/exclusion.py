"""What is no fair negative: other spellings of the keyword's sound, its inflections, and words that contain it."""

from __future__ import annotations

from close_negatives.phonemes import Phonemes


def unstressed(phonemes: Phonemes) -> Phonemes:
    """Without stress digits: what two spellings of one sound share."""
    return tuple(p.rstrip("012") for p in phonemes)


def contains_sound(sound: Phonemes, piece: Phonemes) -> bool:
    """Whether the piece is spoken within the sound, both without stress."""
    return any(sound[i : i + len(piece)] == piece for i in range(len(sound) - len(piece) + 1))


def is_form_of(text: str, phrase: str) -> bool:
    """Whether one is an inflection of the other by its spelling, or the text begins with a phrase of 4 letters or
    more ("sevenths"). Forms that spelling does not show ("ran" of "run") sound different enough to be refused."""
    return (len(phrase) >= 4 and text.startswith(phrase)) or text in _forms(phrase) or phrase in _forms(text)


def _forms(word: str) -> set[str]:
    """Regular plural, possessive, past and -ing of a word as they are spelt, right and doubtful ones."""
    stems = {word, word + word[-1]}
    if word.endswith("e"):
        stems.add(word[:-1])
    forms = {stem + ending for stem in stems for ending in ("s", "es", "'s", "ed", "ing")}
    if word.endswith("y"):
        forms |= {word[:-1] + "ies", word[:-1] + "ied"}
    if word.endswith(("f", "fe")):
        forms.add(word.rstrip("e")[:-1] + "ves")
    return forms
