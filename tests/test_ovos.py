"""The plugin as OpenVoiceOS loads it: by its own plugin manager, from the installed entry point."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wakeword import Detector, ModelFileError, WakewordError

ROOT = Path(__file__).resolve().parent.parent
MODULE = "ovos-ww-plugin-wakeword"
#: The plugin manager's own imports of modules that Python 3.13 has no more.
pytestmark = pytest.mark.filterwarnings("ignore:'(aifc|audioop|chunk|sunau)' is deprecated:DeprecationWarning")


@pytest.fixture(autouse=True, scope="module")
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """OpenVoiceOS reads and writes its settings in the user's folders: not in these tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "HOME"):
            patch.setenv(name, str(tmp_path_factory.mktemp("ovos")))
        yield


def load(hotword: str, **config: object):
    from ovos_plugin_manager.wakewords import OVOSWakeWordFactory

    return OVOSWakeWordFactory.load_module(MODULE, hotword, {"module": MODULE, **config})


@pytest.fixture(scope="module")
def recording() -> np.ndarray:
    samples, _ = soundfile.read(ROOT / "demo" / "recordings" / "happy.flac", dtype="int16")
    return samples


def test_the_project_is_installed_with_its_entry_point() -> None:
    found = [entry.value for entry in entry_points(group="opm.wake_word") if entry.name == MODULE]
    assert set(found) == {"wakeword.ovos:WakewordPlugin"}, "install the project again: make test"


@pytest.mark.parametrize("size", [2048, 999])  # OVOS's own chunk, and one that cuts samples in half
def test_the_plugin_manager_loads_it_and_it_hears(recording: np.ndarray, size: int) -> None:
    from ovos_plugin_manager.templates.hotwords import HotWordEngine
    from ovos_plugin_manager.wakewords import find_wake_word_plugins

    assert MODULE in find_wake_word_plugins()
    engine = load("happy")
    assert isinstance(engine, HotWordEngine)
    data, found = recording.tobytes(), []
    for first in range(0, len(data), size):
        engine.update(data[first : first + size])
        if engine.found_wake_word():
            assert not engine.found_wake_word()  # asking clears
            found.append((first + size) / 32_000)
    ends = [detection.end_s for detection in Detector("happy").process(recording)]
    assert len(found) == len(ends) > 3
    assert all(end <= at < end + size / 32_000 for at, end in zip(found, ends, strict=True))
    engine.stop()
    engine.shutdown()


def test_reset_forgets_what_was_heard(recording: np.ndarray) -> None:
    engine, data = load("happy"), recording[: 16_000 * 12].tobytes()
    engine.update(data)
    engine.reset()
    assert not engine.found_wake_word()
    cut = int(32_000 * 11.2) // 2 * 2  # in the middle of the word: neither half is heard
    engine.update(data[:cut])
    engine.reset()
    engine.update(data[cut:])
    assert not engine.found_wake_word()
    engine.reset()
    engine.update(data[:cut])
    engine.update(data[cut:])
    assert engine.found_wake_word()


def test_the_configuration_chooses(make_model, recording: np.ndarray, tmp_path: Path) -> None:
    make_model("hey you").save(tmp_path / "mine.wakeword")
    samples = recording[: 16_000 * 5]
    scores = Detector(tmp_path / "mine.wakeword").step(samples).scores
    engine = load("hey_you", model=str(tmp_path / "mine.wakeword"), threshold=float(scores.min()) - 1)
    engine.update(samples.tobytes())
    assert engine.found_wake_word()
    engine = load("hey_you", model=str(tmp_path / "mine.wakeword"), threshold=float(scores.max()) + 1)
    engine.update(samples.tobytes())
    assert not engine.found_wake_word()
    with pytest.raises(ModelFileError, match="no such model"):
        load("hey_mycroft")
    for wrong in ({"threshold": "loud"}, {"threshold": float("nan")}, {"sample_rate": 3}):
        with pytest.raises(WakewordError, match="'happy' is configured wrongly"):
            load("happy", **wrong)


def test_the_runtime_does_without_it() -> None:
    code = (
        "import sys; sys.modules['ovos_plugin_manager'] = None\n"
        "import wakeword, wakeword.detector, wakeword.server.catalogue, wakeword.cli.detect\n"
        "print('wakeword.ovos' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert out.stdout == "False\n"
