"""Letter to sound, for words that are in no dictionary: rules in data/letter_rules.txt, then stress.

The rules are this project's own, written for invented names; benchmarks/mining.py measures them on words whose
pronunciation is known.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from close_negatives.articulation import is_vowel

_MACROS = {"V": "[aeiouy]", "C": "[bcdfghjklmnpqrstvwxz]", "F": "[eiy]", "S": "(?:e[sdr]?|ers|ing|ely)#"}
_LINE = re.compile(r"(?P<left>.*)\[(?P<letters>[a-z]+)\](?P<right>\S*) (?P<phonemes>[A-Z0-2 ]+|-)")
_LAX = {"IH", "EH", "AE", "AH", "UH"}
_REDUCED = {"AE": "AH0", "AA": "AH0", "EH": "AH0", "AH": "AH0"}
_WEAK_PREFIX = re.compile("(a(?=l|r|b|d|m|n)|be|de|re|pre|pro|con|com|ex|en|un|in|dis|mis)[^aeiouy]+[aeiouy]")


@dataclass(frozen=True)
class _Rule:
    left: re.Pattern[str]
    letters: str
    right: re.Pattern[str]
    phonemes: tuple[str, ...]


@lru_cache(maxsize=1)
def _rules() -> dict[str, list[_Rule]]:
    """The rules by the first of their letters, in the file's order."""
    rules: dict[str, list[_Rule]] = {}
    for line in (files("close_negatives") / "data" / "letter_rules.txt").read_text("ascii").splitlines():
        found = _LINE.fullmatch(line)
        if line.startswith("# "):
            continue
        if found is None:
            raise ValueError(f"letter_rules.txt: not a rule: {line}")
        left, right = (re.sub("[VCFS]", lambda m: _MACROS[m[0]], found[side]) for side in ("left", "right"))
        phonemes = tuple(found["phonemes"].replace("-", "").split())
        rule = _Rule(re.compile(f".*(?:{left})" if left else ""), found["letters"], re.compile(right), phonemes)
        rules.setdefault(rule.letters[0], []).append(rule)
    return rules


def sound_out(word: str) -> tuple[str, ...]:
    """ARPAbet phonemes with stress of a word of the letters a-z, by rule. Empty only where every letter is silent."""
    phonemes: list[str] = []
    padded, place = f"#{word}#", 1
    while place <= len(word):
        rule = next(r for r in _rules()[padded[place]] if _fits(r, padded, place))
        phonemes += rule.phonemes
        place += len(rule.letters)
    return _stress(word, [p for i, p in enumerate(phonemes) if i == 0 or p != phonemes[i - 1] or is_vowel(p)])


def _fits(rule: _Rule, padded: str, place: int) -> bool:
    end = place + len(rule.letters)
    if not padded.startswith(rule.letters, place) or not rule.right.match(padded, end):
        return False
    return not rule.left.pattern or rule.left.fullmatch(padded, 0, place) is not None


def _stress(word: str, phonemes: list[str]) -> tuple[str, ...]:
    """Put the main stress where English names mostly have it; make the other short vowels weak,
    where their syllable is open."""
    vowels = [i for i, p in enumerate(phonemes) if is_vowel(p)]
    marked = [i for i in vowels if phonemes[i].endswith("1")]
    free = [i for i in vowels if not phonemes[i].endswith("0")] or vowels
    if not vowels:
        return tuple(phonemes)
    main = marked[0] if marked else free[_main_stress(word, phonemes, free)]
    result = []
    for i, phoneme in enumerate(phonemes):
        if i not in vowels:
            result.append(phoneme)
            continue
        quality = phoneme.rstrip("012")
        closed = i + 2 < len(phonemes) and not {i + 1, i + 2} & set(vowels)
        weak = quality + "0" if closed else _REDUCED.get(quality, quality + "0")
        result.append(quality + "1" if i == main else weak)
    return tuple(result)


def _main_stress(word: str, phonemes: list[str], free: list[int]) -> int:
    """Which of the vowels that can be stressed is: the Latin rule, and the root of two-syllable words."""
    if len(free) <= 2:
        return 1 if len(free) == 2 and _WEAK_PREFIX.match(word) else 0
    before_last, last = free[-2], free[-1]
    heavy = phonemes[before_last].rstrip("012") not in _LAX or last - before_last > 2
    return len(free) - (2 if heavy else 3)
