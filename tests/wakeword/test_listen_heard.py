"""``wakeword listen`` on a real microphone path: PulseAudio, ALSA's plugin, PortAudio, detector, events."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from demo.replay import read_spoken
from wakeword import Detector
from wakeword.audio import read_mono
from wakeword.clips import read_clips
from wakeword.errors import MicrophoneError
from wakeword.microphone import list_devices

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
try:
    from virtual_microphone import VirtualMicrophone
finally:
    sys.path.pop(0)

RECORDING = ROOT / "demo" / "recordings" / "happy.flac"
RATE = 16_000
#: Times real time at which the long recording is heard; a slow machine still follows.
FAST = 4.0
#: Reads slowly after the first detection, so that a queue of 0.4 s overruns, and ends with the second.
SLOW_READER = """
import time
from wakeword import Detector, Microphone, MicrophoneSettings
from wakeword.listener import hear
with Microphone(MicrophoneSettings(device="pulse", queue_s=0.4)) as microphone:
    print("hears", flush=True)
    count = 0
    for heard in hear(microphone, Detector("happy")):
        for detection in heard.step.detections:
            count += 1
            print("detection", flush=True)
            if count == 1:
                time.sleep(1.5)
        if count == 2:
            break
    print(microphone.dropped_blocks, microphone.overflows, microphone.longest_delay_s)
"""


def virtual(speed: float) -> Iterator[VirtualMicrophone]:
    try:
        list_devices()
    except MicrophoneError as error:
        pytest.skip(str(error))
    with tempfile.TemporaryDirectory(prefix="pulse") as folder:  # a short path, as sockets need
        microphone = VirtualMicrophone(Path(folder), speed)
        try:
            microphone.__enter__()
        except RuntimeError as error:
            pytest.skip(str(error))
        try:
            with wakeword(microphone, "devices") as listing:
                names = listing.communicate()[0]
            if "pulse" not in names:
                pytest.skip("PortAudio does not see PulseAudio: libasound2-plugins is not installed")
            yield microphone
        finally:
            microphone.__exit__()


@pytest.fixture
def fast() -> Iterator[VirtualMicrophone]:
    yield from virtual(FAST)


@pytest.fixture
def natural() -> Iterator[VirtualMicrophone]:
    yield from virtual(1.0)


@contextlib.contextmanager
def python(microphone: VirtualMicrophone, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A process that hears the microphone. It does not outlive the test, nor 150 s of waiting for what it says."""
    pipe = subprocess.PIPE
    command = [sys.executable, *arguments]
    process = subprocess.Popen(command, env=microphone.env, cwd=ROOT, stdout=pipe, stderr=pipe, text=True)
    patience = threading.Timer(150.0, process.kill)
    patience.start()
    try:
        with process:
            try:
                yield process
            except BaseException:
                process.kill()
                raise
    finally:
        patience.cancel()
        patience.join()


def wakeword(
    microphone: VirtualMicrophone, *arguments: str
) -> contextlib.AbstractContextManager[subprocess.Popen[str]]:
    return python(microphone, "-m", "wakeword", *arguments)


def event(process: subprocess.Popen[str], wanted: str) -> dict[str, Any]:
    """The next event of that kind; others on the way are passed over."""
    assert process.stdout is not None
    for line in process.stdout:
        told = json.loads(line)
        if told["event"] == wanted:
            return told
    raise AssertionError(f"ended without {wanted!r}: {process.communicate()[1]}")


def events_until_the_end(process: subprocess.Popen[str], stop: signal.Signals = signal.SIGINT) -> list[dict[str, Any]]:
    process.send_signal(stop)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert "ALSA lib" not in err  # what the C libraries print is kept out
    assert "Expression" not in err
    return [json.loads(line) for line in out.splitlines()]


def one_keyword() -> np.ndarray:
    """The first keyword of the recording and a second around it: float32 (T,) at 16 kHz."""
    spoken = next(word for word in read_spoken(RECORDING.with_suffix(".json")) if word.word == "happy")
    first, last = round((spoken.start_s - 1.0) * RATE), round((spoken.end_s + 0.5) * RATE)
    return read_mono(RECORDING)[first:last]


def test_every_keyword_of_the_recording_is_heard_told_run_and_saved(fast: VirtualMicrophone, tmp_path: Path) -> None:
    samples = read_mono(RECORDING)
    expected = Detector("happy").process(samples)
    spoken = [word for word in read_spoken(RECORDING.with_suffix(".json")) if word.word == "happy"]
    assert len(expected) == len(spoken) == 6
    told, clips = tmp_path / "told", tmp_path / "clips"
    # At four times the speed, a queue is full four times as soon: on a busy machine words would be dropped.
    arguments = ["--json", "--device", "pulse", "--queue", "120", "--save-clips", str(clips)]
    arguments += ["--exec", f'echo "$WAKEWORD_KEYWORD $WAKEWORD_TIME $WAKEWORD_SCORE" >> {told}']
    with wakeword(fast, "listen", "--model", "happy", *arguments) as listening:
        assert event(listening, "listening")["device"] == "pulse"
        fast.play(samples)
        fast.play(one_keyword())  # once it is heard, so was all of the recording
        found = [event(listening, "detection") for _ in range(7)]
        events = events_until_the_end(listening)
    assert {event["event"] for event in events} <= {"near_miss", "stopped"}
    assert [detection["keyword"] for detection in found] == ["happy"] * 7
    # The windows of the two runs begin at different samples, up to a hop of 80 ms apart; a decision may take one more.
    times = np.array([detection["end_s"] for detection in found])
    wanted = np.array([detection.end_s for detection in expected])
    np.testing.assert_allclose(times[:6] - times[:6].mean(), wanted - wanted.mean(), atol=0.2)
    assert times[6] - times[5] > 3.0  # the last one is not of the recording
    assert (events[-1]["event"], events[-1]["detections"], events[-1]["reconnects"]) == ("stopped", 7, 0)
    # The listening was stopped as soon as the last one was told, before its command or its clip.
    wait_until(lambda: told.read_text().count("\n") >= 6)  # a command may outlive the listening
    lines = sorted((line.split() for line in told.read_text().splitlines()), key=lambda line: float(line[1]))
    assert [float(line[1]) for line in lines[:6]] == pytest.approx(times[:6], abs=1e-3)
    assert {line[0] for line in lines} == {"happy"}
    saved = [clip for clip in read_clips(clips) if clip.kind == "detection"]
    assert [clip.score for clip in saved[:6]] == [detection["score"] for detection in found[:6]]
    again = [Detector("happy").process(read_mono(clips / clip.file)) for clip in saved]
    assert all(len(found) >= 1 for found in again)  # two, where the keyword had been said just before


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 30.0
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_record_cuts_real_words_out_of_a_real_microphone(fast: VirtualMicrophone, tmp_path: Path) -> None:
    samples, keywords = read_mono(RECORDING), read_spoken(RECORDING.with_suffix(".json"))
    spoken = [samples[round(w.start_s * RATE) : round(w.end_s * RATE)] for w in keywords if w.word == "happy"][:3]
    arguments = ["happy", "--auto", "--takes", "3", "--device", "pulse", "--out", str(tmp_path)]
    with wakeword(fast, "record", *arguments) as recording:
        assert recording.stdout is not None
        for number, sound in enumerate(spoken, start=1):
            while f"take {number} of 3" not in (line := recording.stdout.readline()):
                assert line, recording.communicate()
            fast.play(np.concatenate((np.zeros(RATE, np.float32), sound, np.zeros(RATE, np.float32))))
        out, err = recording.communicate(timeout=30)
    assert (recording.returncode, out.splitlines()[-1]) == (0, f"3 of 3 takes are in {tmp_path}"), err
    for path in sorted(tmp_path.iterdir()):
        assert 0.3 < len(read_mono(path)) / RATE < 1.4
        silence = np.zeros(RATE, np.float32)
        assert len(Detector("happy").process(np.concatenate((silence, read_mono(path), silence)))) == 1


def test_an_unplugged_microphone_is_told_waited_for_and_heard_again(natural: VirtualMicrophone) -> None:
    sound = one_keyword()
    with wakeword(natural, "listen", "--model", "happy", "--json", "--device", "pulse") as listening:
        event(listening, "listening")
        natural.play(sound)
        event(listening, "detection")
        natural.unplug()
        assert event(listening, "lost")["device"] == "pulse"
        natural.plug()
        event(listening, "back")
        natural.play(sound)
        event(listening, "detection")
        last = events_until_the_end(listening, signal.SIGTERM)[-1]
    assert (last["event"], last["detections"], last["reconnects"]) == ("stopped", 2, 1)


def test_an_overrun_queue_is_counted_and_survived(natural: VirtualMicrophone) -> None:
    sound = one_keyword()
    with python(natural, "-c", SLOW_READER) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "hears\n"
        natural.play(sound)
        assert reader.stdout.readline() == "detection\n"
        natural.play(np.zeros(2 * RATE, np.float32))  # the reader sleeps through most of it
        natural.play(sound)
        out, err = reader.communicate(timeout=30)
    assert out.startswith("detection\n"), err
    dropped, overflows, delay = map(float, out.splitlines()[1].split())
    assert 5 <= dropped <= overflows  # 1.5 s are 18 blocks, of which the queue holds 5
    assert delay > 0.3
