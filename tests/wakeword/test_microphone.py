"""What the microphone hears from a scripted PortAudio: rates, channels, overflows, loss and return, and `listen`."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import soxr

from wakeword import Detection, Detector, devices, listen
from wakeword.devices import _exit_without_closing, driver_hangs
from wakeword.errors import MicrophoneError
from wakeword.microphone import SILENCE_DB, Microphone, MicrophoneSettings, Notice

Install = Callable[..., Any]
Device = Callable[..., dict[str, Any]]


def sine(hertz: float, seconds: float, rate: int, amplitude: float = 0.5) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def in_blocks(samples: np.ndarray, rate: int) -> list[np.ndarray]:
    size = round(0.08 * rate)
    return [samples[first : first + size] for first in range(0, len(samples), size)]


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_every_native_rate_is_heard_without_a_seam(install: Install, device: Device, rate: int) -> None:
    sound = sine(440.0, 2.0, rate)
    fake = install(device("mic", float(rate)), sessions=[in_blocks(sound, rate)], rates=[rate])
    whole = sound if rate == 16_000 else soxr.resample(sound, rate, 16_000)
    with Microphone() as microphone:
        heard = np.zeros(0, np.float32)
        while len(heard) < 1.8 * 16_000:
            heard = np.concatenate((heard, next(microphone)))
        assert microphone.rate == rate
    assert [stream["samplerate"] for stream in fake.opened] == [rate]
    assert heard.dtype == np.float32
    # The ends of the one-go signal know no future; the middle is the same, sample for sample.
    middle = slice(800, int(1.7 * 16_000))
    np.testing.assert_allclose(heard[middle], whole[middle], atol=2e-3)
    spectrum = np.abs(np.fft.rfft(heard[:16_000] * np.hanning(16_000)))
    assert spectrum.argmax() == 440


def test_a_device_that_refuses_mono_is_opened_wider_and_averaged(install: Install, device: Device) -> None:
    sound = sine(300.0, 0.4, 16_000)
    fake = install(device("pair", 16_000.0, 2), sessions=[in_blocks(sound, 16_000)], channels=[2])
    with Microphone() as microphone:
        heard = np.concatenate([next(microphone) for _ in range(5)])
    assert fake.opened[0]["channels"] == 2
    np.testing.assert_allclose(heard, sound, atol=1e-6)


def test_overflows_of_the_driver_and_of_a_slow_reader_are_counted(install: Install, device: Device) -> None:
    blocks = [np.full(1280, index / 100, np.float32) for index in range(13)]
    install(device("mic", 16_000.0), sessions=[blocks], overflow_at=[2, 5])
    with Microphone(MicrophoneSettings(queue_s=0.8)) as microphone:  # room for ten of the thirteen
        heard = [next(microphone)[0] for _ in range(10)]
        assert (microphone.overflows, microphone.dropped_blocks) == (2 + 3, 3)
    np.testing.assert_allclose(heard, np.arange(3, 13) / 100, atol=1e-6)  # the oldest were dropped


def test_level_is_the_last_blocks_rms(install: Install, device: Device) -> None:
    blocks = [sine(1000.0, 0.08, 16_000, 0.5), np.zeros(1280, np.float32)]
    install(device("mic", 16_000.0), sessions=[blocks])
    with Microphone() as microphone:
        assert microphone.level == SILENCE_DB
        next(microphone)
        assert microphone.level == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.01)
        next(microphone)
        assert microphone.level == SILENCE_DB


@pytest.mark.parametrize("wanted", [0, "0"], ids=["a number", "as the command line gives it"])
@pytest.mark.parametrize("stays", [True, False], ids=["runs but delivers nothing", "stream ends"])
def test_a_lost_device_is_found_again_under_its_new_index(
    install: Install, device: Device, stays: bool, wanted: int | str
) -> None:
    first, second = sine(500.0, 0.16, 16_000), sine(900.0, 0.16, 48_000)
    sessions = [in_blocks(first, 16_000), in_blocks(second, 48_000)]

    def replug(fake: Any) -> None:
        back = [device("other"), device("USB mic", 48_000.0)] if fake.restarts > 1 else []
        fake.devices = [device("built-in"), *back]

    inputs = device("USB mic", 16_000.0), device("built-in")
    fake = install(*inputs, sessions=sessions, stays=stays, on_restart=replug)
    told: list[Notice] = []
    settings = MicrophoneSettings(wanted, silent_s=0.15, start_s=0.15, retry_s=0.02, reconnect_s=5.0)
    with Microphone(settings, told.append) as microphone:
        blocks = [next(microphone) for _ in range(3)]
        assert (microphone.reconnects, microphone.rate) == (1, 48_000)
    assert [stream["device"] for stream in fake.opened] == [0, 2]
    assert len(blocks[0]) == 1280
    gone = "microphone 'USB mic' is gone: waiting up to 5 s for it"
    assert list(map(str, told)) == [gone, "microphone 'USB mic' is back"]


@pytest.mark.skipif(sys.platform != "linux", reason="closing is given up on Linux alone")
def test_a_driver_that_hangs_is_left_behind(install: Install, device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = [in_blocks(sine(hertz, 0.16, 16_000), 16_000) for hertz in (500.0, 900.0)]
    fake = install(device("mic", 16_000.0), sessions=sessions)
    released, closed = threading.Event(), []
    monkeypatch.setattr("wakeword.devices._CLOSE_S", 0.1)
    monkeypatch.setattr("wakeword.devices._hanging", [])
    first = fake.InputStream

    def hangs_once(**asked: Any) -> Any:
        stream = first(**asked)
        if len(fake.opened) == 1:
            stream.abort = lambda: closed.append(released.wait(30.0))
        return stream

    monkeypatch.setattr(fake, "InputStream", hangs_once, raising=False)
    settings = MicrophoneSettings(silent_s=0.15, start_s=0.15, retry_s=0.02, reconnect_s=5.0)
    with Microphone(settings) as microphone:
        heard = [next(microphone) for _ in range(4)]
        assert microphone.reconnects == 1
        assert fake.restarts == 0  # it would have hung
        assert driver_hangs()
    assert len(heard) == 4
    _exit_without_closing(fake)
    assert fake._initialized == 0
    released.set()
    for closing in devices._hanging:
        closing.join(5.0)
    assert (closed, driver_hangs()) == ([True], False)


def test_another_default_device_is_named(install: Install, device: Device) -> None:
    def unplug(fake: Any) -> None:
        fake.devices = [device("built-in", 16_000.0)]

    sessions = [[sine(500.0, 0.08, 16_000)]] * 2
    install(device("USB mic", 16_000.0), sessions=sessions, stays=False, on_restart=unplug)
    told: list[Notice] = []
    settings = MicrophoneSettings(silent_s=0.15, start_s=0.15, retry_s=0.02, reconnect_s=5.0)
    with Microphone(settings, told.append) as microphone:
        next(microphone)
        next(microphone)
    assert str(told[1]) == "microphone 'built-in' is heard instead of 'USB mic'"
    assert [(notice.event, notice.device) for notice in told] == [("lost", "USB mic"), ("replaced", "built-in")]


def test_a_device_that_stays_away_is_given_up(install: Install, device: Device) -> None:
    def unplug(fake: Any) -> None:
        fake.devices = []

    install(device("mic"), stays=False, on_restart=unplug)
    settings = MicrophoneSettings(silent_s=0.05, start_s=0.05, retry_s=0.02, reconnect_s=0.3)
    with Microphone(settings) as microphone, pytest.raises(MicrophoneError, match=r"not back within 0\.3 s"):
        next(microphone)
    assert microphone.reconnects == 0


def test_the_wait_in_the_queue_is_measured_and_can_be_thrown_away(install: Install, device: Device) -> None:
    install(device("mic", 16_000.0), sessions=[[np.full(1280, 0.1, np.float32)] * 10])
    with Microphone() as microphone:
        time.sleep(0.3)
        next(microphone)
        assert 0.3 <= microphone.delay_s == microphone.longest_delay_s < 5.0
        microphone.discard()
        capture = microphone._capture
        assert capture is not None
        assert capture.take(0.01) is None  # nothing waits any more
        assert microphone.overflows == 0


def test_listen_calls_back_until_the_callback_says_so(
    install: Install, device: Device, make_model: Any, voice: np.ndarray
) -> None:
    detector = Detector(make_model(), threshold=-1.0)
    expected = detector.process(voice[:64_000])
    assert len(expected) >= 3
    detector.reset()
    install(device("mic", 16_000.0), sessions=[in_blocks(voice[:64_000], 16_000)])
    heard: list[Detection] = []

    def told(detection: Detection) -> bool:
        heard.append(detection)
        return len(heard) == 2

    listen(detector, told)
    assert [found.end_s for found in heard] == [wanted.end_s for wanted in expected[:2]]


def test_what_a_callback_raises_comes_through_and_closes_the_microphone(
    install: Install, device: Device, make_model: Any, voice: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(device("mic", 16_000.0), sessions=[in_blocks(voice[:64_000], 16_000)])
    closed: list[bool] = []
    monkeypatch.setattr("wakeword.capture.Capture.close", lambda capture: closed.append(True))

    def told(detection: Detection) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        listen(Detector(make_model(), threshold=-1.0), told)
    assert closed == [True]
