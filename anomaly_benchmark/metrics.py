"""What a row measures, and by which threshold rule."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.metrics import roc_auc_score

from anomaly_benchmark.datasets.base import NORMAL, Part
from training.metrics import recall, threshold_at_fpr

FPRS = (3, 5)  # per cent

#: metric -> the rule its numbers follow, as printed beside them
RULES = {
    "ocln": "recall: threshold where 3 % (5 %) of the TEST negatives, far and close together, pass, as in the paper; "
    "deployed: the same rule on the VALIDATION negatives, with the FPR that it reached on test",
    "auc": "no threshold: area under the ROC curve, test normals against each kind of test negative",
}


def ocln(validation: np.ndarray, test: np.ndarray, parts: tuple[Part, Part]) -> dict[str, float]:
    """Recall in per cent at FPR 3 % and 5 % by both rules, the AUC, and the AUC against each kind of negative.

    ``validation`` and ``test`` are the scores of the two parts.
    """
    held, judged = parts
    positive = judged.y > 0.5
    found: dict[str, float] = {}
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


Metric = Callable[[np.ndarray, np.ndarray, tuple[Part, Part]], dict[str, float]]
METRICS: dict[str, Metric] = {"ocln": ocln, "auc": auc}


def selection(scores: np.ndarray, part: Part) -> float:
    """What an epoch is judged by on validation: recall averaged over FPR 1, 3 and 5 %, then a little of the AUC."""
    positive = part.y > 0.5
    found = [recall(scores[positive], threshold_at_fpr(scores[~positive], fpr)).rate for fpr in (0.01, 0.03, 0.05)]
    return float(np.mean(found)) + 1e-3 * float(roc_auc_score(part.y, scores))
