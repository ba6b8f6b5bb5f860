"""The second look against every path written out, against torch, and in sliding windows; and in a model's file."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from wakeword import Detector, WakeWordModel, load_model, mfcc
from wakeword.alarms import hear
from wakeword.cli import main
from wakeword.errors import ModelFileError
from wakeword.pronunciation import Pronunciation
from wakeword.windows import SlidingWindows

SYMBOLS = ("_", "A", "B", "C")


def random_pronunciation(ways: tuple[tuple[str, ...], ...] = (("A", "B"),), floor: float = 0.0) -> Pronunciation:
    rng = np.random.default_rng(3)
    units, width = 6, 32

    def draw(*shape: int) -> np.ndarray:
        return (rng.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32)

    return Pronunciation(
        mean=draw(width), std=np.abs(draw(width)) + 2, w_ih=draw(4 * units, width) * 3, w_hh=draw(4 * units, units) * 2,
        bias=draw(4 * units), w_names=draw(len(SYMBOLS), units) * 4, b_names=draw(len(SYMBOLS)), symbols=SYMBOLS,
        ways=ways, weight=2.0, floor=floor,
    )  # fmt: skip


def frames_of(*shape: int, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal((*shape, 32)) * 4).astype(np.float32)


def scores_by_torch(look: Pronunciation, windows: np.ndarray) -> np.ndarray:
    """(B, F, S) log posteriors."""
    torch = pytest.importorskip("torch")
    lstm = torch.nn.LSTM(32, look.units, batch_first=True)
    weights = {"weight_ih_l0": look.w_ih, "weight_hh_l0": look.w_hh, "bias_ih_l0": look.bias}
    state = {name: torch.from_numpy(value) for name, value in weights.items()}
    lstm.load_state_dict({**state, "bias_hh_l0": torch.zeros(4 * look.units)})
    with torch.no_grad():
        hidden = lstm(torch.from_numpy((windows - look.mean) / look.std))[0]
        names = hidden @ torch.from_numpy(look.w_names).T + torch.from_numpy(look.b_names)
        return torch.log_softmax(names, dim=-1).numpy()


def every_path(posteriors: np.ndarray, way: tuple[str, ...]) -> float:
    """The least shortfall of one window, (F, S), by trying each beginning and each length of each sound."""
    behind = posteriors.max(axis=-1, keepdims=True) - posteriors
    frames, least = len(posteriors), np.inf
    for start, *lengths in product(range(frames), *[range(3, frames + 1)] * len(way)):
        if start + sum(lengths) <= frames:
            row = np.repeat([SYMBOLS.index(symbol) for symbol in way], lengths)
            least = min(least, behind[np.arange(start, start + len(row)), row].sum() / (3 * len(way)))
    return least


@pytest.mark.parametrize("ways", [(("A",),), (("A", "B"),), (("C", "_", "A"), ("B", "C"))])
def test_the_shortfall_is_that_of_the_best_of_all_paths(ways: tuple[tuple[str, ...], ...]) -> None:
    look, windows = random_pronunciation(ways), frames_of(5, 13)
    posteriors = scores_by_torch(look, windows)
    expected = [min(every_path(window, way) for way in ways) for window in posteriors]
    np.testing.assert_allclose(look.shortfall(windows), expected, atol=1e-5)
    assert max(expected) > 0.1


def test_a_window_too_short_for_the_keyword_holds_none_of_it() -> None:
    look = random_pronunciation((("A", "B", "C"),))
    assert look.shortfall(frames_of(1, 8))[0] > 1e6 > look.shortfall(frames_of(1, 9))[0]


def test_many_windows_are_as_each_alone() -> None:
    look, windows = random_pronunciation(), frames_of(150, 20)
    alone = [look.checked(np.float32([1.0]), window[None])[0] for window in windows]
    np.testing.assert_allclose(look.checked(np.ones(150, np.float32), windows), alone, atol=1e-5)
    assert look.checked(np.zeros(0, np.float32), windows[:0]).shape == (0,)


@pytest.mark.parametrize("block", [1, 7, 100, 400])
def test_windows_that_reach_the_floor_are_charged_and_no_others(make_model, block: int) -> None:
    plain, frames = make_model(networks=2), frames_of(2, 400, seed=5)
    looked = replace(plain, pronunciation=random_pronunciation())
    windows = SlidingWindows([plain, looked], 8, streams=2)
    parts = [windows.push(frames[:, first : first + block]) for first in range(0, 400, block)]
    scores = np.concatenate([part.scores for part in parts])
    raw, found = scores[:, :, 0], scores[:, :, 1]
    assert (raw >= 0.0).any()
    assert (raw < 0.0).any()
    np.testing.assert_array_equal(found[raw < 0.0], raw[raw < 0.0])
    for window, stream in np.argwhere(raw >= 0.0):
        heard = frames[stream, 8 * window : 8 * window + 98]
        charged = raw[window, stream] - 2.0 * looked.pronunciation.shortfall(heard[None])[0]
        assert found[window, stream] == pytest.approx(charged, abs=1e-4)
    windows.reset()
    np.testing.assert_allclose(windows.push(frames).scores, scores, atol=1e-4)


def test_a_recording_heard_in_pieces_is_as_a_detector_hears_it(make_model, voice: np.ndarray) -> None:
    model = replace(make_model(), pronunciation=random_pronunciation())
    np.testing.assert_allclose(hear(model, voice).scores, Detector(model).step(voice).scores[:, 0], atol=1e-4)
    assert not np.allclose(hear(model, voice).scores, hear(make_model(), voice).scores)


@pytest.fixture
def saved(make_model, tmp_path: Path) -> Path:
    path = tmp_path / "word.wakeword"
    replace(make_model(networks=2), pronunciation=random_pronunciation((("A", "B"), ("C",)))).save(path)
    return path


def test_round_trip(saved: Path, tmp_path: Path, voice: np.ndarray) -> None:
    loaded, look = load_model(saved), random_pronunciation((("A", "B"), ("C",)))
    assert isinstance(loaded.pronunciation, Pronunciation)
    assert len(loaded.networks) == 2
    frames = mfcc(voice)[None]
    np.testing.assert_array_equal(loaded.pronunciation.shortfall(frames), look.shortfall(frames))
    assert loaded.pronunciation.ways == look.ways
    assert (loaded.pronunciation.weight, loaded.pronunciation.floor) == (
        2,
        0,
    )
    assert "pronunciation" not in loaded.card
    loaded.save(tmp_path / "again.wakeword")
    assert (tmp_path / "again.wakeword").read_bytes() == saved.read_bytes()


def test_info_tells_of_it(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for more in ([], ["--json"]):
        with pytest.raises(SystemExit) as stop:
            main(["info", str(saved), *more])
        assert not stop.value.code
    shown, card = capsys.readouterr().out.split("{", 1)
    assert "looks again for A B, or C: an LSTM, 6 units, 2 logits a nat" in shown
    assert json.loads("{" + card)["pronunciation"]["ways"] == [["A", "B"], ["C"]]


def test_an_older_program_does_not_read_it_without_the_second_look(saved: Path, make_model, tmp_path: Path) -> None:
    make_model().save(tmp_path / "plain.wakeword")
    versions = []
    for path in (saved, tmp_path / "plain.wakeword"):
        with zipfile.ZipFile(path) as archive:
            versions.append(json.loads(archive.read("card.json"))["format_version"])
    assert versions == [3, 1]


@pytest.mark.parametrize(
    "change",
    [
        {"ways": []}, {"ways": [[]]}, {"ways": [["X"]]}, {"ways": 3}, {"symbols": ["_", "A"]}, {"weight": -1.0},
        {"weight": None}, {"floor": float("inf")}, {"floor": "low"},
    ],
)  # fmt: skip
def test_a_pronunciation_that_makes_no_sense(saved: Path, change: dict, rewritten) -> None:
    with zipfile.ZipFile(saved) as archive:
        card = json.loads(archive.read("card.json"))
    card["pronunciation"] |= change
    with pytest.raises(ModelFileError, match="damaged"):
        load_model(rewritten(saved, {"card.json": json.dumps(card).encode()}))


def test_arrays_that_do_not_fit_or_are_not_there(saved: Path, make_model, rewritten) -> None:
    stream = io.BytesIO()
    np.save(stream, np.zeros((4, 5), np.float32))
    with pytest.raises(ModelFileError, match="w_names of the pronunciation must be float32"):
        load_model(rewritten(saved, {"pronunciation.w_names.npy": stream.getvalue()}))
    with pytest.raises(ModelFileError, match="damaged"):
        load_model(rewritten(saved, {"pronunciation.w_names.npy": None}))
    look = random_pronunciation()
    with pytest.raises(ValueError, match="not finite"):
        replace(look, bias=np.full_like(look.bias, np.nan))
    with pytest.raises(ValueError, match="every std"):
        replace(look, std=np.zeros_like(look.std))
    narrow = replace(look, mean=look.mean[:20], std=look.std[:20], w_ih=look.w_ih[:, :20])
    with pytest.raises(ValueError, match="cepstra of the front end"):
        WakeWordModel("word", make_model().spec, make_model().networks, {}, narrow)


def test_the_graph_of_a_model_that_looks_again_is_of_its_networks_alone(
    saved: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And it is said, for its thresholds are of the second look too."""
    with pytest.raises(SystemExit) as stop:
        main(["export", str(saved), "--onnx", str(tmp_path / "word.onnx")])
    assert not stop.value.code
    assert "second look" in capsys.readouterr().err
