"""Windows that came near a keyword and were no detection: what a person may want to listen to and label."""

from __future__ import annotations

from dataclasses import dataclass

from wakeword.detector import Detection, Detector, Step

#: After a detection its own echo in the scores is no near miss.
_QUIET_S = 1.0
#: An approach that lasts longer is told before it is over, because the sound of its peak is not kept for ever.
_LONGEST_S = 2.0


@dataclass
class _Approach:
    """One keyword's scores from where they came within the margin to where they left it."""

    began_s: float
    peak: float = float("-inf")
    peak_s: float = 0.0
    done: bool = False  # it was a detection, or it was told


class NearMisses:
    """Finds, for each keyword, the peaks within ``margin`` logits below its threshold (or above it, but too short).

    An approach is over when the score falls out of the margin; it is one near miss, however many windows it has.
    """

    def __init__(self, detector: Detector, margin: float) -> None:
        self._keywords = [model.keyword for model in detector.models]
        self._window_s = [model.spec.window_samples / model.spec.sample_rate for model in detector.models]
        self._bars = [threshold - margin for threshold in detector.thresholds]
        self._approaches: list[_Approach | None] = [None] * len(self._bars)
        self._fired_s = [float("-inf")] * len(self._bars)

    def push(self, step: Step) -> list[Detection]:
        """The near misses that one step completes, as the Detection that each would have been."""
        fired = {(detection.keyword, detection.end_s) for detection in step.detections}
        found = []
        for end_s, row in zip(step.window_end_s.tolist(), step.scores.tolist(), strict=True):
            for column, score in enumerate(row):
                if (self._keywords[column], end_s) in fired:
                    self._fired_s[column] = end_s
                if score == score and (near := self._window(column, score, end_s)):  # NaN: no window of this one
                    found.append(near)
        return found

    def _window(self, column: int, score: float, end_s: float) -> Detection | None:
        approach = self._approaches[column]
        if score < self._bars[column]:
            self._approaches[column] = None
            return self._told(column, approach)
        if approach is None:
            approach = self._approaches[column] = _Approach(end_s)
        if score > approach.peak:
            approach.peak, approach.peak_s = score, end_s
        if self._fired_s[column] >= approach.began_s:
            approach.done = True
        return self._told(column, approach) if end_s - approach.began_s >= _LONGEST_S else None

    def _told(self, column: int, approach: _Approach | None) -> Detection | None:
        if approach is None or approach.done or approach.peak_s - self._fired_s[column] < _QUIET_S:
            return None
        approach.done = True
        start_s = approach.peak_s - self._window_s[column]
        return Detection(self._keywords[column], start_s, approach.peak_s, approach.peak)
