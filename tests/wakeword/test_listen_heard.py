"""``wakeword listen`` on a real microphone path: PulseAudio, ALSA's plugin, PortAudio, detector, events."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
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
            if "pulse" not in wakeword(microphone, "devices").communicate()[0]:
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


def wakeword(microphone: VirtualMicrophone, *arguments: str) -> subprocess.Popen[str]:
    return python(microphone, "-m", "wakeword", *arguments)


def python(microphone: VirtualMicrophone, *arguments: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    command = [sys.executable, *arguments]
    return subprocess.Popen(command, env=microphone.env, cwd=ROOT, stdout=pipe, stderr=pipe, text=True)


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
    arguments = ["--json", "--device", "pulse", "--save-clips", str(clips)]
    arguments += ["--exec", f'echo "$WAKEWORD_KEYWORD $WAKEWORD_TIME $WAKEWORD_SCORE" >> {told}']
    with wakeword(fast, "listen", "--model", "happy", *arguments) as listening:
        assert event(listening, "listening")["device"] == "pulse"
        fast.play(samples)
        fast.play(np.zeros(2 * RATE, np.float32))
        events = events_until_the_end(listening)
    heard = [told for told in events if told["event"] == "detection"]
    assert [found["keyword"] for found in heard] == ["happy"] * 6
    # The windows of the two runs begin at different samples, up to a hop of 80 ms apart; a decision may take one more.
    times = np.array([found["end_s"] for found in heard])
    wanted = np.array([detection.end_s for detection in expected])
    np.testing.assert_allclose(times - times.mean(), wanted - wanted.mean(), atol=0.2)
    assert (events[-1]["event"], events[-1]["detections"], events[-1]["reconnects"]) == ("stopped", 6, 0)
    lines = [line.split() for line in told.read_text().splitlines()]
    assert sorted(float(line[1]) for line in lines) == pytest.approx(sorted(times), abs=1e-3)
    assert {line[0] for line in lines} == {"happy"}
    saved = [clip for clip in read_clips(clips) if clip.kind == "detection"]
    assert [clip.score for clip in saved] == [found["score"] for found in heard]
    again = [Detector("happy").process(read_mono(clips / clip.file)) for clip in saved]
    assert all(len(found) >= 1 for found in again)  # two, where the keyword had been said just before


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
