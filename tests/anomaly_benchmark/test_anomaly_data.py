"""The data sets of normals alone: protocols, scaling, who may be on which side, and files from folder or network."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from anomaly_benchmark.datasets import Dataset, epileptic, load, originals, sine, sphere
from anomaly_benchmark.datasets.noisy_sine import DISPLACEMENTS
from training import fetch
from training.speech_commands import read_folder
from wakeword.errors import DataError, DownloadError

PARTS = ("train", "validation", "test")


def write_odds(path: Path, normal: int, anomalies: int) -> None:
    """Rows that are all different; the last column is constant among the normals, as some of Arrhythmia's are."""
    rng = np.random.default_rng(0)
    x = rng.normal(5, 2, (normal + anomalies, 4))
    x[:, 3] = np.arange(normal + anomalies) >= normal
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"X": x, "y": (np.arange(normal + anomalies) >= normal)[:, None].astype(float)})


def seen(data: Dataset) -> list[set[bytes]]:
    return [{row.tobytes() for row in getattr(data, part).x} for part in PARTS]


def test_protocol_a_tests_as_many_normals_as_anomalies(tmp_path: Path) -> None:
    write_odds(tmp_path / "benchmark" / "thyroid.mat", 100, 21)
    found = load("tabular", "thyroid", {"protocol": "a"}, tmp_path, 3)
    assert found.counts() == {
        "train": {"normal": 79},
        "validation": {"normal": 10, "anomaly": 10},
        "test": {"normal": 11, "anomaly": 11},
    }
    sides = seen(found)
    assert not sides[0] & sides[1] | sides[1] & sides[2] | sides[0] & sides[2]
    np.testing.assert_allclose(found.train.x.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(found.train.x.std(axis=0)[:3], 1, atol=1e-3)
    assert (found.train.x[:, 3] == 0).all()
    assert np.allclose(found.test.x[found.test.y == 0, 3], 1e4)  # 1 off a constant, over the epsilon


def test_protocol_b_trains_on_half_of_the_normals(tmp_path: Path) -> None:
    write_odds(tmp_path / "arrhythmia.mat", 101, 20)  # a folder with the file itself
    found = load("tabular", "arrhythmia", {"protocol": "b"}, tmp_path, 0)
    assert found.counts() == {
        "train": {"normal": 50},
        "validation": {"normal": 25, "anomaly": 10},
        "test": {"normal": 26, "anomaly": 10},
    }
    again, other = (load("tabular", "arrhythmia", {"protocol": "b"}, tmp_path, seed) for seed in (0, 1))
    np.testing.assert_array_equal(found.test.x, again.test.x)
    assert seen(found)[0] != seen(other)[0]
    as_it_is = load("tabular", "arrhythmia", {"protocol": "b", "scaled": False}, tmp_path, 0)
    mean, std = as_it_is.train.x.mean(axis=0), as_it_is.train.x.std(axis=0) + 1e-4
    np.testing.assert_allclose((as_it_is.test.x - mean) / std, found.test.x, rtol=1e-3, atol=1e-3)
    with pytest.raises(DataError, match=r"no protocol 'c'; choose .a. or .b."):
        load("tabular", "arrhythmia", {"protocol": "c"}, tmp_path, 0)
    with pytest.raises(DataError, match="no tabular data set 'iris'"):
        load("tabular", "iris", {}, tmp_path, 0)


def test_abalone_keeps_the_rings_of_the_paper(tmp_path: Path) -> None:
    rings = [3, 21, 3, 21, 8, 9, 10, 8, 9, 10, 8, 9, 10, 8, 9, 10, 1, 4, 11, 20, 29]
    lines = [f"{'MFI'[k % 3]},0.{k}1,0.2,0.3,0.4,0.5,0.6,0.7,{ring}" for k, ring in enumerate(rings)]
    (tmp_path / "abalone.data").write_text("\n".join(lines) + "\n")
    counts = load("tabular", "abalone", {"protocol": "a"}, tmp_path, 0).counts()
    assert counts == {
        "train": {"normal": 8}, "validation": {"normal": 2, "anomaly": 2}, "test": {"normal": 2, "anomaly": 2}
    }  # fmt: skip


def test_the_real_files_have_the_sizes_that_are_published(real_data: Path) -> None:
    sizes = {"thyroid": (3586, 93, 6), "arrhythmia": (320, 66, 274), "abalone": (1862, 29, 8)}
    for name, (train, anomalies, features) in sizes.items():
        found = load("tabular", name, {"protocol": "a"}, real_data.parent, 0)
        assert found.train.x.shape == (train, features)
        judged = sum(found.counts()[part]["anomaly"] for part in PARTS[1:])
        assert judged == anomalies == sum(found.counts()[part]["normal"] for part in PARTS[1:])


@pytest.mark.parametrize("content", [b"", b"not a matrix", b"M,0.1,0.2\n"])
@pytest.mark.parametrize("name", ["thyroid.mat", "abalone.data", "epileptic_seizure.npz", "data.csv"])
def test_a_damaged_file_is_one_sentence(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    table = name in ("thyroid.mat", "abalone.data")
    with pytest.raises(DataError, match=rf"{name} is damaged or no .*: replace it"):
        load("tabular" if table else "epileptic-seizure", name.split(".")[0], {}, tmp_path, 0)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A web server on a folder, which Thyroid's address is made to point at."""
    folder = tmp_path / "site"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, format: str, *arguments: object) -> None:
            """Keeps the test's output clean."""

    write_odds(folder / "thyroid.mat", 40, 8)
    web = ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    digest = hashlib.sha256((folder / "thyroid.mat").read_bytes()).hexdigest()
    url = f"http://127.0.0.1:{web.server_address[1]}/thyroid.mat?dl=1"
    original = replace(originals.ORIGINALS["thyroid"], url=url, sha256=digest)
    monkeypatch.setitem(originals.ORIGINALS, "thyroid", original)
    monkeypatch.setenv("WAKEWORD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(fetch, "PAUSE_SECONDS", 0.0)
    yield folder
    web.shutdown()
    thread.join()
    web.server_close()


def test_a_file_that_is_not_there_is_fetched_once(server: Path, tmp_path: Path) -> None:
    here = tmp_path / "data"
    first = load("tabular", "thyroid", {}, here, 0)
    assert first.counts()["train"] == {"normal": 32}
    assert [path.name for path in (tmp_path / "cache" / "originals").iterdir()] == ["thyroid.mat"]
    (server / "thyroid.mat").unlink()
    np.testing.assert_array_equal(load("tabular", "thyroid", {}, here, 0).test.x, first.test.x)  # from the cache
    write_odds(here / "benchmark" / "thyroid.mat", 50, 8)
    assert load("tabular", "thyroid", {}, here, 0).counts()["train"] == {"normal": 42}  # the folder comes first


def test_a_file_with_another_checksum_or_no_file_is_refused(server: Path, tmp_path: Path) -> None:
    (server / "thyroid.mat").write_bytes(b"something else")
    with pytest.raises(DownloadError, match="does not have the expected SHA-256 checksum"):
        load("tabular", "thyroid", {}, tmp_path, 0)
    assert not list((tmp_path / "cache").rglob("*.mat*"))
    (server / "thyroid.mat").unlink()
    with pytest.raises(DownloadError, match="HTTP 404"):
        load("tabular", "thyroid", {}, tmp_path, 0)


def write_seizures(folder: Path) -> epileptic.Recorded:
    """20 recordings, the first 4 of seizures, of 3 chunks each, shuffled; as .npz and as UCI's data.csv."""
    rng = np.random.default_rng(0)
    recording = np.repeat(np.arange(20), 3)
    order = rng.permutation(60)
    recording, chunk = recording[order], np.tile(np.arange(1, 4), 20)[order]
    y = np.where(recording < 4, 1, 2 + recording % 4)
    x = rng.integers(-200, 200, (60, 178))
    (folder / "npz").mkdir()
    (folder / "csv").mkdir()
    np.savez(folder / "npz" / "epileptic_seizure.npz", X=x.astype(np.int16), y=y.astype(np.uint8),
             recording=recording.astype(np.uint8), chunk=chunk.astype(np.uint8))  # fmt: skip
    names = [f'"X{a}.V1.{b}"' for a, b in zip(chunk, recording, strict=True)]
    lines = [",".join(map(str, [n, *row, label])) for n, row, label in zip(names, x, y, strict=True)]
    header = ",".join(["", *(f"X{k}" for k in range(1, 179)), "y"])
    (folder / "csv" / "data.csv").write_text("\n".join([header, *lines]) + "\n")
    return epileptic.Recorded(x.astype(float), y, recording)


def test_seizures_are_read_from_both_files_and_each_step_is_scaled(tmp_path: Path) -> None:
    write_seizures(tmp_path)
    by_npz, by_csv = (load("epileptic-seizure", "", {}, tmp_path / kind, 0) for kind in ("npz", "csv"))
    assert by_npz.counts() == {
        "train": {"normal": 36}, "validation": {"normal": 6, "seizure": 6}, "test": {"normal": 6, "seizure": 6}
    }  # fmt: skip
    for part in PARTS:
        np.testing.assert_array_equal(getattr(by_npz, part).x, getattr(by_csv, part).x)
    assert by_npz.train.x.shape == (36, 178, 1)
    np.testing.assert_allclose(by_npz.train.x.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(by_npz.train.x.std(axis=0), 1, atol=1e-4)
    few = load("epileptic-seizure", "", {"most": 10, "judged": 4}, tmp_path / "npz", 0)
    assert few.counts()["test"] == {"normal": 4, "seizure": 4}
    np.testing.assert_array_equal(few.train.x, by_npz.train.x[:10])


def test_by_recording_no_recording_is_on_two_sides(tmp_path: Path) -> None:
    found = write_seizures(tmp_path)
    sides = {
        by: epileptic.divided(units, found.y == 1, np.random.default_rng(1))
        for by, units in (("recording", found.recording), ("chunk", np.arange(60)))
    }
    for rows in sides.values():
        assert sorted(np.concatenate(list(rows.values()))) == list(range(60))
        assert all(((found.y[some] == 1) == ("seizure" in name)).all() for name, some in rows.items())

    def shared(rows: dict[str, np.ndarray]) -> int:
        where = [set(found.recording[some]) for some in rows.values()]
        return sum(len(a & b) for k, a in enumerate(where) for b in where[:k])

    assert shared(sides["recording"]) == 0
    assert shared(sides["chunk"]) > 5
    with pytest.raises(DataError, match=r"by .chunk. or by .recording., not by 'person'"):
        load("epileptic-seizure", "", {"split": "person"}, tmp_path / "npz", 0)
    with pytest.raises(DataError, match=r"no epileptic_seizure\.npz or .*: UCI no longer"):
        load("epileptic-seizure", "", {}, tmp_path, 0)


def test_the_sine_is_displaced_and_the_spheres_have_their_radius() -> None:
    wave, ball = (load(name, "", {}, Path(), 5) for name in ("sine", "sphere"))
    off = np.abs(wave.test.x[:, 1] - np.sin(wave.test.x[:, 0] + 5))
    for d in DISPLACEMENTS:
        np.testing.assert_allclose(off[wave.test.group == f"{d:g}"], d, atol=1e-5)
    assert off[wave.test.group == "normal"].max() < 1e-5
    lengths = np.linalg.norm(ball.test.x, axis=1)
    for radius in sphere.RADII:
        np.testing.assert_allclose(lengths[ball.test.group == f"{radius:g}"], radius, rtol=1e-5)
    inside = lengths[ball.test.group == "normal"]
    assert inside.max() <= 1
    assert (inside**3 < 0.5).mean() == pytest.approx(0.5, abs=0.05)  # uniform: half of the volume has half of them
    assert len(sine.probe()) == len(sine.GRID_X) * len(sine.GRID_Y)
    assert not seen(wave)[0] & seen(wave)[2]


def test_only_the_word_itself_trains(real_data: Path) -> None:
    found = load("audio-commands", "bed", {"positives": 20, "judged": 15}, real_data.parent, 0)
    assert found.counts() == {
        "train": {"normal": 20}, "validation": {"far": 15, "normal": 15}, "test": {"far": 15, "normal": 15}
    }  # fmt: skip
    assert found.train.x.shape == (20, 98, 32)
    np.testing.assert_allclose(found.train.x.mean(axis=(0, 1)), 0, atol=1e-3)
    assert any(clip.word == "bed" for clip in read_folder(real_data / "speech_commands"))
    per_clip = load("audio-commands", "bed", {"positives": 20, "judged": 15, "per_clip": True}, real_data.parent, 0)
    plain, own = found.test.x, per_clip.test.x
    np.testing.assert_array_equal(per_clip.test.group, found.test.group)
    np.testing.assert_allclose(own.mean(axis=1), 0, atol=1e-5)
    changing = plain.std(axis=1) > 1e-2
    np.testing.assert_allclose(own.std(axis=1)[changing], 1, atol=1e-3)
    alike = [np.corrcoef(a, b)[0, 1] for a, b in zip(plain[:, :, 5], own[:, :, 5], strict=True)]
    np.testing.assert_allclose(alike, 1, atol=1e-3)  # the shape over time is what is left
