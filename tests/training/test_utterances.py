"""What a base learns from: words of people and engines, with the sounds that were found in them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from close_negatives.phonemes import pronounce
from training.utterances import Sources, gather_utterances

DEMO = Path(__file__).parents[2] / "demo" / "recordings"


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's words as folders of clips, and its recording as continuous speech."""
    folder = tmp_path_factory.mktemp("people")
    samples, rate = soundfile.read(DEMO / "happy.flac", dtype="int16")
    for one in json.loads((DEMO / "happy.json").read_text()):
        place = folder / "words" / one["word"]
        place.mkdir(parents=True, exist_ok=True)
        name = f"{Path(one['clip']).name}.wav"
        soundfile.write(place / name, samples[int(one["start_s"] * rate) : int(one["end_s"] * rate)], rate)
    (folder / "speech").mkdir()
    for part in range(12):  # several, so that some are for training
        stretch = samples[part * 4 * rate : (part + 1) * 4 * rate]
        soundfile.write(folder / "speech" / f"{part}.wav", stretch, rate)
    return folder


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
