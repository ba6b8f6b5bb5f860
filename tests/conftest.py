"""What several rooms' tests share: small random models, and where the real recordings may lie."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wakeword import FeatureSpec, WakeWordModel
from wakeword.cli import main
from wakeword.network import Network

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data" / "audio"

MakeModel = Callable[..., WakeWordModel]

# A shell's background jobs ignore Ctrl-C, and so would what the tests start and then interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def random_model(
    keyword: str = "word",
    units: int = 16,
    seed: int = 0,
    spec: FeatureSpec | None = None,
    attention: bool = False,
    networks: int = 1,
) -> WakeWordModel:
    """A model with random weights whose scores vary over about -3 to 3."""
    spec = spec or FeatureSpec()
    rng = np.random.default_rng(seed)
    width = spec.n_cepstra

    def draw(*shape: int) -> np.ndarray:
        return (rng.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32)

    def network() -> Network:
        return Network(
            mean=draw(width) * 5,
            std=np.abs(draw(width)) + 2,
            w_ih=draw(4 * units, width) * 3,
            w_hh=draw(4 * units, units) * 2,
            bias=draw(4 * units),
            w_out=draw(units) * 6,
            b_out=np.float32(0.25),
            attention=draw(units) * 3 if attention else None,
        )

    return WakeWordModel(
        keyword=keyword,
        spec=spec,
        networks=tuple(network() for _ in range(networks)),
        card={
            "operating_points": {
                "fpr_5": {"threshold": 0.5},
                "fpr_3": {"threshold": 1.0},
                "alarms": {"threshold": 1.5},
            },
            "default_point": "alarms",
            "decision": {"n": 2, "m": 3, "rearm_margin": 0.5, "refractory_s": 1.0},
        },
    )


@pytest.fixture
def make_model() -> MakeModel:
    """random_model, as a fixture, because test modules do not import each other."""
    return random_model


@pytest.fixture
def voice() -> np.ndarray:
    """Six seconds of something speech-like: float32 at 16 kHz, syllables of noise with moving resonances."""
    rng = np.random.default_rng(7)
    t = np.arange(6 * 16_000) / 16_000
    carrier = np.sin(2 * np.pi * (140 + 30 * np.sin(2 * np.pi * 0.7 * t)) * t) + 0.3 * rng.standard_normal(len(t))
    syllables = np.clip(np.sin(2 * np.pi * 2.3 * t), 0, None)
    return (0.2 * carrier * syllables).astype(np.float32)


@pytest.fixture
def real_data() -> Path:
    """The folder of real recordings beside the project, or a skip that says so."""
    if not (DATA / "manifest.csv").is_file():
        pytest.skip("the real recordings are not beside the project (../shared/data)")
    return DATA


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or fills the user's cache and configuration."""
    monkeypatch.setenv("WAKEWORD_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setenv("WAKEWORD_CONFIG", str(tmp_path_factory.getbasetemp() / "no configuration"))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """The ``wakeword`` command with arguments of any kind -> (exit code, stdout, stderr)."""

    def call(*args: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main([str(arg) for arg in args])
        out, err = capsys.readouterr()
        return int(stop.value.code or 0), out, err

    return call
