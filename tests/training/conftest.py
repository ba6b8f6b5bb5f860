"""A data set that a small network learns in seconds, of melodies; and a web server that misbehaves as it is told."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from training import download
from training import fetch as network
from training.corpus import Corpus, load_corpus
from training.speech_commands import partition

# Two threads on a busy machine wait for each other; at this size one is as quick.
torch.set_num_threads(1)

DEMO = Path(__file__).parents[2] / "demo" / "recordings"
MELODIES = {"rise": (300, 500, 800), "fall": (800, 500, 300), "flat": (500, 500, 500), "dip": (700, 350, 700)}


def sing(word: str, speaker: int, take: int) -> np.ndarray:
    """Three notes with overtones in a second of faint noise: int16 (16000,)."""
    rng = np.random.default_rng([speaker, take, *word.encode()])
    clip = 0.003 * rng.standard_normal(16_000)
    start = int(rng.integers(1500, 4500))
    for k, hz in enumerate(MELODIES[word]):
        t = np.arange(2800) / 16_000
        pitch = hz * (0.85 + 0.3 * (speaker % 13) / 13)
        note = sum(np.sin(2 * np.pi * pitch * h * t) / h for h in (1, 2, 3))
        clip[start + k * 2800 : start + (k + 1) * 2800] += 0.15 * note * np.hanning(2800)
    return np.round(clip * 32_767).astype(np.int16)


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def melodies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in the layout of Speech Commands with all three splits, plus speech/ and noise/ beside it."""
    root = tmp_path_factory.mktemp("melodies")
    counts = {"train": 24, "validation": 8, "test": 8}
    for speaker in range(2000):
        name = f"{speaker:08x}_nohash_0.wav"
        split = partition(name)
        if not counts[split]:
            continue
        counts[split] -= 1
        for word in MELODIES:
            (root / "words" / word).mkdir(parents=True, exist_ok=True)
            for take in range(2):
                path = root / "words" / word / f"{speaker:08x}_nohash_{take}.wav"
                soundfile.write(path, sing(word, speaker, take), 16_000)
    for folder in ("speech", "noise"):
        (root / folder).mkdir()
        for index in range(12):
            rng = np.random.default_rng([index, len(folder)])
            sound = [sing("flat", index, k) for k in range(4)] if folder == "speech" else [rng.normal(0, 900, 32_000)]
            soundfile.write(root / folder / f"{index}.wav", np.concatenate(sound).astype(np.int16), 16_000)
    return root


@pytest.fixture(scope="session")
def corpus(melodies: Path) -> Corpus:
    """The melodies, read: "rise" is the keyword."""
    return load_corpus("rise", melodies / "words", [melodies / "speech"], [melodies / "noise"])


@dataclass
class Site:
    """What the server holds and how it behaves; `seen` collects the headers of the requests in order."""

    body: bytes = b""
    etag: str = '"first"'
    ranges: bool = True
    obeys_if_range: bool = True
    tells_length: bool = True
    cuts: list[int] = field(default_factory=list)  # bytes after which each next answer breaks off
    errors: list[int] = field(default_factory=list)  # status of each next answer
    seen: list[dict[str, str]] = field(default_factory=list)
    url: str = ""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    site: Site


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, format: str, *args: Any) -> None:
        """Keeps the test's output clean."""

    def do_GET(self) -> None:
        site = self.server.site
        site.seen.append({name.lower(): value for name, value in self.headers.items()})
        if site.errors:
            return self.send_error(site.errors.pop(0))
        start = self.start(site)
        if start >= len(site.body):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(site.body)}")
            return self.end_headers()
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(site.body) - 1}/{len(site.body)}")
        if site.tells_length:
            self.send_header("Content-Length", str(len(site.body) - start))
        if site.etag:
            self.send_header("ETag", site.etag)
        self.end_headers()
        end = start + site.cuts.pop(0) if site.cuts else len(site.body)
        self.wfile.write(site.body[start:end])

    def start(self, site: Site) -> int:
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range", site.etag)
        changed = site.obeys_if_range and condition != site.etag
        return int(asked[1]) if asked and site.ranges and not changed else 0


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A running server with an empty file."""
    monkeypatch.setattr(network, "PAUSE_SECONDS", 0.0)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server(("127.0.0.1", 0), Handler)
    server.site = Site(url=f"http://127.0.0.1:{server.server_address[1]}/data/words.tar.gz")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.site
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def fetch() -> Callable[..., Path]:
    """fetch(site, folder) downloads from the site, expecting the checksum of `body`, or of what the site holds."""

    def call(site: Site, folder: Path, body: bytes | None = None, **options: Any) -> Path:
        sha256 = hashlib.sha256(site.body if body is None else body).hexdigest()
        return download.download_speech_commands(folder, url=site.url, sha256=sha256, **options)

    return call


@pytest.fixture
def left() -> Callable[[Path], list[str]]:
    """left(folder) is all that is below it, sorted."""
    return lambda folder: sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
