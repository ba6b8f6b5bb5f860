"""The real way of a sound: played into PulseAudio's null sink, heard through PortAudio from its monitor."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wakeword.errors import MicrophoneError
from wakeword.microphone import list_devices

ROOT = Path(__file__).resolve().parents[2]
SINK = "vmic"
RATE = 16_000
#: Correlation with what was played. Two resamplers cost little, a hiccup of the player some hundredths; noise
#: or another tone reaches 0.1.
ALIKE = 0.9
#: Listens to the device "pulse" for so many seconds of sound and saves them; says when it hears.
LISTENER = """
import sys
import numpy as np
from wakeword.microphone import Microphone, MicrophoneSettings
blocks, level = [], -120.0
with Microphone(MicrophoneSettings(device="pulse"), lambda notice: print(notice, flush=True)) as microphone:
    for block in microphone:
        if not blocks:
            print("hears", flush=True)
        blocks.append(block)
        level = max(level, microphone.level)
        if sum(map(len, blocks)) > float(sys.argv[2]) * 16_000:
            break
    print(microphone.rate, microphone.overflows, microphone.reconnects, level)
np.save(sys.argv[1], np.concatenate(blocks))
"""


class Server:
    """A PulseAudio of its own with one null sink, whose monitor is the microphone."""

    def __init__(self, folder: Path) -> None:
        paths = {"XDG_RUNTIME_DIR": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}
        self.env = {**os.environ, **paths, "PULSE_SERVER": f"unix:{folder}/pulse/native", "NO_COLOR": "1"}
        self.start()

    def start(self) -> None:
        sink = f"module-null-sink sink_name={SINK} rate=48000"
        options = ["--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "-n"]
        command = ["pulseaudio", *options, "--load=module-native-protocol-unix", f"--load={sink}"]
        quiet = subprocess.DEVNULL
        # Without PULSE_SERVER, which would tell it not to start because there is one.
        env = {name: value for name, value in self.env.items() if name != "PULSE_SERVER"}
        self.process = subprocess.Popen(command, env=env, stdout=quiet, stderr=quiet)
        for _ in range(100):
            set_source = ["pactl", "set-default-source", f"{SINK}.monitor"]
            if subprocess.run(set_source, env=self.env, capture_output=True, check=False).returncode == 0:
                return
            time.sleep(0.1)
        self.stop()
        pytest.skip("pulseaudio is installed but does not start here")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=10)

    def play(self, path: Path) -> None:
        subprocess.run(["paplay", f"--device={SINK}", str(path)], env=self.env, check=True, timeout=30)

    def run(self, *arguments: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [sys.executable, *arguments], env=self.env, cwd=ROOT, stdout=pipe, stderr=pipe, text=True
        )


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    for program in ("pulseaudio", "paplay", "pactl"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: the real way of a sound is not tested here")
    try:
        list_devices()
    except MicrophoneError as error:
        pytest.skip(str(error))
    with tempfile.TemporaryDirectory(prefix="pulse") as folder:  # a short path, as sockets need
        pulse = Server(Path(folder))
        try:
            names = subprocess.run(
                [sys.executable, "-m", "wakeword", "devices"],
                env=pulse.env,
                cwd=ROOT,
                capture_output=True,
                text=True,
            ).stdout
            if "pulse" not in names:
                pytest.skip("PortAudio does not see PulseAudio: libasound2-plugins is not installed")
            yield pulse
        finally:
            pulse.stop()


def chirp() -> np.ndarray:
    """A tone that rises from 300 to 3000 Hz in 1.5 s, rms -13.5 dB: float32 at 16 kHz, never like itself."""
    t = np.arange(int(1.5 * RATE)) / RATE
    return (0.3 * np.sin(2 * np.pi * (300 * t + 900 * t * t))).astype(np.float32)


def write_chirp(folder: Path) -> Path:
    path = folder / "chirp.wav"
    lead = np.zeros(RATE // 2, np.float32)  # the sink takes a moment to wake up
    soundfile.write(path, np.concatenate((lead, chirp(), lead)), RATE, subtype="PCM_16")
    return path


def likeness(heard: np.ndarray, sound: np.ndarray) -> tuple[float, float]:
    """The best correlation coefficient of ``sound`` with a stretch of ``heard``, and that stretch's gain."""
    products = np.correlate(heard, sound, "valid")
    at = int(np.abs(products).argmax())
    stretch = heard[at : at + len(sound)]
    norms = float(np.linalg.norm(stretch)), float(np.linalg.norm(sound))
    return float(products[at]) / max(norms[0] * norms[1], 1e-9), norms[0] / norms[1]


def wait_for(line: str, process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    while (said := process.stdout.readline()).strip() != line:
        assert said, f"ended without {line!r}: {process.communicate()[1]}"


def test_what_is_played_is_what_is_heard(server: Server, tmp_path: Path) -> None:
    saved = tmp_path / "heard.npy"
    with server.run("-c", LISTENER, str(saved), "5") as listener:
        wait_for("hears", listener)
        server.play(write_chirp(tmp_path))
        said, _ = listener.communicate(timeout=30)
    assert listener.returncode == 0
    rate, overflows, reconnects, level = said.split()
    assert (int(rate), int(overflows), int(reconnects)) == (44_100, 0, 0)  # what PortAudio says of "pulse"
    alike, gain = likeness(np.load(saved), chirp())
    assert alike > ALIKE
    assert gain == pytest.approx(1.0, abs=0.05)
    assert float(level) == pytest.approx(-13.5, abs=0.5)


def test_a_server_that_dies_and_returns_is_heard_again(server: Server, tmp_path: Path) -> None:
    saved = tmp_path / "heard.npy"
    with server.run("-c", LISTENER, str(saved), "8") as listener:
        wait_for("hears", listener)
        server.stop()
        wait_for("microphone 'pulse' is gone: waiting for it", listener)
        server.start()
        wait_for("microphone 'pulse' is back", listener)
        server.play(write_chirp(tmp_path))
        said, _ = listener.communicate(timeout=60)
    assert listener.returncode == 0
    assert int(said.split()[2]) == 1
    assert likeness(np.load(saved), chirp())[0] > ALIKE


def test_listen_ends_quietly_on_ctrl_c(server: Server, tmp_path: Path, make_model) -> None:
    model = tmp_path / "word.wakeword"
    make_model("word").save(model)
    with server.run("-m", "wakeword", "listen", "--model", str(model), "--device", "pulse") as listening:
        assert listening.stderr is not None
        assert listening.stderr.readline() == "listening for word on pulse (Ctrl-C stops)\n"
        server.play(write_chirp(tmp_path))
        listening.send_signal(signal.SIGINT)
        out, err = listening.communicate(timeout=20)
    assert listening.returncode == 0
    assert err.startswith("heard ")
    assert float(err.split()[1]) > 1.0
    assert "Traceback" not in err
    assert "\x1b" not in out + err
