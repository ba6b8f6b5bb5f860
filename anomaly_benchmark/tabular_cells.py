"""Table 2 as data: Thyroid, Arrhythmia and Abalone. See ``cells``."""

from __future__ import annotations

from itertools import product
from typing import Any

from anomaly_benchmark.baselines import SHALLOW, Settings, deep_baselines, with_references
from anomaly_benchmark.cell import Cell, Table
from anomaly_benchmark.paper import hyperparameters

_NAMES = ("thyroid", "arrhythmia", "abalone")
_METRIC = {"a": "f1-normal", "b": "f1-anomaly"}
_BATCH = {"thyroid": 64, "arrhythmia": 32, "abalone": 64}  # small: so that few epochs are enough steps
_BOTTLENECK = {"thyroid": 1, "arrhythmia": 2, "abalone": 1}  # DAGMM's paper, which has no Abalone
#: of a tree; Arrhythmia has 193 normals to learn from by protocol b
_SAMPLES = {"thyroid": [64, 256, 1024], "arrhythmia": [64, 256], "abalone": [64, 256, 1024]}
_RATES = (5e-4, 2e-3, 6e-3, 2e-2)
_DROCC_RATES = (2e-3, 2e-2)
#: what other papers seem to have given their baselines: columns as the file has them, and nothing chosen
_AS_PUBLISHED = "protocol b, columns as they are, nothing chosen"


def _tabular(budget: str) -> list[Cell]:
    found: list[Cell] = []
    for name in _NAMES:
        common = {
            "table": "tabular", "dataset": "tabular", "cls": name, "network": "mlp-128", "budget": budget,
        }  # fmt: skip
        settings = _tabular_settings(name, budget)
        for protocol, metric in _METRIC.items():
            its: dict[str, Any] = {"metric": metric, "variant": f"protocol {protocol}", "data": {"protocol": protocol}}
            found += with_references(common | its, settings)
        plain: dict[str, Any] = common | {
            "metric": "f1-anomaly", "variant": _AS_PUBLISHED, "data": {"protocol": "b", "scaled": False},
        }  # fmt: skip
        found += [Cell(method=method, settings=s, **plain) for method, s in _unchosen(settings).items()]
    return found


def _tabular_settings(name: str, budget: str) -> Settings:
    """Of every method, validation chooses among four settings at least."""
    row = hyperparameters(name)
    rates: tuple[float, ...] = _RATES
    schedule: dict[str, Any]
    if budget == "paper":
        decay = [[0.3, 0.1], [0.6, 0.01], [0.9, 0.001]]
        schedule = {"epochs": 150, "learning_rate": row["learning_rate"], "first": 50, "decay": decay}
        ascent, maps = {"steps": 50, "step_size": row["ascent_step_size"], "project_every": 10}, 256
        rates = tuple(sorted({*rates, row["learning_rate"]}))
    else:
        schedule = {"epochs": 40, "learning_rate": 2e-3, "batch_size": _BATCH[name], "first": 5, "decay": None}
        ascent, maps = {"steps": 5, "step_size": 0.04 * row["radius"], "project_every": 5}, 32
    schedule["select"] = "validation"
    deep = deep_baselines(schedule, 4, maps)
    deep["dagmm"] |= {"code": _BOTTLENECK[name]}
    deep["goad"] |= {"linear": True}  # Abalone's validation AUC rose from 83 with the table's network to 86
    if budget == "small":
        deep["goad"] |= {"code": 32, "schedule": {**schedule, "first": 0, "epochs": schedule["epochs"] // 2}}
    ae = deep.pop("ae")
    deep = {"ae": ae, "e2e-ae": ae | {"code": _BOTTLENECK[name]}, "dcn": {"schedule": schedule, "code": 4}, **deep}
    deep["drocc-rand"] = {"radius": row["radius"], "gamma": 2.0, "mu": row["mu"], "schedule": schedule}
    settings: Settings = {
        "oc-svm": SHALLOW["oc-svm"],
        "isolation-forest": {"sample": _SAMPLES[name], "columns": [1.0, 0.5]},
        "lof": {"neighbours": [5, 10, 20, 50]},
        "knn": {"k": [1, 2, 5, 20]},
    }
    tried: list[dict[str, Any]] = [{"schedule": {"learning_rate": rate}} for rate in rates]
    settings |= {name: {**given, "candidates": tried} for name, given in deep.items()}
    if budget == "small":  # as many for DROCC: fewer epochs want another rate, and fewer steps longer ones
        far = (ascent["step_size"], 4 * ascent["step_size"])
        tried = [{"schedule": {"learning_rate": rate}, "step_size": step} for rate, step in product(_DROCC_RATES, far)]
    settings["drocc"] = {**deep["drocc-rand"], **ascent, "candidates": tried}
    return settings


def _unchosen(settings: Settings) -> Settings:
    """Baselines that other papers measured first, one setting each and the last epoch.

    gamma = 1 / d was scikit-learn's default then, 20 neighbours still are; nu = 0.1 is OCSVM's own here.
    """
    found: Settings = {"oc-svm": {"by_variance": False, "nu": 0.1}, "lof": {"neighbours": 20}}
    for name in ("e2e-ae", "dcn", "dagmm"):
        given = {key: value for key, value in settings[name].items() if key != "candidates"}
        found[name] = {**given, "schedule": {**given["schedule"], "select": "last"}}
    return found


TABULAR = Table(
    "Thyroid, Arrhythmia, Abalone by two protocols (Table 2)",
    ("f1", "deployed_f1", "ratio_f1", "best_on_test_f1", "auc"),
    _tabular,
    "40 epochs of 64 (Arrhythmia 32) in one cycle for 150 of 256; 5 ascent steps of 0.04 or 0.16 of the radius for 50 "
    "of 0.01; 20 epochs, 32 units and 32 maps of GOAD (with its authors' one linear layer) for 15, 8 and 256. Of every "
    "method the best of at least four settings on validation: of deep ones four rates, of DROCC two rates and two "
    "lengths of the ascent, of OC-SVM nine, of forests four or six. Radius and mu are the paper's for each set, and so "
    "are DAGMM's and E2E-AE's codes; nothing else is of one set. What DROCC may choose from was narrowed down before "
    "by some sixty tries, and GOAD's layer by a dozen, on validation parts of other splits of the same files, which "
    "hold the anomalies that test here, and after rows of other settings had been seen: so these two had more than the "
    "others",
)
