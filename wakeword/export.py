"""A model as an ONNX graph: one window's MFCC in, its logit out, checked against the numpy runtime."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from wakeword.errors import WakewordError
from wakeword.features import mfcc
from wakeword.files import write_atomically
from wakeword.model import WakeWordModel
from wakeword.network import Network
from wakeword.version import __version__
from wakeword.windows import SlidingWindows

#: Old enough for every runtime of the last years; nothing newer is used.
OPSET, IR_VERSION = 14, 8
#: The largest difference of logits that float32 and another order of sums explain.
TOLERANCE = 1e-4
#: The runtime clips what it exponentiates; so does the graph.
_EXPONENT = 60.0


def export_onnx(model: WakeWordModel, out: Path) -> float:
    """Write the graph of ``model`` to ``out``; returns the largest difference to the runtime's logits.

    Input "features", float32 (N, window_frames, n_cepstra): the frames of wakeword.mfcc. Output "logit", float32 (N,).
    The metadata holds keyword, feature_spec and card as JSON. Raises WakewordError, and writes nothing, when
    onnxruntime's logits differ from the runtime's by more than TOLERANCE.
    """
    content = to_onnx(model).SerializeToString(deterministic=True)
    difference = parity(model, content)
    if not difference <= TOLERANCE:
        raise WakewordError(f"the graph of {model.keyword!r} differs from the runtime by {difference:.1e}: not written")
    write_atomically(out, content)
    return difference


def to_onnx(model: WakeWordModel) -> onnx.ModelProto:
    """The graph, checked by onnx itself."""
    nodes, weights = _Nodes(), []
    for index, network in enumerate(model.networks):
        weights.append(_network(nodes, network, f"network{index}"))
    # The mean of one is itself; Mean takes any number of inputs.
    nodes.add("Mean", weights, "logit")
    frames, width = model.spec.window_frames, model.spec.n_cepstra
    graph = helper.make_graph(
        nodes.nodes,
        "wakeword",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", frames, width])],
        [helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["N"])],
        nodes.constants,
    )
    made = helper.make_model(
        graph,
        producer_name="wakeword",
        producer_version=__version__,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    card = {key: value for key, value in model.card.items() if key != "calibration"}
    told = {"keyword": model.keyword, "feature_spec": model.spec.to_dict(), "card": card}
    helper.set_model_props(made, {name: json.dumps(value, sort_keys=True) for name, value in told.items()})
    onnx.checker.check_model(made, full_check=True)
    return made


class _Nodes:
    """The nodes and constants of a graph while it is built."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        """A node with one output, which is returned."""
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def constant(self, name: str, value: np.ndarray) -> str:
        self.constants.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name


def _network(nodes: _Nodes, network: Network, name: str) -> str:
    """Features -> the logit of one network, (N,)."""

    def constant(what: str, value: np.ndarray) -> str:
        return nodes.constant(f"{name}.{what}", value)

    def add(kind: str, inputs: list[str], what: str, **attributes: Any) -> str:
        return nodes.add(kind, inputs, f"{name}.{what}", **attributes)

    centred = add("Sub", ["features", constant("mean", network.mean)], "centred")
    standard = add("Div", [centred, constant("std", network.std)], "standard")
    by_frame = add("Transpose", [standard], "by_frame", perm=[1, 0, 2])  # (F, N, D)
    w, r, b = (constant(what, value) for what, value in zip(("W", "R", "B"), _lstm_weights(network), strict=True))
    hidden, last = f"{name}.hidden", f"{name}.last"  # (F, 1, N, H), (1, N, H)
    nodes.nodes.append(
        helper.make_node("LSTM", [by_frame, w, r, b], [hidden, last], name=f"{name}.lstm", hidden_size=network.units)
    )
    w_out = constant("w_out", network.w_out[:, None])
    first = constant("first", np.array([0], np.int64))
    if network.attention is None:
        value = add("MatMul", [add("Squeeze", [last, first], "state"), w_out], "value")  # (N, 1)
        axis = constant("axis", np.array([1], np.int64))
    else:
        states = add("Squeeze", [hidden, constant("direction", np.array([1], np.int64))], "states")  # (F, N, H)
        weight = add("MatMul", [states, constant("attention", network.attention[:, None])], "weight")  # (F, N, 1)
        low, high = (
            constant(what, np.array(end, np.float32)) for what, end in (("low", -_EXPONENT), ("high", _EXPONENT))
        )
        share = add("Softmax", [add("Clip", [weight, low, high], "clipped")], "share", axis=0)
        weighted = add("Mul", [share, add("MatMul", [states, w_out], "values")], "weighted")
        value = add("ReduceSum", [weighted, first], "value", keepdims=0)  # (N, 1)
        axis = constant("axis", np.array([1], np.int64))
    return add("Add", [add("Squeeze", [value, axis], "flat"), constant("b_out", network.b_out)], "logit")


def _lstm_weights(network: Network) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(W (1, 4H, D), R (1, 4H, H), B (1, 8H)) with ONNX's gates i, o, f, c; the model file has torch's i, f, g, o."""
    units = network.units
    i, f, g, o = (np.arange(k * units, (k + 1) * units) for k in range(4))
    order = np.concatenate((i, o, f, g))
    bias = np.concatenate((network.bias[order], np.zeros(4 * units, np.float32)))  # torch's two biases are one here
    return network.w_ih[order][None], network.w_hh[order][None], bias[None]


def parity(model: WakeWordModel, content: bytes) -> float:
    """The largest difference between the graph's logits in onnxruntime and those of the runtime's sliding windows."""
    features = np.stack(list(_windows(model)))
    frames = model.spec.window_frames
    bare = replace(model, pronunciation=None)  # the graph is of the networks alone
    expected = SlidingWindows([bare], hop_frames=frames, streams=len(features)).push(features).scores[0, :, 0]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    (found,) = session.run(["logit"], {"features": features})
    return float(np.abs(found - expected).max())


def _windows(model: WakeWordModel) -> Iterator[np.ndarray]:
    """Windows (F, D) to compare: sweeps in noise at many levels, silence, and what the networks were trained on."""
    spec, rng = model.spec, np.random.default_rng(0)
    t = np.arange(spec.window_samples) / spec.sample_rate
    for level in np.logspace(-4, 0, 16):
        sweep = np.sin(2 * np.pi * rng.uniform(80, 2000) * t * (1 + rng.uniform(-0.5, 2) * t))
        sound = level * np.clip(sweep + 0.3 * rng.standard_normal(len(t)), -1, 1)
        yield mfcc(sound.astype(np.float32), spec)[: spec.window_frames]
    yield mfcc(np.zeros(spec.window_samples, np.float32), spec)[: spec.window_frames]
    for network in model.networks:
        for _ in range(15):
            noise = rng.standard_normal((spec.window_frames, spec.n_cepstra)).astype(np.float32)
            yield network.mean + network.std * np.cumsum(noise, axis=0, dtype=np.float32) / np.float32(5)
