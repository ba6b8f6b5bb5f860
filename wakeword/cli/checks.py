"""What ``wakeword doctor`` looks at. Every check is a function that yields findings and changes nothing."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from wakeword.cli.requirements import Requirement, requirements
from wakeword.devices import NO_DEVICE, list_devices, load_portaudio
from wakeword.errors import WakewordError
from wakeword.kernel import target, targets
from wakeword.version import __version__

_PYTHON = (3, 11)
_TRAIN = "pip install 'wakeword[train]'"
#: Less than this in the cache's file system, and a training run may not end.
_LEAST_FREE_GB = 2.0
_TORCH = "import torch, torchaudio; print(torch.__version__, torchaudio.__version__)"


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    status     "ok"; "missing": something is not there; "warning": it is, and may make trouble
    mend       what to do; empty where all is well
    essential  without it nothing works
    """

    name: str
    status: Literal["ok", "warning", "missing"]
    detail: str
    mend: str = ""
    essential: bool = False


def python() -> Iterator[Finding]:
    """The interpreter's version."""
    version = platform.python_version()
    if sys.version_info < _PYTHON:
        wanted = ".".join(map(str, _PYTHON))
        yield Finding("python", "missing", version, f"install Python {wanted} or newer", essential=True)
    else:
        yield Finding("python", "ok", f"{version}, wakeword {__version__}")


def packages() -> Iterator[Finding]:
    """What the package itself needs, then each extra."""
    needed = requirements()
    if needed is None:
        mend = "pip install .  in its folder"
        yield Finding("packages", "warning", "wakeword is run from its folder and not installed", mend)
        return
    yield _group("packages", [one for one in needed if not one.extra], "pip install --upgrade wakeword", essential=True)
    for extra in sorted({one.extra for one in needed} - {""}):
        of_extra = [one for one in needed if one.extra == extra]
        yield _group(f"extra {extra}", of_extra, f"pip install 'wakeword[{extra}]'")


def _group(name: str, needed: list[Requirement], mend: str, essential: bool = False) -> Finding:
    problems = [problem for one in needed if (problem := one.problem())]
    if not problems:
        return Finding(name, "ok", ", ".join(one.name for one in needed))
    return Finding(name, "missing", "; ".join(problems), mend, essential)


def kernel() -> Iterator[Finding]:
    """The compiled LSTM: without it everything works, two to three times slower."""
    instructions = target()
    if instructions is not None:
        yield Finding("kernel", "ok", f"compiled, {instructions} instructions")
    elif targets() or sys.platform == "win32":
        yield Finding("kernel", "ok", "numpy does its work: there is no compiled one for this processor or system")
    else:
        mend = (
            "install a C compiler (gcc or clang), then in wakeword's folder: pip install --force-reinstall --no-deps ."
        )
        yield Finding("kernel", "warning", "not compiled: numpy does its work, two to three times slower", mend)


def torch() -> Iterator[Finding]:
    """torch and torchaudio together, in a process of their own: builds that do not match end in a crash."""
    try:
        out = subprocess.run(
            [sys.executable, "-P", "-c", _TORCH], capture_output=True, text=True, timeout=180, check=False
        )
    except subprocess.TimeoutExpired:
        yield Finding("torch", "warning", "torch did not load within 3 minutes", f"{_TRAIN}  again")
        return
    if out.returncode == 0:
        versions = out.stdout.split()
        yield Finding("torch", "ok", f"torch {versions[0]}, torchaudio {versions[1]} (for training)")
        return
    reason = (out.stderr.strip().splitlines() or [f"exit code {out.returncode}"])[-1]
    mend = _TRAIN if "ModuleNotFoundError" in reason else "pip install --force-reinstall torch torchaudio"
    yield Finding("torch", "missing", f"needed for training: {reason}", mend)


def sound() -> Iterator[Finding]:
    """PortAudio, microphones, an output."""
    try:
        portaudio = load_portaudio()
        version = portaudio.get_portaudio_version()[1].split(",")[0]
        yield Finding("portaudio", "ok", version)
        inputs = list_devices()
    except WakewordError as error:
        what, _, mend = str(error).partition(": ")
        yield Finding("portaudio", "missing", f"{what} (detect and train work without)", mend)
        return
    if inputs:
        chosen = next((device for device in inputs if device.is_default), inputs[0])
        yield Finding("microphone", "ok", f"{chosen.name}, {chosen.native_rate} Hz ({len(inputs)} in all)")
    else:
        what, _, mend = NO_DEVICE.partition(": ")
        yield Finding("microphone", "missing", what, mend)
    try:
        output = portaudio.query_devices(kind="output")["name"]
        yield Finding("loudspeaker", "ok", output)
    except (portaudio.PortAudioError, ValueError):
        mend = "connect one; record and review work without playing"
        yield Finding("loudspeaker", "warning", "no output was found", mend)


def engines() -> Iterator[Finding]:
    """The speech engines that synthesis can use."""
    from close_negatives.engines import ENGINES, EngineError

    for engine in ENGINES.values():
        try:
            engine.require()
            yield Finding(f"voice {engine.name}", "ok", "installed")
        except EngineError:
            yield Finding(f"voice {engine.name}", "missing", "not installed", engine.install_hint)


def models() -> Iterator[Finding]:
    """Every bundled model loads and hears."""
    from wakeword.detector import Detector
    from wakeword.model import bundled_models

    mend = "pip install --force-reinstall wakeword"
    if not bundled_models():
        yield Finding("models", "missing", "no model is bundled", f"{mend}, or name one with --model FILE")
    for keyword in bundled_models():
        try:
            detector = Detector(keyword)
        except WakewordError as error:
            yield Finding(f"model {keyword}", "missing", str(error), mend, essential=True)
            continue
        started = time.perf_counter()
        detector.process(np.zeros(16_000 * 5, np.float32))
        speed = 5.0 / (time.perf_counter() - started)
        if speed < 2.0:
            slow = "close other programs, or use a model of fewer networks"
            yield Finding(f"model {keyword}", "warning", f"loads, but runs at {speed:.1f} x real time", slow)
        else:
            room = ", threshold of your room" if detector.models[0].is_of_room(*detector.thresholds) else ""
            yield Finding(f"model {keyword}", "ok", f"loads, {speed:.0f} x real time{room}")


def cache() -> Iterator[Finding]:
    """The folder for what need not be made twice can be written and has room."""
    try:
        from close_negatives.cache import CACHE_VARIABLE, cache_folder

        folder = cache_folder()
    except ModuleNotFoundError:
        yield Finding("cache", "missing", "only training and synthesis use one", _TRAIN)
        return
    there = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        if not there.is_dir():
            raise NotADirectoryError(20, "it is no folder")
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        mend = f"make it writable, or set {CACHE_VARIABLE} to a folder that is"
        yield Finding("cache", "missing", f"{folder} cannot be written ({error.strerror or error})", mend)
        return
    free = shutil.disk_usage(there).free / 1e9
    if free < _LEAST_FREE_GB:
        mend = f"make room, or set {CACHE_VARIABLE} to a larger disk"
        yield Finding("cache", "warning", f"{folder} has only {free:.1f} GB left", mend)
    else:
        yield Finding("cache", "ok", f"{folder}, {free:.0f} GB free")


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (python, packages, kernel, sound, models, torch, engines, cache)


def examine() -> Iterator[Finding]:
    """Every check's findings; a check that fails by itself is a finding too, so that the others are still seen."""
    for check in CHECKS:
        try:
            yield from check()
        except Exception as error:  # whatever is broken here is what the doctor is asked about
            reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            where = f"{Path(sys.prefix)}, {platform.platform()}"
            yield Finding(check.__name__, "warning", f"could not be checked ({reason})", f"report it, with: {where}")
