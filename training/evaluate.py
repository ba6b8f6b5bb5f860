"""The report's figures: the test split, heard once, at thresholds that validation chose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from training.calibrate import BABBLE_SNR_DB, clip_scores, hear_keyword
from training.corpus import RECORDED, SPOKEN, Corpus, Words
from training.metrics import Rate, rate, recall, threshold_at_fpr
from training.streams import missed, string_together
from wakeword.alarms import Heard, hear, per_hour
from wakeword.model import WakeWordModel

FPRS = (0.05, 0.03, 0.01, 0.005)


@dataclass(frozen=True)
class Evaluation:
    """figures: JSON values for the card; scores and labels of the test clips: float32 (N,), bool (N,) for the plots."""

    figures: dict[str, Any]
    scores: np.ndarray
    labels: np.ndarray


def evaluate(model: WakeWordModel, corpus: Corpus, seed: int) -> Evaluation:
    """Measure a calibrated model: single windows of test clips, and the streamed test split."""
    test, validation = corpus.words["test"], corpus.words["validation"]
    scores = clip_scores(model, test.samples)
    held_out = clip_scores(model, validation.samples[validation.far() | validation.close()])
    figures = {
        "split": "test",
        "clips": clip_figures(scores, test, held_out),
        "close_negatives": close_figures(scores, test, model),
        "streaming": stream_figures(model, corpus, seed),
        "worst_confusions": worst_confusions(scores, test, model),
    }
    return Evaluation(figures, scores, test.is_keyword)


def clip_figures(scores: np.ndarray, test: Words, validation_negatives: np.ndarray) -> dict[str, Any]:
    """Recall and the FPR really reached, per FPR asked for on validation; one window a clip.

    The last entry of each, by_test_threshold, is the paper's rule: the threshold that holds the FPR on the test
    negatives themselves. It is comparable with the paper, not available to a product.
    """
    positives, far, close = scores[test.is_keyword], scores[test.far()], scores[test.close()]
    negatives = np.concatenate([far, close])
    held = {origin: scores[test.is_keyword & test.of_origin(origin)] for origin in (RECORDED, SPOKEN)}
    by_origin = held if all(map(len, held.values())) else {}  # people and engines: a rate over both is neither's
    figures: dict[str, Any] = {}
    for fpr in FPRS:
        threshold = threshold_at_fpr(validation_negatives, fpr)
        figures[f"fpr_{fpr * 100:g}"] = {
            "threshold": round(threshold, 4),
            "recall": recall(positives, threshold).to_dict(),
            **{f"recall_{origin}": recall(part, threshold).to_dict() for origin, part in by_origin.items()},
            "fpr_reached": recall(far, threshold).to_dict(),
            **({"fpr_reached_close": recall(close, threshold).to_dict()} if len(close) else {}),
            "recall_by_test_threshold": recall(positives, threshold_at_fpr(negatives, fpr)).to_dict(),
        }
    return figures


def close_figures(scores: np.ndarray, test: Words, model: WakeWordModel) -> list[dict[str, Any]]:
    """How often each close negative passes the FPR 3 % threshold as a single window, the most accepted first."""
    return [_accepted(word, found) for word, found in _by_word(scores, test, test.close(), model)]


def stream_figures(model: WakeWordModel, corpus: Corpus, seed: int) -> dict[str, Any]:
    """False alarms per hour and misses at every operating point, through the real Detector."""
    test = corpus.words["test"]
    negative = [*corpus.speech["test"], *corpus.noise["test"], *test.samples[test.far()]]
    alarm_stream = hear(model, string_together(negative))
    quiet, noisy = hear_keyword(model, corpus, "test", np.random.default_rng([seed, 4]))
    return {
        "negative_audio": {
            "hours": round(alarm_stream.seconds / 3600, 4),
            "speech_recordings": len(corpus.speech["test"]),
            "noise_recordings": len(corpus.noise["test"]),
            "word_clips": int(test.far().sum()),
        },
        "points": {name: _point_figures(model, name, alarm_stream, quiet, noisy) for name in model.operating_points},
    }


def _point_figures(
    model: WakeWordModel, name: str, alarm_stream: Heard, quiet: Sequence[Heard], noisy: Sequence[Heard]
) -> dict[str, Any]:
    rule = model.rule(name)
    return {
        "threshold": rule.threshold,
        "false_alarms": per_hour(len(alarm_stream.alarms(rule)), alarm_stream.seconds / 3600),
        "miss_in_silence": rate(missed(quiet, rule), len(quiet)).to_dict(),
        f"miss_in_babble_{BABBLE_SNR_DB:g}_db": rate(missed(noisy, rule), len(noisy)).to_dict(),
    }


def worst_confusions(scores: np.ndarray, test: Words, model: WakeWordModel, most: int = 12) -> list[dict[str, Any]]:
    """The other words that pass the FPR 3 % threshold most often as single windows: word, accepted rate."""
    found = _by_word(scores, test, ~test.is_keyword, model)
    return [_accepted(word, share) for word, share in found if share.count][:most]


def _by_word(scores: np.ndarray, test: Words, chosen: np.ndarray, model: WakeWordModel) -> list[tuple[str, Rate]]:
    """Of the chosen clips, bool (N,), each word's share that passes the FPR 3 % threshold, the most accepted first."""
    threshold = model.rule("fpr_3").threshold
    words = np.array(test.words, dtype=object)
    shares = [(word, recall(scores[chosen & (words == word)], threshold)) for word in dict.fromkeys(words[chosen])]
    return sorted(shares, key=lambda share: (-share[1].rate, share[0]))


def _accepted(word: str, share: Rate) -> dict[str, Any]:
    return {"word": word, "accepted": share.to_dict()}
