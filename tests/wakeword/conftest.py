"""What this room's tests share: a scripted PortAudio in the place of sounddevice, and damaged model files."""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest


class PortAudioError(Exception):
    """Stands for sounddevice's."""


@dataclass
class FakePortAudio:
    """The part of sounddevice that is used; everything can be changed while it runs.

    devices       as query_devices tells them
    sessions      what the device delivers each time it is opened: a list of blocks (T,), at once
    stays         whether the stream then runs on in silence, or dies
    overflow_at   blocks of the first session before which the driver lost sound
    rates, channels   the only ones it can be opened with; None = any
    opened        what each stream was opened with
    on_restart    called when PortAudio starts again, with this object
    """

    devices: list[dict[str, Any]]
    default: int = 0
    sessions: Sequence[Sequence[np.ndarray]] = ()
    stays: bool = True
    overflow_at: Sequence[int] = ()
    rates: Sequence[float] | None = None
    channels: Sequence[int] | None = None
    on_restart: Callable[[FakePortAudio], None] = lambda fake: None
    opened: list[dict[str, Any]] = field(default_factory=list)
    restarts: int = 0
    PortAudioError: type[Exception] = PortAudioError

    def query_hostapis(self) -> list[dict[str, str]]:
        return [{"name": "ALSA"}, {"name": "JACK"}]

    def query_devices(self, kind: str | None = None) -> Any:
        if kind is None:
            return self.devices
        if not 0 <= self.default < len(self.devices):
            raise PortAudioError("Error querying device -1")
        return {**self.devices[self.default], "index": self.default}

    def _terminate(self) -> None:
        pass

    def _initialize(self) -> None:
        self.restarts += 1
        self.on_restart(self)

    def InputStream(self, **asked: Any) -> FakeStream:
        if self.rates is not None and asked["samplerate"] not in self.rates:
            raise PortAudioError("Error opening InputStream: Invalid sample rate [PaErrorCode -9997]")
        if self.channels is not None and asked["channels"] not in self.channels:
            raise PortAudioError("Error opening InputStream: Invalid number of channels [PaErrorCode -9998]")
        self.opened.append(asked)
        return FakeStream(self, asked, len(self.opened) - 1)


class FakeStream:
    """Delivers its session's blocks as soon as it is started."""

    def __init__(self, owner: FakePortAudio, asked: dict[str, Any], session: int) -> None:
        self.owner, self.asked, self.session = owner, asked, session
        self.active = False

    def start(self) -> None:
        sessions = self.owner.sessions
        for index, block in enumerate(sessions[self.session] if self.session < len(sessions) else []):
            shared = np.repeat(block[:, None], self.asked["channels"], axis=1)
            overflow = self.session == 0 and index in self.owner.overflow_at
            self.asked["callback"](shared, len(block), None, SimpleNamespace(input_overflow=overflow))
            shared.fill(9.0)  # PortAudio uses its memory again
        self.active = self.owner.stays

    def abort(self) -> None:
        if not self.owner.stays:
            raise PortAudioError("Unanticipated host error [PaErrorCode -9999]")

    def close(self) -> None:
        self.active = False


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakePortAudio]:
    """install(*devices, **more) puts a FakePortAudio in the place of sounddevice and returns it."""

    def put(*devices: dict[str, Any], **more: Any) -> FakePortAudio:
        fake = FakePortAudio(list(devices), **more)
        monkeypatch.setitem(sys.modules, "sounddevice", fake)  # type: ignore[arg-type]
        return fake

    return put


@pytest.fixture
def device() -> Callable[..., dict[str, Any]]:
    """device(name, rate, channels, api) is a device as query_devices tells it."""

    def tell(name: str, rate: float = 48_000.0, channels: int = 1, api: int = 0) -> dict[str, Any]:
        return {"name": name, "hostapi": api, "max_input_channels": channels, "default_samplerate": rate}

    return tell


@pytest.fixture
def rewritten() -> Callable[..., Path]:
    """A function: an archive, in its place, with members replaced, added, or (None) left out."""

    def rewrite(path: Path, changes: dict[str, bytes | None]) -> Path:
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()} | changes
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                if content is not None:
                    archive.writestr(name, content)
        return path

    return rewrite
