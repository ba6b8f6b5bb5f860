"""A phrase's own parts: beginnings and endings of it, parts swapped, parts said twice.

They are what a speaker who breaks off, or another phrase that shares a syllable, really says. They are spoken from
their phonemes; the spelling, cut from the phrase's own letters, is for people to read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from close_negatives.articulation import is_vowel
from close_negatives.phonemes import Phonemes, pronounce_word, syllable_starts, words_of

#: letter -> the phonemes it is commonly written for; every vowel letter may stand for every vowel
_CONSONANT_LETTERS = {
    "b": "B", "c": "K S SH CH", "d": "D JH T", "f": "F V", "g": "G JH ZH F", "h": "HH", "j": "JH Y HH ZH",
    "k": "K", "l": "L", "m": "M", "n": "N NG", "p": "P F", "q": "K", "r": "R ER", "s": "S Z SH ZH",
    "t": "T D TH DH SH CH", "v": "V F", "w": "W V", "x": "K G Z S", "y": "Y", "z": "Z S ZH TS",
}  # fmt: skip
_SILENT, _UNWRITTEN, _ODD, _IMPOSSIBLE = 0.6, 0.9, 1.0, 3.0


@dataclass(frozen=True)
class Part:
    """A piece or a rearrangement of a phrase; reason is "truncation", "swap" or "repeat"."""

    text: str
    phonemes: Phonemes
    reason: str


@dataclass(frozen=True)
class _Spelled:
    """One word: letter_of[i] is the letter where phoneme i begins (one more entry: the word's end)."""

    word: str
    phonemes: Phonemes
    letter_of: tuple[int, ...]

    def piece(self, start: int, end: int) -> tuple[str, Phonemes]:
        return self.word[self.letter_of[start] : self.letter_of[end]], self.phonemes[start:end]

    def syllables(self) -> list[tuple[str, Phonemes]]:
        starts = syllable_starts(self.phonemes)
        return [self.piece(a, b) for a, b in zip(starts, [*starts[1:], len(self.phonemes)], strict=True)]


def letter_starts(word: str, phonemes: Phonemes) -> tuple[int, ...]:
    """For each phoneme the letter where it begins, never falling, from 0; then the word's length. A silent letter
    belongs to the phoneme before it, so a doubled consonant is cut in two: "fol|low"."""
    letters, sounds = len(word), len(phonemes)
    best = [[(0.0, "")] * (sounds + 1) for _ in range(letters + 1)]
    for i in range(letters + 1):
        for j in range(sounds + 1):
            steps = []
            if i and j:
                steps.append((best[i - 1][j - 1][0] + _mismatch(word[i - 1], phonemes[j - 1]), "both"))
            if j:
                steps.append((best[i][j - 1][0] + _UNWRITTEN, "sound"))
            if i:
                steps.append((best[i - 1][j][0] + _SILENT, "silent"))
            best[i][j] = min(steps, key=lambda step: step[0]) if steps else (0.0, "")
    starts = [0] * sounds + [letters]
    i, j = letters, sounds
    while i or j:
        step = best[i][j][1]
        i, j = i - (step != "sound"), j - (step != "silent")
        if step != "silent":
            starts[j] = i
    return (0, *starts[1:])


def _mismatch(letter: str, phoneme: str) -> float:
    vowel_letter = letter in "aeiouy"
    if is_vowel(phoneme):
        return 0.0 if vowel_letter else (_ODD if letter in "wr" else _IMPOSSIBLE)
    if phoneme in _CONSONANT_LETTERS.get(letter, "").split():
        return 0.0
    return _IMPOSSIBLE if vowel_letter else _ODD


def own_parts(phrase: str) -> list[Part]:
    """Truncations, swaps and repeats of a phrase: of its words, and of a single word's syllables and outer
    phonemes. Each has a vowel and is not the phrase itself; a sound that could be heard as the phrase is left for
    the caller to drop. Raises PhraseError."""
    spelled = [_Spelled(word, *_aligned(word)) for word in words_of(phrase)]
    whole = sum((word.phonemes for word in spelled), ())
    parts: dict[Phonemes, Part] = {}
    for part in (*_truncations(spelled), *_rearranged(spelled)):
        if part.phonemes != whole and any(is_vowel(p) for p in part.phonemes):
            parts.setdefault(part.phonemes, part)
    return list(parts.values())


def _aligned(word: str) -> tuple[Phonemes, tuple[int, ...]]:
    phonemes = pronounce_word(word)[0]
    return phonemes, letter_starts(word, phonemes)


def _truncations(spelled: list[_Spelled]) -> Iterator[Part]:
    """Whole syllables from the beginning or up to the end, the words between; one outer phoneme less."""
    pieces = [(index, piece) for index, word in enumerate(spelled) for piece in word.syllables()]
    count = len(pieces)
    cuts = [(0, end) for end in range(1, count)] + [(start, count) for start in range(1, count)]
    edges = [i for i in range(count + 1) if i in (0, count) or pieces[i][0] != pieces[i - 1][0]]
    cuts += [(a, b) for a in edges for b in edges if a < b and (a, b) != (0, count)]
    if len(spelled) == 1:
        cuts += [(i, i + 1) for i in range(count)]
    for start, end in cuts:
        sounds: Phonemes = sum((sound for _, (_, sound) in pieces[start:end]), ())
        yield Part(_join(pieces[start:end]), _alone(sounds), "truncation")
    if len(spelled) == 1:
        word = spelled[0]
        length = len(word.phonemes)
        for start, end in ((1, length), (0, length - 1), (1, length - 1)):
            if end - start >= 2:
                text, sounds = word.piece(start, end)
                yield Part(text, _alone(sounds), "truncation")


def _alone(phonemes: Phonemes) -> Phonemes:
    """Phonemes as they are said by themselves: a piece without main stress gets it on its first vowel."""
    if any(p.endswith("1") for p in phonemes):
        return phonemes
    first = next((i for i, p in enumerate(phonemes) if is_vowel(p)), len(phonemes))
    return tuple(p[:-1] + "1" if i == first else p for i, p in enumerate(phonemes))


def _join(pieces: list[tuple[int, tuple[str, Phonemes]]]) -> str:
    """Syllables' letters, with a space where a word ends."""
    text = ""
    for place, (index, (letters, _)) in enumerate(pieces):
        text += (" " if place and pieces[place - 1][0] != index else "") + letters
    return text


def _rearranged(spelled: list[_Spelled]) -> Iterator[Part]:
    """Neighbours swapped, and each unit twice; units are words, or the syllables of a single word."""
    words = len(spelled) > 1
    units = [(word.word, word.phonemes) for word in spelled] if words else spelled[0].syllables()
    if len(units) == 1:
        return
    glue = " " if words else ""
    for i in range(len(units) - 1):
        order = [*units[:i], units[i + 1], units[i], *units[i + 2 :]]
        yield Part(glue.join(text for text, _ in order), sum((p for _, p in order), ()), "swap")
    for text, phonemes in units:
        yield Part(f"{text} {text}", _alone(phonemes) * 2, "repeat")
