"""Thresholds, all chosen on validation: FPR 3 % and 5 % of windows, and a rate of false alarms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torchaudio

from training.corpus import FULL_SCALE, RECORDED, Corpus
from training.metrics import threshold_at_fpr
from training.speech_commands import Split
from training.streams import at_snr, babble, hear_clips, hear_long, missed, string_together
from wakeword.alarms import Heard, count_alarms, per_hour
from wakeword.decision import DecisionRule
from wakeword.features import mfcc
from wakeword.model import WakeWordModel
from wakeword.windows import SlidingWindows

BABBLE_SNR_DB = 20.0
_CANDIDATES = np.arange(-10.0, 30.0, 0.05)  # logits


@dataclass(frozen=True)
class CalibrationSettings:
    """How a score becomes an event, and how many false alarms are acceptable.

    n, m      of the decision rule; calibrate chooses them among ``rules``
    """

    n: int = 3
    m: int = 4
    rearm_margin: float = 1.0
    refractory_s: float = 1.0
    alarms_per_hour: float = 0.5
    rules: tuple[tuple[int, int], ...] = ((1, 1), (2, 3), (3, 4))
    acceptable_miss: float = 0.02  # the default point may give up this much for more distance from alarms

    def rule(self, threshold: float) -> DecisionRule:
        """The decision rule at a threshold."""
        return DecisionRule(threshold, self.n, self.m, self.rearm_margin, self.refractory_s)

    def to_dict(self) -> dict[str, float | int]:
        """What the model file keeps: the arguments of DecisionRule beside the threshold."""
        return {
            "n": self.n,
            "m": self.m,
            "rearm_margin": self.rearm_margin,
            "refractory_s": self.refractory_s,
        }


def clip_scores(model: WakeWordModel, clips: np.ndarray) -> np.ndarray:
    """int16 clips (N, T) -> float32 (N,): the logit of each clip's first window, by the runtime's own code."""
    frames = model.spec.window_frames
    scores = [np.zeros(0, dtype=np.float32)]
    for first in range(0, len(clips), 256):
        features = mfcc(clips[first : first + 256] / FULL_SCALE, model.spec)[:, :frames]
        windows = SlidingWindows([model], hop_frames=frames, streams=len(features))
        scores.append(windows.push(features).scores[0, :, 0])
    return np.concatenate(scores)


def calibrate(model: WakeWordModel, corpus: Corpus, settings: CalibrationSettings, seed: int) -> dict[str, Any]:
    """The card's entries operating_points, default_point and decision, from the validation split alone.

    ``model`` needs a usable rule (any threshold) so that a Detector can be made of it.
    """
    words = corpus.words["validation"]
    negatives = clip_scores(model, words.samples[words.far() | words.close()])
    points: dict[str, Any] = {}
    for percent in (5, 3):
        points[f"fpr_{percent}"] = {
            "threshold": threshold_at_fpr(negatives, percent / 100),
            "meaning": f"{percent} % of validation's {int(words.far().sum())} clips of other words and "
            f"{int(words.close().sum())} of close negatives pass as single windows",
        }
    streams = hear_long(model, stress_streams(corpus, seed))
    keyword, noisy = hear_keyword(model, corpus, "validation", np.random.default_rng([seed, 5]))
    settings = choose_rule(streams, [*keyword, *noisy], settings)
    by_people = bool(words.of_origin(RECORDED)[words.is_keyword].mean() > 0.5)
    points["alarms"] = _alarm_point(streams, keyword, settings, by_people)
    return {"operating_points": points, "default_point": "alarms", "decision": settings.to_dict()}


def hear_keyword(
    model: WakeWordModel, corpus: Corpus, split: Split, rng: np.random.Generator
) -> tuple[list[Heard], list[Heard]]:
    """Each clip of the keyword alone in a stream: in silence, and in babble at BABBLE_SNR_DB."""
    words, talk = corpus.words[split], corpus_speech(corpus, split)
    noise = babble(talk, sum(map(len, talk)), 4, rng)
    clips = words.samples[words.is_keyword]
    return hear_clips(model, clips), hear_clips(model, clips, noise, BABBLE_SNR_DB)


def choose_rule(
    streams: Sequence[Heard], keyword: Sequence[Heard], settings: CalibrationSettings
) -> CalibrationSettings:
    """The settings with the n of m that misses the fewest keywords at the lowest threshold with few enough alarms.

    A steady network needs no second opinion and answers sooner, an unsteady one does; of equals the rule with fewer
    windows.
    """

    def misses(rule: tuple[int, int]) -> int:
        tried = replace(settings, n=rule[0], m=rule[1])
        return missed(keyword, tried.rule(quiet_threshold(streams, tried)))

    n, m = min(settings.rules, key=misses)
    return replace(settings, n=n, m=m)


def stress_streams(corpus: Corpus, seed: int) -> list[np.ndarray]:
    """Validation audio without the keyword, as it is and in harder versions: slower, faster, in noise, in babble.

    Alarms are rare and validation audio is short; the versions stand in for hours that are not there.
    """
    words = corpus.words["validation"]
    rng = np.random.default_rng([seed, 3])
    plain = string_together([*words.samples[words.far()], *corpus.speech["validation"]])
    level = float(np.sqrt(np.mean(plain**2)))
    versions = [plain]
    versions += [torchaudio.functional.resample(torch.from_numpy(plain), speed, 20).numpy() for speed in (18, 22)]
    if corpus.noise["validation"]:
        noise = np.resize(np.concatenate(corpus.noise["validation"]) / FULL_SCALE, len(plain))
        versions += [at_snr(plain, noise, 10.0, level), string_together(corpus.noise["validation"])]
    versions.append(at_snr(plain, babble(corpus_speech(corpus, "validation"), len(plain), 4, rng), 10.0, level))
    if corpus.sentences["validation"]:
        versions.append(string_together(corpus.sentences["validation"]))
    return versions


def corpus_speech(corpus: Corpus, split: Split) -> list[np.ndarray]:
    """What babble is made of: the split's continuous speech, or its other words where there is none."""
    words = corpus.words[split]
    return corpus.speech[split] or list(words.samples[words.far()])


def _alarm_point(
    streams: Sequence[Heard], keyword: Sequence[Heard], settings: CalibrationSettings, by_people: bool
) -> dict[str, Any]:
    """The default point: at most the acceptable alarms, and beyond that the middle of the room there is.

    ``quiet`` is the lowest threshold with few enough alarms, ``deaf`` the highest with few enough misses.
    When quiet < deaf any threshold between is right on validation: the room serves to have no alarm at all, and where
    people spoke the keyword the middle, if it is higher, is furthest from both errors. Keywords that engines spoke say
    too little of where deafness begins for a middle.
    """
    hours = sum(stream.seconds for stream in streams) / 3600
    quiet = quiet_threshold(streams, settings)
    silent = quiet_threshold(streams, replace(settings, alarms_per_hour=0.0))
    most_missed = int(settings.acceptable_miss * len(keyword))
    deaf = -_first(-_CANDIDATES[::-1], lambda t: missed(keyword, settings.rule(-t)) <= most_missed)
    threshold = quiet
    if quiet < deaf:
        threshold = min(silent, deaf)
        if by_people:
            threshold = max(threshold, (quiet + deaf) / 2)
    curve = np.arange(np.floor(quiet) - 4, np.ceil(quiet) + 3, 0.5)
    return {
        "threshold": round(float(threshold), 4),
        "meaning": f"at most {settings.alarms_per_hour} false alarms an hour on {hours:.2f} h made of validation audio",
        "validation": {
            "false_alarms": per_hour(count_alarms(streams, settings.rule(threshold)), hours),
            "missed": missed(keyword, settings.rule(threshold)),
            "keyword_clips": len(keyword),
        },
        "alarms_per_hour_by_threshold": [
            [float(t), round(count_alarms(streams, settings.rule(float(t))) / hours, 3)] for t in curve
        ],
    }


def quiet_threshold(streams: Sequence[Heard], settings: CalibrationSettings) -> float:
    """The lowest threshold at which the streams have no more alarms than are acceptable in their time."""
    allowed = int(settings.alarms_per_hour * sum(stream.seconds for stream in streams) / 3600)
    return _first(_CANDIDATES, lambda t: count_alarms(streams, settings.rule(t)) <= allowed)


def _first(candidates: np.ndarray, holds: Any) -> float:
    """The lowest of ascending candidates from which on ``holds`` is true (bisection); the last if there is none."""
    low, high = 0, len(candidates) - 1
    while low < high:
        middle = (low + high) // 2
        if holds(float(candidates[middle])):
            high = middle
        else:
            low = middle + 1
    return float(candidates[low])
