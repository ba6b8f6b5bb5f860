"""The ONNX graph against the Detector, onnxruntime running it as another program would."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import soundfile

from wakeword import Detector, FeatureSpec, WakewordError, WakeWordModel, load_model, mfcc
from wakeword.cli import main
from wakeword.export import export_onnx, to_onnx

ROOT = Path(__file__).resolve().parents[2]


def logits(path: Path, features: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(["logit"], {"features": features})[0]


@pytest.mark.parametrize("attention", [False, True])
@pytest.mark.parametrize("networks", [1, 3])
@pytest.mark.parametrize("spec", [FeatureSpec(), FeatureSpec(n_cepstra=20, window_frames=40)])
def test_the_graph_scores_windows_as_the_detector_does(
    make_model: Callable[..., WakeWordModel],
    voice: np.ndarray,
    tmp_path: Path,
    attention: bool,
    networks: int,
    spec: FeatureSpec,
) -> None:
    model = make_model(units=24, spec=spec, attention=attention, networks=networks)
    assert export_onnx(model, tmp_path / "word.onnx") < 1e-4
    frames = mfcc(voice, spec)
    starts = range(0, len(frames) - spec.window_frames + 1, 8)
    windows = np.stack([frames[start : start + spec.window_frames] for start in starts])
    expected = Detector(model).step(voice).scores[:, 0]
    assert np.ptp(expected) > 1  # otherwise this shows little
    np.testing.assert_allclose(logits(tmp_path / "word.onnx", windows), expected, atol=1e-4)
    np.testing.assert_allclose(logits(tmp_path / "word.onnx", windows[:1]), expected[:1], atol=1e-4)


def test_the_bundled_model_as_a_user_exports_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["export", "happy", "--onnx", str(tmp_path / "happy.onnx")])
    out, _ = capsys.readouterr()
    assert not stop.value.code
    assert "features (N, 98, 32) -> logit (N,)" in out
    assert float(out.split("at most ")[1]) < 1e-4
    voice, _ = soundfile.read(ROOT / "demo" / "recordings" / "happy.flac", frames=16_000 * 14, dtype="float32")
    frames = mfcc(voice)
    windows = np.stack([frames[start : start + 98] for start in range(0, len(frames) - 97, 8)])
    expected = Detector("happy").step(voice).scores[:, 0]
    assert expected.max() > 3  # the keyword is among them
    np.testing.assert_allclose(logits(tmp_path / "happy.onnx", windows), expected, atol=1e-3)
    told = {prop.key: json.loads(prop.value) for prop in onnx.load(tmp_path / "happy.onnx").metadata_props}
    model = load_model("happy")
    assert FeatureSpec(**told["feature_spec"]) == model.spec
    assert told["keyword"] == "happy"
    assert told["card"] == json.loads(json.dumps(model.card))
    first = (tmp_path / "happy.onnx").read_bytes()
    export_onnx(model, tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == first


def test_a_graph_that_differs_is_not_written(
    make_model: Callable[..., WakeWordModel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wakeword import export

    order = export._lstm_weights
    monkeypatch.setattr(export, "_lstm_weights", lambda network: tuple(w[:, ::-1].copy() for w in order(network)))
    with pytest.raises(WakewordError, match="differs from the runtime by"):
        export_onnx(make_model(), tmp_path / "word.onnx")
    assert list(tmp_path.iterdir()) == []


def test_the_graph_is_one_that_old_runtimes_take(make_model: Callable[..., WakeWordModel]) -> None:
    made = to_onnx(make_model(attention=True))
    assert [(entry.domain, entry.version) for entry in made.opset_import] == [("", 14)]
    assert made.ir_version == 8


def test_without_the_extra_it_is_said_which_one(tmp_path: Path) -> None:
    code = "import sys; sys.modules['onnx'] = None; from wakeword.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", code, "export", "happy", "--onnx", str(tmp_path / "happy.onnx")]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr == "wakeword: this needs onnx: install it with  pip install 'wakeword[export]'\n"
