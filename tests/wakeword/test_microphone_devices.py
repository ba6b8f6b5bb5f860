"""Which device the microphone opens at which rate, and what is said where it cannot, against a scripted PortAudio."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wakeword.errors import MicrophoneError
from wakeword.microphone import Microphone, MicrophoneSettings, list_devices

Install = Callable[..., Any]
Device = Callable[..., dict[str, Any]]


def test_a_missing_library_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')\n")
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MicrophoneError, match="sudo apt install libportaudio2"), Microphone():
        pytest.fail("it opened")
    with pytest.raises(MicrophoneError, match="dnf install portaudio"):
        list_devices()


def test_a_library_that_does_not_start_is_an_error_of_the_microphone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sounddevice.py").write_text("class PortAudioError(Exception): pass\nraise PortAudioError('no host')\n")
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(MicrophoneError, match=r"cannot start \(no host\)"):
        list_devices()


def test_devices_are_the_inputs_with_their_own_rates(install: Install, device: Device) -> None:
    install(device("speaker", channels=0), device("array", 44_100.0, 6, api=1), device("line", 0.0), default=1)
    found = [(d.index, d.name, d.host_api, d.channels, d.native_rate, d.is_default) for d in list_devices()]
    assert found == [(1, "array", "JACK", 6, 44_100, True), (2, "line", "ALSA", 1, 0, False)]


def test_no_input_device_is_one_sentence(install: Install, device: Device) -> None:
    install(device("speaker", channels=0), default=-1)
    assert list_devices() == []
    with pytest.raises(MicrophoneError, match="no microphone was found") as caught, Microphone():
        pytest.fail("it opened")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("wanted", ["webcam", "", 0, "7"])
def test_an_unknown_device_names_those_there_are(install: Install, device: Device, wanted: str | int) -> None:
    install(device("speaker", channels=0), device("USB mic"), device("built-in"), default=1)
    with pytest.raises(MicrophoneError, match="there are: 1 USB mic; 2 built-in"):
        Microphone(MicrophoneSettings(device=wanted)).__enter__()


@pytest.mark.parametrize(
    ("wanted", "index"),
    [(None, 2), (1, 1), ("3", 3), ("usb MIC", 1), ("usb mic 2", 3), ("built", 2), ("mic, jack", 3)],
)
def test_a_device_is_chosen_by_index_name_or_part(
    install: Install, device: Device, wanted: int | str | None, index: int
) -> None:
    inputs = [device("USB mic"), device("built-in"), device("USB mic 2"), device("other mic", api=1)]
    if wanted == "mic, jack":
        inputs[2] = device("any mic", api=1)
    fake = install(device("speaker", channels=0), *inputs, default=2)
    with Microphone(MicrophoneSettings(device=wanted)) as microphone:
        assert fake.opened[0]["device"] == index == microphone.device.index


def test_without_a_default_the_first_input_is_taken(install: Install, device: Device) -> None:
    fake = install(device("speaker", channels=0), device("mic"), default=-1)
    with Microphone():
        assert fake.opened[0]["device"] == 1


@pytest.mark.parametrize(
    ("native", "accepted", "opened"),
    [(0.0, None, 16_000), (96_000.0, [16_000], 16_000), (0.0, [44_100], 44_100)],
)
def test_another_rate_is_tried_when_the_native_one_is_unknown_or_refused(
    install: Install, device: Device, native: float, accepted: list[int] | None, opened: int
) -> None:
    install(device("mic", native), rates=accepted)
    with Microphone() as microphone:
        assert microphone.rate == opened


def test_a_device_that_cannot_be_opened_gives_the_first_reason(install: Install, device: Device) -> None:
    install(device("mic", 48_000.0), rates=[])
    with pytest.raises(MicrophoneError, match=r"'mic' cannot be opened \(.*-9997\]\)"):
        Microphone().__enter__()


@pytest.mark.parametrize("wrong", [{"block_s": 0.0}, {"silent_s": -1.0}, {"queue_s": 0.01}])
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="block_s"):
        MicrophoneSettings(**wrong)  # type: ignore[arg-type]


def test_a_closed_microphone_is_not_read(install: Install, device: Device) -> None:
    install(device("mic"))
    with pytest.raises(RuntimeError, match="inside its with statement"):
        next(Microphone())
