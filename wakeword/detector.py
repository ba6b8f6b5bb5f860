"""Samples in, detections out: front end -> sliding windows -> decision, for one or several keywords."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wakeword.audio import SAMPLE_RATE, as_samples
from wakeword.decision import Decider
from wakeword.errors import ModelFileError
from wakeword.features import FeatureSpec, FeatureStream
from wakeword.model import WakeWordModel, load_model
from wakeword.windows import SlidingWindows


@dataclass(frozen=True)
class Detection:
    """A keyword was heard.

    start_s, end_s   the window that decided it, in seconds since the first sample (or the last reset)
    score            that window's logit
    """

    keyword: str
    start_s: float
    end_s: float
    score: float


@dataclass(frozen=True)
class Step:
    """What one block of samples brought.

    window_end_s  float64 (K,): the end of each window that was completed, in seconds
    scores        float32 (K, models): their logits, in the order of Detector.models
    """

    detections: list[Detection]
    window_end_s: np.ndarray
    scores: np.ndarray


class _Group:
    """The models that share a FeatureSpec: one front end and one bank of windows for all of them."""

    def __init__(self, spec: FeatureSpec, models: list[WakeWordModel], columns: list[int], hop_frames: int) -> None:
        self.spec, self.columns = spec, columns
        self.features = FeatureStream(spec)
        self.windows = SlidingWindows(models, hop_frames)


class Detector:
    """Hears keywords in a stream of samples.

    models      models of 16 kHz sound, bundled keywords, or paths of model files: one, or a sequence
    point       operating point to use instead of each model's default ("fpr_3", "fpr_5", "alarms")
    threshold   logit to use instead of any operating point
    hop_frames  frames between two windows' starts: 8 frames are 80 ms

    >>> detector = Detector("happy")
    >>> detector.process(np.zeros(16_000, np.float32))
    []
    """

    def __init__(
        self,
        models: WakeWordModel | str | Path | Sequence[WakeWordModel | str | Path],
        *,
        point: str | None = None,
        threshold: float | None = None,
        hop_frames: int = 8,
    ) -> None:
        given = [models] if isinstance(models, WakeWordModel | str | Path) else list(models)
        self.models = [m if isinstance(m, WakeWordModel) else load_model(m) for m in given]
        if not self.models:
            raise ValueError("a Detector needs at least one model")
        for model in self.models:
            if model.spec.sample_rate != SAMPLE_RATE:
                raise ModelFileError(f"model {model.keyword!r} hears {model.spec.sample_rate} Hz, not {SAMPLE_RATE} Hz")
        self._deciders = [Decider(m.rule(point, threshold), m.spec.sample_rate) for m in self.models]
        columns: dict[FeatureSpec, list[int]] = {}
        for column, model in enumerate(self.models):
            columns.setdefault(model.spec, []).append(column)
        self._groups = [_Group(s, [self.models[i] for i in c], c, hop_frames) for s, c in columns.items()]

    @property
    def thresholds(self) -> list[float]:
        """The logit each model fires at, in the order of ``models``."""
        return [decider.rule.threshold for decider in self._deciders]

    def reset(self) -> None:
        """Forget everything heard: exactly the state of a new Detector."""
        for group in self._groups:
            group.features.reset()
            group.windows.reset()
        for decider in self._deciders:
            decider.reset()

    def process(self, samples: np.ndarray) -> list[Detection]:
        """16 kHz samples of any number -> the keywords they complete, in the order they were heard.

        samples: (T,) or (T, channels), floats in [-1, 1] or integers. Raises AudioError on anything else.
        """
        return self.step(samples).detections

    def step(self, samples: np.ndarray) -> Step:
        """Like process, with the score of every window that was completed."""
        samples = as_samples(samples)
        heard = [self._heard(group, samples) for group in self._groups]
        detections = [detection for found, _, _ in heard for detection in found]
        detections.sort(key=lambda detection: (detection.end_s, detection.keyword))
        if len(heard) == 1:  # the usual case: all models have windows of one length
            return Step(detections, heard[0][1], heard[0][2])
        ends = np.unique(np.concatenate([end for _, end, _ in heard]))
        scores = np.full((len(ends), len(self.models)), np.nan, dtype=np.float32)
        for group, (_, end, values) in zip(self._groups, heard, strict=True):
            scores[np.searchsorted(ends, end)[:, None], group.columns] = values
        return Step(detections, ends, scores)

    def _heard(self, group: _Group, samples: np.ndarray) -> tuple[list[Detection], np.ndarray, np.ndarray]:
        """(detections, window ends in s (K,), scores (K, models of the group)) of one group."""
        spec = group.spec
        done = group.windows.push(group.features.push(samples))
        end_samples = (done.end_frame - 1) * spec.hop_length + spec.frame_length
        scores = done.scores[:, 0, :]
        found = []
        for end, row in zip(end_samples.tolist(), scores.tolist(), strict=True):
            for column, score in zip(group.columns, row, strict=True):
                if self._deciders[column].push(score, end):
                    start = (end - spec.window_samples) / spec.sample_rate
                    keyword = self.models[column].keyword
                    found.append(Detection(keyword, start, end / spec.sample_rate, score))
        return found, end_samples / spec.sample_rate, scores
