"""A microphone for measurements and tests: PulseAudio with a source that delivers what it is given, when it is due.

The source is PulseAudio's module-pipe-source: what a program writes into its pipe is what the microphone hears. A
thread writes the sound in lumps of 10 ms, each at the moment at which its last sample would have been in the air, so
that it is known to the sample when something was said; between sounds it writes the noise of a quiet room. Programs
hear it through PulseAudio's own server, ALSA's plugin and PortAudio, as they hear any microphone of a desktop.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import subprocess
import threading
import time
from pathlib import Path

import numpy as np

RATE = 16_000
_LUMP = RATE // 100
#: Root mean square of the noise between sounds, -70 dBFS: no microphone delivers zeros.
_NOISE = 32768.0 * 10.0 ** (-70.0 / 20.0)
_NAME = "vmic"


class VirtualMicrophone:
    """A PulseAudio server of its own; a context manager. Programs reach it with ``env``, on the device "pulse".

    folder   for sockets and the pipe; its path must be short
    speed    times real time at which sound is delivered

    Raises RuntimeError where PulseAudio is not installed or does not start.
    """

    def __init__(self, folder: Path, speed: float = 1.0) -> None:
        self._folder, self._speed = folder, speed
        self._pipe = folder / "mic"
        paths = {"XDG_RUNTIME_DIR": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}
        self.env = {**os.environ, **paths, "PULSE_SERVER": f"unix:{folder}/pulse/native", "NO_COLOR": "1"}
        self._sounds: queue.Queue[tuple[np.ndarray, threading.Event, list[float]]] = queue.Queue()
        self._plugged, self._ended = threading.Event(), threading.Event()
        self._module = ""

    def __enter__(self) -> VirtualMicrophone:
        if not (shutil.which("pulseaudio") and shutil.which("pactl")):
            raise RuntimeError("pulseaudio or pactl is not installed: sudo apt install pulseaudio pulseaudio-utils")
        command = ["pulseaudio", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "-n"]
        # Without PULSE_SERVER, which would tell it not to start because there is one.
        env = {name: value for name, value in self.env.items() if name != "PULSE_SERVER"}
        quiet = subprocess.DEVNULL
        server = [*command, "--load=module-native-protocol-unix"]
        self._server = subprocess.Popen(server, env=env, stdout=quiet, stderr=quiet)
        self._writer = threading.Thread(target=self._write, daemon=True)
        for _ in range(100):
            if self._pactl("info").returncode == 0:
                self.plug()
                self._writer.start()
                return self
            time.sleep(0.1)
        self._stop_server()
        raise RuntimeError("pulseaudio is installed but does not start here")

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._plugged.set()
        self._stop_server()  # first, because a writer whose pipe nobody reads waits
        self._writer.join(timeout=10)

    def plug(self) -> None:
        """The microphone appears."""
        arguments = (f"source_name={_NAME}", f"file={self._pipe}", "format=s16le", f"rate={RATE}", "channels=1")
        self._module = self._pactl("load-module", "module-pipe-source", *arguments, check=True).stdout.strip()
        self._plugged.set()

    def unplug(self) -> None:
        """The microphone vanishes; what plays is lost."""
        self._plugged.clear()
        self._pactl("unload-module", self._module, check=True)

    def play(self, samples: np.ndarray) -> float:
        """Have float32 (T,) in [-1, 1] heard; returns when it is over, with the monotonic time of its first sample."""
        over, began = threading.Event(), [0.0]
        self._sounds.put((np.round(np.clip(samples, -1.0, 1.0) * 32767.0).astype(np.int16), over, began))
        if not over.wait(timeout=len(samples) / RATE / self._speed + 120.0):
            raise RuntimeError("the virtual microphone does not take its sound: is it unplugged?")
        return began[0]

    def _pactl(self, *arguments: str, check: bool = False) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["pactl", *arguments], env=self.env, capture_output=True, text=True, check=check)

    def _stop_server(self) -> None:
        self._server.terminate()
        self._server.wait(timeout=10)

    def _write(self) -> None:
        """The thread: as long as the microphone is plugged in, sound or noise, lump by lump."""
        while not self._ended.is_set():
            self._plugged.wait()
            with contextlib.suppress(OSError):  # unplugged in the middle
                pipe = os.open(self._pipe, os.O_WRONLY | os.O_NONBLOCK)
                os.set_blocking(pipe, True)
                try:
                    self._deliver(pipe)
                finally:
                    os.close(pipe)
            time.sleep(0.01)

    def _deliver(self, pipe: int) -> None:
        noise, lump_s = np.random.default_rng(0), _LUMP / RATE / self._speed
        sound: np.ndarray = np.zeros(0, np.int16)
        over: threading.Event | None = None
        due = time.monotonic()
        while self._plugged.is_set() and not self._ended.is_set():
            if not len(sound):
                due = max(due, time.monotonic() - 10 * lump_s)  # while nobody listened, the pipe was full
                if over is not None:
                    over.set()
                over = None
                with contextlib.suppress(queue.Empty):
                    sound, over, began = self._sounds.get_nowait()
                    began[0] = due
            lump = np.round(noise.standard_normal(_LUMP) * _NOISE).astype(np.int16)
            count = min(_LUMP, len(sound))
            lump[:count], sound = sound[:count], sound[count:]
            due += lump_s
            time.sleep(max(0.0, due - time.monotonic()))
            os.write(pipe, lump.tobytes())
