"""Why OC-SVM and LOF do better in our Table 2 than in print: what their published figures are consistent with.

    python -m anomaly_benchmark.published_baselines --data FOLDER

F1 of the anomaly class on Thyroid, Arrhythmia and Abalone by protocol b, on the halves that validate and test together,
as nothing is chosen here; five seeds. With columns as the files have them or z-scored by
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
from sklearn.neighbors import LocalOutlierFactor
from sklearn.svm import OneClassSVM

from anomaly_benchmark.datasets.tabular import load
from anomaly_benchmark.methods.shallow import flat
from anomaly_benchmark.metrics import f1, lowest
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


def measured(name: str, folder: Path, seed: int) -> Iterator[tuple[tuple[str, str, str], tuple[float, float]]]:
    """((detector, columns, cut), (F1 in per cent, share of all that is called anomalous)) of one data set and seed."""
    for columns, scaled in (("as they are", False), ("z-scored", True)):
        found = load(name, {"protocol": "b", "scaled": scaled}, folder, seed)
        train, test = flat(found.train.x), flat(np.concatenate([found.validation.x, found.test.x]))
        anomalous = np.concatenate([found.validation.y, found.test.y]) < 0.5
        for detector, estimator in detectors().items():
            estimator.fit(train)
            scores = estimator.score_samples(test)
            called = {
                "at the ratio": scores <= lowest(scores, int(anomalous.sum())),
                "its own": estimator.predict(test) < 0,
            }
            for rule, those in called.items():
                yield (detector, columns, rule), (100 * f1(those, anomalous), float(those.mean()))


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
            value, share = np.mean(values[name], axis=0)
            paper = published("tabular", name, key[0].split(",")[0], "f1")
            cells.append(f"{value:.0f}{'*' if share > 0.5 else ''} ({paper})")
        print(f"| {' | '.join([*key, *cells])} |")
    print("\n\\* it calls more than half of all anomalous: such a figure says nothing.")


if __name__ == "__main__":
    main()
