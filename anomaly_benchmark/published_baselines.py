"""Why OC-SVM and LOF do better in our Table 2 than in print: what their published figures are consistent with.

    python -m anomaly_benchmark.published_baselines --data FOLDER

F1 of the anomaly class on Thyroid, Arrhythmia and Abalone; half of the normals train, the others and all anomalies test
(the protocol of DAGMM's and GOAD's papers), five random halves. With columns as the files have them or z-scored by
train, OC-SVM with gamma = 1 / d and nu = 0.1, LOF with 5 and 20 neighbours; as many called anomalies as there are, or
all that scikit-learn's own ``predict`` calls so. Each beside the published figure; which of the combinations, if any,
the published one was is not known. A star marks what calls more than half of all so: such a figure says nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import f1_score
from sklearn.neighbors import LocalOutlierFactor
from sklearn.svm import OneClassSVM

from anomaly_benchmark.datasets.tabular import EPSILON, read
from anomaly_benchmark.paper import published
from wakeword.errors import WakewordError

SETS = ("thyroid", "arrhythmia", "abalone")
SEEDS = 5


def detectors() -> dict[str, Any]:
    """What is measured: name -> an estimator that is not fitted yet."""
    return {
        "oc-svm": OneClassSVM(gamma="auto", nu=0.1),
        "lof, 5 neighbours": LocalOutlierFactor(5, novelty=True),
        "lof, 20 neighbours": LocalOutlierFactor(20, novelty=True),
    }


def split(name: str, folder: Path, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Training rows, test rows, and which of the latter are anomalies."""
    normal, abnormal = read(name, folder)
    normal = np.random.default_rng([seed, 12]).permutation(normal)
    half = len(normal) // 2
    test = np.concatenate([normal[half:], abnormal])
    return normal[:half], test, np.arange(len(test)) >= len(normal) - half


def measured(name: str, folder: Path, seed: int) -> Iterator[tuple[tuple[str, str, str], tuple[float, float]]]:
    """((detector, columns, cut), (F1 in per cent, share of all that is called anomalous)) of one data set and seed."""
    train, test, anomalous = split(name, folder, seed)
    mean, std = train.mean(axis=0), train.std(axis=0) + EPSILON
    for columns, off, over in (("as they are", 0.0, 1.0), ("z-scored", mean, std)):
        for detector, estimator in detectors().items():
            estimator.fit((train - off) / over)
            scores = estimator.score_samples((test - off) / over)
            cut = np.sort(scores)[anomalous.sum() - 1]  # equal scores are called alike, as in the suite
            called = {"at the ratio": scores <= cut, "its own": estimator.predict((test - off) / over) < 0}
            for rule, those in called.items():
                yield (detector, columns, rule), (100 * f1_score(anomalous, those), those.mean())


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the files of the three data sets")
    folder = parser.parse_args().data
    found: dict[tuple[str, str, str], dict[str, list[tuple[float, float]]]] = {}
    for name in SETS:
        for seed in range(SEEDS):
            try:
                for key, value in measured(name, folder, seed):
                    found.setdefault(key, {}).setdefault(name, []).append(value)
            except WakewordError as error:
                raise SystemExit(f"Error: {error}") from None
    print("| detector | columns | cut | " + " | ".join(f"{name} (published)" for name in SETS) + " |")
    print("|---" * (3 + len(SETS)) + "|")
    for key, values in found.items():
        cells = []
        for name in SETS:
            f1, share = np.mean(values[name], axis=0)
            paper = published("tabular", name, key[0].split(",")[0], "f1")
            cells.append(f"{f1:.0f}{'*' if share > 0.5 else ''} ({paper})")
        print(f"| {' | '.join([*key, *cells])} |")


if __name__ == "__main__":
    main()
