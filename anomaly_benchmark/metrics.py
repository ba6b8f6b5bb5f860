"""What a row measures, and by which threshold rule."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.metrics import roc_auc_score

from anomaly_benchmark.datasets.base import NORMAL, Part
from training.metrics import recall, threshold_at_fpr

FPRS = (3, 5)  # per cent
CUT_PERCENTILE = 20  # of the released code's F1

#: metric -> the rule its numbers follow, as printed beside them
RULES = {
    "ocln": "recall: threshold where 3 % (5 %) of the TEST negatives, far and close together, pass, as in the paper; "
    "deployed: the same rule on the VALIDATION negatives, with the FPR that it reached on test",
    "auc": "no threshold: area under the ROC curve, test normals against each kind of test negative",
    "f1-normal": "protocol a, F1 of the NORMAL class: the lowest 20 % of the TEST scores are called anomalies, though "
    "half of the test examples are (the released code): perfect scores give about 0.77, random ones 0.61; deployed: "
    "the cut at the lowest 20 % of the VALIDATION scores; at the ratio: F1 of the anomaly class with as many called so "
    "as there are",
    "f1-anomaly": "protocol b, F1 of the ANOMALY class: as many of the lowest TEST scores are called anomalies as "
    "there are; deployed: the cut at their share of the VALIDATION scores",
}


def ocln(validation: np.ndarray, test: np.ndarray, parts: tuple[Part, Part]) -> dict[str, float]:
    """Recall in per cent at FPR 3 % and 5 % by both rules, the AUC, and the AUC against each kind of negative.

    ``validation`` and ``test`` are the scores of the two parts. "validation" is what a setting is chosen by.
    """
    held, judged = parts
    positive = judged.y > 0.5
    found: dict[str, float] = {"validation": 100 * selection(validation, held)}
    for percent in FPRS:
        by_test = threshold_at_fpr(test[~positive], percent / 100)
        deployed = threshold_at_fpr(validation[held.y <= 0.5], percent / 100)
        found[f"recall_{percent}"] = 100 * recall(test[positive], by_test).rate
        found[f"deployed_recall_{percent}"] = 100 * recall(test[positive], deployed).rate
        found[f"deployed_fpr_{percent}"] = 100 * recall(test[~positive], deployed).rate
    return found | auc(validation, test, parts)


def auc(validation: np.ndarray, test: np.ndarray, parts: tuple[Part, Part]) -> dict[str, float]:
    """AUC in per cent over all test negatives, and against each kind, as auc_<kind>."""
    del validation
    part = parts[1]
    normal = test[part.group == NORMAL]
    found = {"auc": 100 * float(roc_auc_score(part.y, test))}
    for kind in sorted(set(part.group.tolist()) - {NORMAL}):
        negative = test[part.group == kind]
        labels = np.repeat([1, 0], [len(normal), len(negative)])
        found[f"auc_{kind}"] = 100 * float(roc_auc_score(labels, np.concatenate([normal, negative])))
    return found


def f1_of_normals(validation: np.ndarray, test: np.ndarray, parts: tuple[Part, Part]) -> dict[str, float]:
    """F1 of the normal class in per cent, the cut at the 20th percentile of the scores; the other F1 and the AUC."""
    normal = parts[1].y > 0.5
    cuts = {"f1": np.percentile(test, CUT_PERCENTILE), "deployed_f1": np.percentile(validation, CUT_PERCENTILE)}
    found = {name: 100 * f1(test >= cut, normal) for name, cut in cuts.items()}
    at_ratio = f1_of_anomalies(validation, test, parts)
    return found | {"ratio_f1": at_ratio["f1"], "auc": at_ratio["auc"]}


def f1_of_anomalies(validation: np.ndarray, test: np.ndarray, parts: tuple[Part, Part]) -> dict[str, float]:
    """F1 of the anomaly class in per cent, with as many called anomalies as there are, and the AUC."""
    held, judged = parts
    cuts = {
        "f1": lowest(test, int((judged.y <= 0.5).sum())),
        "deployed_f1": lowest(validation, int((held.y <= 0.5).sum())),
    }
    found = {name: 100 * f1(test <= cut, judged.y <= 0.5) for name, cut in cuts.items()}
    return found | {"auc": auc(validation, test, parts)["auc"]}


def lowest(scores: np.ndarray, count: int) -> float:
    """The score that ``count`` scores do not exceed."""
    return float(np.partition(scores, count - 1)[count - 1])


def f1(called: np.ndarray, true: np.ndarray) -> float:
    """2 TP / (called + true), 0 where both are empty."""
    return 2 * int((called & true).sum()) / max(1, int(called.sum()) + int(true.sum()))


Metric = Callable[[np.ndarray, np.ndarray, tuple[Part, Part]], dict[str, float]]
METRICS: dict[str, Metric] = {"ocln": ocln, "auc": auc, "f1-normal": f1_of_normals, "f1-anomaly": f1_of_anomalies}


def selection(scores: np.ndarray, part: Part, metric: str = "ocln") -> float:
    """What an epoch, or a setting, is judged by on validation.

    For "ocln" recall averaged over FPR 1, 3 and 5 %, then a little of the AUC; for every other metric the AUC: an F1 of
    a dozen anomalies moves in steps too coarse to choose by.
    """
    if metric != "ocln":
        return float(roc_auc_score(part.y, scores))
    positive = part.y > 0.5
    found = [recall(scores[positive], threshold_at_fpr(scores[~positive], fpr)).rate for fpr in (0.01, 0.03, 0.05)]
    return float(np.mean(found)) + 1e-3 * float(roc_auc_score(part.y, scores))
