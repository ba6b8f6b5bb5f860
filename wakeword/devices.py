"""The sound inputs PortAudio knows, and PortAudio itself: imported late, with its failures in plain words."""

from __future__ import annotations

import atexit
import contextlib
import sys
import threading
from dataclasses import dataclass
from typing import Any

from wakeword.errors import MicrophoneError

_NO_LIBRARY = (
    "the PortAudio library is missing: install it with  sudo apt install libportaudio2  (Debian, Ubuntu) or  "
    "sudo dnf install portaudio  (Fedora); on macOS and Windows  pip install --force-reinstall sounddevice  "
    "brings it"
)
#: A stream that takes longer to close hangs in its driver.
_CLOSE_S = 2.0
#: The threads that still try to close such streams.
_hanging: list[threading.Thread] = []
NO_DEVICE = "no microphone was found: connect one, or allow this program to use it in the system's settings"


@dataclass(frozen=True)
class Device:
    """A sound input: PortAudio's index, name, host API, input channels, native rate in Hz (0 = unknown)."""

    index: int
    name: str
    host_api: str
    channels: int
    native_rate: int
    is_default: bool


def list_devices() -> list[Device]:
    """The sound inputs of this machine, in PortAudio's order; empty if there is none.

    Raises MicrophoneError when PortAudio is missing, cannot start or cannot list them.
    """
    portaudio = load_portaudio()
    try:
        apis, infos = portaudio.query_hostapis(), portaudio.query_devices()
    except portaudio.PortAudioError as error:
        raise MicrophoneError(f"the PortAudio library cannot list the sound devices ({error})") from error
    try:
        default = portaudio.query_devices(kind="input")["index"]
    except (portaudio.PortAudioError, ValueError):  # there is no default input
        default = -1
    return [
        Device(
            index=index,
            name=info["name"],
            host_api=apis[info["hostapi"]]["name"],
            channels=info["max_input_channels"],
            native_rate=round(info["default_samplerate"]) if info["default_samplerate"] > 0 else 0,
            is_default=index == default,
        )
        for index, info in enumerate(infos)
        if info["max_input_channels"] > 0
    ]


def load_portaudio() -> Any:
    """The sounddevice module; imported on first use, because importing it starts PortAudio."""
    try:
        import sounddevice
    except ModuleNotFoundError as error:
        raise MicrophoneError("a microphone needs sounddevice: run  pip install sounddevice") from error
    except OSError as error:
        raise MicrophoneError(_NO_LIBRARY) from error
    except Exception as error:  # its own PortAudioError, which has no name while the import fails
        raise MicrophoneError(f"the PortAudio library cannot start ({error})") from error
    return sounddevice


def end_stream(stream: Any) -> None:
    """Stop and close a stream; a device that is gone is no error, and a driver that hangs is left behind.

    When a sound server dies, PulseAudio's client can come to wait for itself, and whoever closes its stream waits
    with it, for ever. On Linux the closing is therefore given up after two seconds.
    """
    portaudio = load_portaudio()

    def end() -> None:
        for step in (stream.abort, stream.close):
            with contextlib.suppress(portaudio.PortAudioError):  # a lost device cannot be stopped
                step()

    if sys.platform != "linux":
        end()
        return
    closing = threading.Thread(target=end, daemon=True)
    closing.start()
    closing.join(_CLOSE_S)
    if closing.is_alive():
        if not _hanging:
            atexit.register(_exit_without_closing, portaudio)
        _hanging.append(closing)


def driver_hangs() -> bool:
    """Whether a stream that was left behind still does not close."""
    return any(closing.is_alive() for closing in _hanging)


def _exit_without_closing(portaudio: Any) -> None:
    """sounddevice closes every stream when Python exits, which would hang as well."""
    if driver_hangs():
        portaudio._initialized = 0


def look_again() -> None:
    """Start PortAudio anew, which is when it looks for devices: else one plugged in again would stay unknown.

    No stream may be open. Where one was left behind, this does nothing, because it would hang: what was known before
    can still be opened, such as the device of a sound server. Raises MicrophoneError when PortAudio does not start;
    calling again tries again.
    """
    if driver_hangs():
        return
    portaudio = load_portaudio()
    with contextlib.suppress(portaudio.PortAudioError):  # the attempt before may have ended with it stopped
        portaudio._terminate()
    try:
        portaudio._initialize()
    except portaudio.PortAudioError as error:
        raise MicrophoneError(f"the PortAudio library cannot start again ({error})") from error


def choose_device(wanted: int | str | None) -> Device:
    """The device of an index, a name or a part of "name, host API"; None is the default one.

    Raises MicrophoneError when there is none, or none of that name: the message names those there are.
    """
    devices = list_devices()
    if not devices:
        raise MicrophoneError(NO_DEVICE)
    if wanted is None:
        return next((device for device in devices if device.is_default), devices[0])
    text = str(wanted).strip().casefold()
    if text.isdecimal():
        found = [device for device in devices if device.index == int(text)]
    else:
        named = [device for device in devices if device.name.casefold() == text]
        found = named or [d for d in devices if text and text in f"{d.name}, {d.host_api}".casefold()]
    if not found:
        known = "; ".join(f"{device.index} {device.name}" for device in devices)
        raise MicrophoneError(f"there is no microphone {wanted!r}; there are: {known}")
    return found[0]
