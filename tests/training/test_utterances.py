"""What a base learns from: words of people and engines, with the sounds that were found in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from close_negatives.phonemes import pronounce
from training.utterances import Sources, gather_utterances


def test_every_clip_comes_with_its_sounds_and_words_can_be_left_out(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAKEWORD_CACHE", str(tmp_path))
    told: list[tuple[int, int]] = []
    sources = Sources(people / "words", (people / "speech",), (), 40, 18_960)
    found = gather_utterances(sources, 0, lambda done, total: told.append((done, total)))
    again = gather_utterances(sources, 0)
    fewer = gather_utterances(Sources(people / "words", (), (), 40, 18_960, ("happy",)), 0)

    everything = [*found.recorded, *found.spoken, *found.validation]
    assert told[-1] == (len(everything) + found.left_out,) * 2
    assert all(one.sounds for one in everything)
    assert len(found.spoken) > 30
    for mine, other in zip(everything, [*again.recorded, *again.spoken, *again.validation], strict=True):
        assert np.array_equal(mine.clip, other.clip)
        assert mine.sounds == other.sounds

    def say(word: str, utterances: list) -> int:  # type: ignore[type-arg]
        bare = [phoneme.rstrip("012") for phoneme in pronounce(word)]
        return sum([sound.symbol for sound in one.sounds] == bare for one in utterances)

    assert say("happy", [*found.recorded, *found.validation]) > 0
    assert say("happy", fewer.recorded) == 0
    assert fewer.provenance["without"] == ["happy"]
