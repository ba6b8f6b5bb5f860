"""The model file: what goes in comes out, the same model gives the same bytes, anything else is refused."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wakeword import Detector, ModelFileError, WakeWordModel, bundled_models, load_model
from wakeword.files import write_atomically


@pytest.fixture
def saved(make_model, tmp_path: Path) -> Path:
    make_model(units=8, attention=True, networks=2).save(tmp_path / "word.wakeword")
    return tmp_path / "word.wakeword"


@pytest.fixture
def with_card(rewritten: Callable[..., Path]) -> Callable[..., Path]:
    """A function: the file with entries of its card changed."""

    def change(path: Path, **changes: object) -> Path:
        with zipfile.ZipFile(path) as archive:
            card = json.loads(archive.read("card.json"))
        return rewritten(path, {"card.json": json.dumps({**card, **changes}).encode()})

    return change


def test_round_trip(make_model, saved: Path, voice: np.ndarray) -> None:
    model, loaded = make_model(units=8, attention=True, networks=2), load_model(saved)
    assert (loaded.keyword, loaded.spec) == (model.keyword, model.spec)
    for ours, theirs in zip(loaded.networks, model.networks, strict=True):
        assert ours.attention is not None
        np.testing.assert_array_equal(ours.attention, theirs.attention)
        np.testing.assert_array_equal(ours.w_ih, theirs.w_ih)
    assert loaded.card == model.card
    np.testing.assert_array_equal(Detector(loaded).step(voice).scores, Detector(model).step(voice).scores)


def test_networks_of_several_sizes(make_model, tmp_path: Path, voice: np.ndarray, rewritten) -> None:
    """Such a file says that older programs cannot read it; one of a single size does not."""
    small, large = make_model(units=8, attention=True, networks=2), make_model(units=20, attention=True)
    mixed, path = replace(small, networks=small.networks + large.networks), tmp_path / "mixed.wakeword"
    mixed.save(path)
    small.save(tmp_path / "small.wakeword")
    loaded = load_model(path)
    assert loaded.sizes == {8: 2, 20: 1}
    np.testing.assert_array_equal(loaded.networks[2].w_hh, large.networks[0].w_hh)
    np.testing.assert_array_equal(Detector(loaded).step(voice).scores, Detector(mixed).step(voice).scores)
    versions = []
    for file in (path, tmp_path / "small.wakeword"):
        with zipfile.ZipFile(file) as archive:
            versions.append(json.loads(archive.read("card.json"))["format_version"])
    assert versions == [2, 1]
    with pytest.raises(ValueError, match="must be neighbours"):
        replace(small, networks=(small.networks[0], *large.networks, small.networks[1]))
    for lost in ("w_hh.1.npy", "mean.1.npy"):  # the first array of a size as well as a later one
        mixed.save(path)
        rewritten(path, {lost: None})
        with pytest.raises(ModelFileError, match="is damaged"):
            load_model(path)


def test_the_same_model_is_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    load_model(saved).save(tmp_path / "again.wakeword")
    os.utime(saved, (0, 0))
    assert (tmp_path / "again.wakeword").read_bytes() == saved.read_bytes()


def test_rules_of_the_operating_points(saved: Path) -> None:
    model = load_model(saved)
    assert model.rule().threshold == 1.5
    assert model.rule("fpr_5").threshold == 0.5
    assert (model.rule(threshold=9.0).threshold, model.rule().n, model.rule().m) == (9.0, 2, 3)


@pytest.mark.parametrize("keep", [0, 1, 100, 0.5, 0.9, -1])
def test_a_truncated_file(saved: Path, keep: float) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content[: int(keep * len(content)) if isinstance(keep, float) else keep])
    with pytest.raises(ModelFileError, match=r"word\.wakeword is damaged"):
        load_model(saved)


def test_a_flipped_byte_is_found_or_harmless(saved: Path) -> None:
    """Every flip either leaves the same weights and card or is refused; none crashes or loads as something else."""
    content = bytearray(saved.read_bytes())
    original = load_model(saved)
    refused = 0
    for place in range(0, len(content), 97):
        damaged = bytearray(content)
        damaged[place] ^= 0x5A
        saved.write_bytes(damaged)
        try:
            loaded = load_model(saved)
        except ModelFileError:
            refused += 1
        else:
            assert loaded.card == original.card
            np.testing.assert_array_equal(loaded.networks[1].w_hh, original.networks[1].w_hh)
    assert refused > 0.8 * len(content) / 97


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"hello", "is damaged, truncated, or no wakeword model"),
        (pickle.dumps({"a": 1}), "no wakeword model"),
    ],
)
def test_a_foreign_file(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "x.wakeword"
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=sentence):
        load_model(path)


def test_a_foreign_archive(saved: Path, tmp_path: Path, with_card) -> None:
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(ModelFileError, match=r"holds no card\.json"):
        load_model(tmp_path / "other.npz")
    with pytest.raises(ModelFileError, match="is not a wakeword model"):
        load_model(with_card(saved, format="something-else"))


def test_a_newer_version_says_to_upgrade(saved: Path, with_card) -> None:
    with pytest.raises(ModelFileError, match=r"has format 99, newer than .* upgrade wakeword"):
        load_model(with_card(saved, format_version=99))


def test_loading_never_unpickles(saved: Path, tmp_path: Path, rewritten) -> None:
    """An object array whose pickle would create a file is refused, and the file is not there afterwards."""

    class Bomb:
        def __reduce__(self) -> tuple:
            return (open, (str(tmp_path / "ran"), "w"))

    stream = io.BytesIO()
    np.save(stream, np.array([Bomb()], dtype=object), allow_pickle=True)
    with pytest.raises(ModelFileError, match="damaged"):
        load_model(rewritten(saved, {"w_hh.npy": stream.getvalue()}))
    assert not (tmp_path / "ran").exists()


def test_weights_that_do_not_fit(saved: Path, rewritten) -> None:
    stream = io.BytesIO()
    np.save(stream, np.full((2, 3, 3), 1.0, np.float32))
    with pytest.raises(ModelFileError, match="w_hh must be float32"):
        load_model(rewritten(saved, {"w_hh.npy": stream.getvalue()}))
    with pytest.raises(ModelFileError, match="damaged"):
        load_model(rewritten(saved, {"w_hh.npy": None}))


@pytest.mark.parametrize(
    "changes",
    [
        {"feature_spec": {"hop": 1}},
        {"feature_spec": 3},
        {"default_point": "x"},
        {"operating_points": {"alarms": {"threshold": 1.0}, "fpr_3": {}}},
        {"operating_points": {"alarms": {"threshold": float("nan")}}},
        {"operating_points": {"alarms": {"threshold": 10**400}}},
        {"format_version": "1"},
    ],
)
def test_a_card_that_makes_no_sense(saved: Path, changes: dict, with_card) -> None:
    with pytest.raises(ModelFileError):
        load_model(with_card(saved, **changes))


def test_an_array_that_claims_more_than_there_is(saved: Path, rewritten) -> None:
    stream = io.BytesIO()
    shape = {"descr": "<f4", "fortran_order": False, "shape": (10**14,)}
    np.lib.format.write_array_header_1_0(stream, shape)
    with pytest.raises(ModelFileError, match="damaged"):
        load_model(rewritten(saved, {"w_hh.npy": stream.getvalue()}))


def test_an_archive_that_claims_too_much(saved: Path) -> None:
    with zipfile.ZipFile(saved, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("padding", bytes(65 * 2**20))
    with pytest.raises(ModelFileError, match="claims more than 64 MiB"):
        load_model(saved)


def test_weights_that_are_not_finite_are_refused(make_model) -> None:
    (network,) = make_model().networks
    with pytest.raises(ValueError, match="w_out holds a value that is not finite"):
        replace(network, w_out=np.full_like(network.w_out, np.nan))
    with pytest.raises(ValueError, match="std must be above 0"):
        replace(network, std=np.zeros_like(network.std))


def test_networks_that_do_not_go_together_are_refused(make_model) -> None:
    last, attention = make_model(units=8).networks, make_model(units=8, attention=True).networks
    with pytest.raises(ValueError, match="must have one pooling"):
        replace(make_model(), networks=last + attention)
    with pytest.raises(ValueError, match="at least one network"):
        replace(make_model(), networks=())


def test_no_such_model_names_the_bundled_ones(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="there is no such model file, nor a bundled model"):
        load_model(tmp_path / "nothing")
    with pytest.raises(ModelFileError, match="there is no such model file"):
        load_model(tmp_path)


def test_every_bundled_model_loads_and_has_a_card() -> None:
    assert "happy" in bundled_models()
    for name in bundled_models():
        model = load_model(name)
        assert isinstance(model, WakeWordModel)
        assert model.keyword == name
        assert set(model.operating_points) == {"fpr_3", "fpr_5", "alarms"}
        assert {"evaluation", "data", "recipe", "seed", "licence", "libraries"} <= set(model.card)


def test_a_link_stays_a_link_and_a_pipe_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to("file")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor(1) as reader:
        heard = reader.submit((tmp_path / "pipe").read_bytes)
        write_atomically(tmp_path / "pipe", b"through")
        assert heard.result(timeout=10) == b"through"
    assert (tmp_path / "pipe").is_fifo()


def test_a_failed_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
