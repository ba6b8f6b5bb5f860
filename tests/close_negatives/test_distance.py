"""The vectorised edit distance against the definition, written as a recursion over single words."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from close_negatives.articulation import SYMBOLS, cost_tables, encode, gap_cost, substitution_cost
from close_negatives.distance import EXACT, Free, distances, pack


def oracle(target: list[int], word: list[int], free: Free) -> float:
    """The cheapest way to use up target and word from the left, tried in every way."""
    names = [[SYMBOLS[code] for code in codes] for codes in (target, word)]

    @cache
    def rest(i: int, j: int) -> float:
        ways = [0.0] if j == len(word) and (i == len(target) or free.target_ends) else []
        if i < len(target):
            skipped = free.target_ends and j == 0
            ways.append((0.0 if skipped else gap_cost(names[0][i])) + rest(i + 1, j))
        if j < len(word):
            skipped = free.word_start and i == 0
            ways.append((0.0 if skipped else gap_cost(names[1][j])) + rest(i, j + 1))
        if i < len(target) and j < len(word):
            ways.append(substitution_cost(names[0][i], names[1][j]) + rest(i + 1, j + 1))
        return min(ways)

    return rest(0, 0)


@pytest.mark.parametrize("free", [EXACT, Free(target_ends=True), Free(word_start=True)], ids=str)
def test_equals_the_definition(free: Free) -> None:
    rng = np.random.default_rng(0)
    words = [rng.integers(0, len(SYMBOLS), rng.integers(1, 9)).astype(np.uint8) for _ in range(120)]
    for length in (1, 4, 7):
        target = rng.integers(0, len(SYMBOLS), length).astype(np.uint8)
        wanted = [oracle(target.tolist(), word.tolist(), free) for word in words]
        np.testing.assert_allclose(distances(target, pack(words), free), wanted, atol=1e-5)


def test_costs_are_symmetric_and_zero_only_for_the_same() -> None:
    substitution, gap = cost_tables()
    np.testing.assert_array_equal(substitution, substitution.T)
    assert (substitution == 0).tolist() == np.eye(len(SYMBOLS), dtype=bool).tolist()
    assert substitution.max() == 1.5
    assert set(gap.tolist()) == {0.5, 1.0}


@pytest.mark.parametrize(
    ("near", "far"),
    [
        (("V", "F"), ("V", "K")),  # voicing; all of place, manner and voicing
        (("M", "N"), ("M", "S")),
        (("IY1", "IH1"), ("IY1", "AA1")),
        (("AO1", "AA1"), ("AO1", "IY1")),  # the low back vowels that many speakers merge
        (("AH0", "IH0"), ("AH1", "IH1")),  # weak vowels are hardly told apart
        (("R", "W"), ("R", "T")),
        (("Y", "IY1"), ("Y", "AA1")),  # a glide and its vowel
    ],
)
def test_what_the_ear_confuses_costs_less(near: tuple[str, str], far: tuple[str, str]) -> None:
    assert 0 < substitution_cost(*near) < substitution_cost(*far)


def test_stress_costs_less_than_any_other_vowel() -> None:
    stress = substitution_cost("AA1", "AA0")
    assert stress > 0
    assert stress < min(substitution_cost("AA1", v) for v in SYMBOLS if v.endswith("1") and v != "AA1")


def test_r_coloured_vowels_are_a_vowel_and_r() -> None:
    np.testing.assert_array_equal(encode(("F", "ER1")), encode(("F", "AH1", "R")))


def test_what_is_no_phoneme_is_refused() -> None:
    for pair in (("XX", "M"), ("AA1", "XX"), ("XX", "AA1")):
        with pytest.raises(KeyError):
            substitution_cost(*pair)
    with pytest.raises(ValueError, match="without phonemes"):
        pack([np.array([], np.uint8)])
