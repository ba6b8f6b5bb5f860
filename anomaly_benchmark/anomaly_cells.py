"""Tables 2, 3, 6 and 7 as data: methods that learn from normals alone. See ``cells``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anomaly_benchmark.cell import Cell, Table, references
from anomaly_benchmark.paper import hyperparameters

#: settings of a method by name
Settings = dict[str, dict[str, Any]]

#: candidates that validation chooses from
_SHALLOW: Settings = {
    "nearest-neighbour": {},
    "knn": {"k": [1, 5, 20]},
    "oc-svm": {"width": [0.1, 1.0, 10.0], "nu": [0.01, 0.1, 0.5]},
    "isolation-forest": {},
    "lof": {"neighbours": [5, 20, 50]},
}


def _cells(common: Mapping[str, Any], settings: Settings) -> list[Cell]:
    return references(**common) + [Cell(method=name, settings=s, **common) for name, s in settings.items()]


# --- the sine wave and the ball: Tables 7 and 6 ----------------------------------------------------------------------


def _synthetic(table: str, budget: str) -> list[Cell]:
    """The paper gives no settings for these; radius and rate were chosen on validation parts."""
    common = {"table": table, "dataset": table, "network": "mlp-128-128", "metric": "auc", "budget": budget}
    epochs, steps = {"small": ({"sine": 100, "sphere": 40}[table], 5), "paper": (400, 25)}[budget]
    schedule = {"epochs": epochs, "learning_rate": 3e-3, "batch_size": 128, "first": 10, "decay": None}
    shell = {"radius": {"sine": 0.2, "sphere": 0.3}[table], "gamma": 2.0, "mu": 1.0, "project_every": 5}
    code = {"sine": 1, "sphere": 2}[table]  # one less than the points have
    settings = {name: _SHALLOW[name] for name in ("nearest-neighbour", "oc-svm")}
    settings |= {"oc-svm-poly": {"degree": 20, "nu": [0.01, 0.1, 0.5]}}
    settings |= {name: _SHALLOW[name] for name in ("isolation-forest", "lof")}
    settings |= _deep(schedule, code, maps=16)
    longer = {**schedule, "epochs": 3 * epochs // 2}  # as many as Deep SVDD has with its pre-training
    settings["drocc-rand"] = {"schedule": longer, **shell}
    settings["drocc"] = {"schedule": longer, **shell, "steps": steps, "step_size": 0.25 / steps}
    return _cells(common, settings)


def _deep(schedule: Mapping[str, Any], code: int, maps: int) -> Settings:
    """The deep baselines of rows under one schedule."""
    at_once, no_decay = {**schedule, "first": 0}, {"weight_decay": 5e-7}
    pretrain = {"epochs": max(1, schedule["epochs"] // 2)}
    return {
        "ae": {"schedule": at_once, "code": code},
        "dagmm": {"schedule": at_once, "code": code},
        "rebm": {"schedule": at_once},
        "deep-svdd": {"schedule": at_once | no_decay, "pretrain": pretrain},
        "deep-svdd-soft": {"schedule": {**schedule, **no_decay}, "pretrain": pretrain},
        "goad": {"schedule": {**at_once, "epochs": max(1, schedule["epochs"] // 10)}, "maps": maps},
    }


# --- Table 2 ---------------------------------------------------------------------------------------------------------

TABULAR = ("thyroid", "arrhythmia", "abalone")
_METRIC = {"a": "f1-normal", "b": "f1-anomaly"}
_BATCH = {"thyroid": 64, "arrhythmia": 32, "abalone": 64}  # small: so that few epochs are enough steps
_BOTTLENECK = {"thyroid": 1, "arrhythmia": 2, "abalone": 1}  # DAGMM's paper, which has no Abalone
_RATES = (5e-4, 2e-3, 6e-3, 2e-2)
#: what other papers seem to have given their baselines: columns as the file has them, and nothing chosen
_AS_PUBLISHED = "protocol b, columns as they are, nothing chosen"


def _tabular(budget: str) -> list[Cell]:
    found: list[Cell] = []
    for name in TABULAR:
        common = {
            "table": "tabular", "dataset": "tabular", "cls": name, "network": "mlp-128", "budget": budget,
        }  # fmt: skip
        settings = _tabular_settings(name, budget)
        for protocol, metric in _METRIC.items():
            its: dict[str, Any] = {"metric": metric, "variant": f"protocol {protocol}", "data": {"protocol": protocol}}
            found += _cells(common | its, settings)
        plain: dict[str, Any] = common | {
            "metric": "f1-anomaly", "variant": _AS_PUBLISHED, "data": {"protocol": "b", "scaled": False},
        }  # fmt: skip
        found += [Cell(method=method, settings=s, **plain) for method, s in _unchosen(settings).items()]
    return found


def _tabular_settings(name: str, budget: str) -> Settings:
    """Of every method, validation chooses among four settings at least."""
    row = hyperparameters(name)
    radius = row["radius"]
    shell: dict[str, Any] = {"radius": radius, "gamma": 2.0, "mu": row["mu"]}
    schedule: dict[str, Any]
    if budget == "paper":
        decay = [[0.3, 0.1], [0.6, 0.01], [0.9, 0.001]]
        schedule = {"epochs": 150, "learning_rate": row["learning_rate"], "first": 50, "decay": decay}
        ascent, maps = {"steps": 50, "step_size": row["ascent_step_size"], "project_every": 10}, 256
    else:
        schedule = {"epochs": 40, "learning_rate": 2e-3, "batch_size": _BATCH[name], "first": 5, "decay": None}
        ascent, maps = {"steps": 5, "step_size": 0.16 * radius, "project_every": 5}, 32
        # On validation parts of five seeds that make no row an AUC of 98.0, 77.4 and 87.6 with a rate of 0.002 and a
        # quarter of the ascent; 98.5, 79.0 and 95.7 with these. Thyroid and Abalone had larger batches for both.
        shell["schedule"] = {**schedule, "learning_rate": 2e-2}
    schedule["select"] = "validation"
    shell["schedule"] = {**shell.get("schedule", schedule), "select": "validation"}
    deep = _deep(schedule, 4, maps)
    deep["dagmm"] |= {"code": _BOTTLENECK[name]}
    if budget == "small":  # with the 8 units and 4 epochs of its authors Abalone's validation AUC was 67, with these 83
        deep["goad"] |= {"code": 32, "schedule": {**schedule, "first": 0, "epochs": schedule["epochs"] // 2}}
    ae = deep.pop("ae")
    deep = {"ae": ae, "e2e-ae": ae | {"code": _BOTTLENECK[name]}, "dcn": {"schedule": schedule, "code": 4}, **deep}
    rates = [{"schedule": {"learning_rate": rate}} for rate in _RATES]
    settings = {name: _SHALLOW[name] for name in ("oc-svm", "isolation-forest", "lof", "knn")}
    settings["knn"] = {"k": [1, 2, 5, 20]}
    settings["lof"] = {"neighbours": [5, 10, 20, 50]}
    settings["isolation-forest"] = {"sample": [256, 1024], "columns": [1.0, 0.5]}
    settings |= {name: {**given, "candidates": rates} for name, given in deep.items()}
    radii = [{}, {"mu": 4 * row["mu"]}]
    settings["drocc-rand"] = {**shell, "candidates": [*radii, {"radius": radius / 2}, {"radius": 2 * radius}]}
    scaled = [{"radius": f * radius, "step_size": f * ascent["step_size"]} for f in (0.5, 2.0)]
    settings["drocc"] = {**shell, **ascent, "candidates": [*radii, *scaled]}
    return settings


def _unchosen(settings: Settings) -> Settings:
    """The baselines of others' papers with one setting each and the last epoch; scikit-learn's defaults of 2018."""
    found: Settings = {"oc-svm": {"by_variance": False, "nu": 0.1}, "lof": {"neighbours": 20}}
    for name in ("e2e-ae", "dcn", "dagmm"):
        given = {key: value for key, value in settings[name].items() if key != "candidates"}
        found[name] = {**given, "schedule": {**given["schedule"], "select": "last"}}
    return found


# --- Table 3 ---------------------------------------------------------------------------------------------------------

SPLITS = ("chunk", "recording")
WORDS = ("happy", "right", "left")
#: On the validation parts nearest neighbours had an AUC of 91.4, 77.2 and 73.7 with all cepstra of a clip normalised,
#: 94.8, 83.9 and 82.0 with the first 13 of them, 95.1, 86.7 and 83.5 with 10, 94.2, 87.2 and 80.1 with 8: where all are
#: normalised, a cepstrum that tells words from each other counts no more than one that does not.
_HEARD: dict[str, dict[str, Any]] = {
    "as they are": {},
    "normalised per clip": {"per_clip": True},
    "10 cepstra, normalised per clip": {"per_clip": True, "cepstra": 10},
}


def _time_series(budget: str) -> list[Cell]:
    found: list[Cell] = []
    network = {"small": "lstm-64", "paper": "lstm-128"}[budget]
    common = {"table": "time-series", "network": network, "metric": "auc", "budget": budget}
    for by in SPLITS:
        data = {"split": by} | ({"most": 500, "judged": 300} if budget == "small" else {})
        seizure = {"dataset": "epileptic-seizure", "cls": "epileptic-seizure", "variant": f"by {by}", "data": data}
        found += _cells(common | seizure, _series_settings("epileptic_seizure", "", budget))
    for word in WORDS:
        data = {"positives": {"small": 400, "paper": 10000}[budget], "judged": {"small": 300, "paper": 10000}[budget]}
        for variant, options in _HEARD.items():
            audio = {"dataset": "audio-commands", "cls": word, "variant": variant, "data": data | options}
            settings = _series_settings("audio_commands", "marvin", budget)
            if "cepstra" in options:
                settings |= _on_fewer(settings, int(options["cepstra"]) / 32)
            found += _cells(common | audio, settings)
    return found


def _on_fewer(settings: Settings, share: float) -> Settings:
    """DROCC and DROCC-Rand on a share of the coordinates: distances shrink with the root of it, and so does the radius;
    or it stays, if validation prefers that."""
    found: Settings = {}
    for name in ("drocc", "drocc-rand"):
        radius = settings[name]["radius"]
        found[name] = {
            **settings[name],
            "radius": round(radius * share**0.5, 2),
            "candidates": [{}, {"radius": radius}],
        }
    return found


def _series_settings(name: str, cls: str, budget: str) -> Settings:
    row = hyperparameters(name, cls)
    shell: dict[str, Any] = {"radius": row["radius"], "gamma": 2.0, "mu": row["mu"]}
    schedule: dict[str, Any]
    ascent: dict[str, Any]
    if budget == "paper":
        schedule = {"epochs": 200, "learning_rate": row["learning_rate"], "decay": [[0.5, 0.1]]}
        ascent = {"steps": 50, "step_size": row["ascent_step_size"], "project_every": 10}
    else:
        if name == "epileptic_seizure":
            shell |= {"radius": row["radius"] / 2}  # better on the validation part, after so few epochs
        schedule = {"epochs": 24, "learning_rate": 3e-3, "batch_size": 32, "decay": None, "clip_gradient": 1.0}
        ascent = {"steps": 3, "step_size": row["radius"] / 30, "project_every": 3}
    schedule["select"] = "validation"
    changed: dict[str, Any] = {}
    if budget == "small" and name == "epileptic_seizure":
        # Slower is steadier: on the validation part of the seizures, four seeds that make no row went from an AUC of
        # 92.3 to 97.9 (mean 94.5) to one of 96.3 to 98.1 (mean 97.1).
        changed = {"learning_rate": 1e-3, "epochs": 48}
        # Seeds differ more than these do, so each run chooses for itself.
        ascent["candidates"] = [{}, {"mu": 2 * row["mu"]}, {"step_size": ascent["step_size"] / 10}]
    elif budget == "small":
        # On validation parts of happy and right, normalised per clip, two seeds each that make no row: 76.9 and 66.8
        # as the others are; 79.8 and 69.7 with a quarter of the ascent, 83.8 and 71.0 with these batches too.
        changed = {"batch_size": 64, "epochs": 36}
        ascent["step_size"] /= 4
    later, no_decay = {**schedule, "first": schedule["epochs"] // 4}, {"weight_decay": 5e-7}
    pretrain = {"epochs": max(1, schedule["epochs"] // 2)}
    settings = {name: _SHALLOW[name] for name in ("knn", "isolation-forest")}
    return settings | {
        "lstm-ae": {"schedule": schedule},
        "rebm": {"schedule": schedule},
        "deep-svdd": {"schedule": schedule | no_decay, "pretrain": pretrain},
        "deep-svdd-soft": {"schedule": later | no_decay, "pretrain": pretrain},
        "drocc-rand": {"schedule": schedule | changed, **shell},
        "drocc": {"schedule": schedule | changed, **shell, **ascent},
    }


TABLES: dict[str, Table] = {
    "sine": Table(
        "Sine wave in the plane, AUC by displacement of the wave (Table 7, figures 1, 5 and 6)",
        ("auc", "auc_0.2", "auc_0.4", "auc_0.6", "auc_0.8", "auc_1", "auc_2"),
        lambda budget: _synthetic("sine", budget),
        "100 epochs for 400; 5 ascent steps of 0.05 for 25 of 0.01",
    ),
    "sphere": Table(
        "Unit ball, AUC by radius of the sphere of the negatives (Table 6, figure 4)",
        ("auc", "auc_1.2", "auc_1.4", "auc_1.6", "auc_1.8", "auc_2"),
        lambda budget: _synthetic("sphere", budget),
        "40 epochs for 400; 5 ascent steps of 0.05 for 25 of 0.01",
    ),
    "tabular": Table(
        "Thyroid, Arrhythmia, Abalone by two protocols (Table 2)",
        ("f1", "deployed_f1", "ratio_f1", "best_on_test_f1", "auc"),
        _tabular,
        "40 epochs of 64 (Arrhythmia 32) in one cycle for 150 of 256; 5 ascent steps of 0.16 of the radius for 50 of "
        "0.01; 20 epochs and 32 maps of GOAD for 15 and 256; of every method the best of four settings on validation "
        "(OC-SVM: nine), which are four rates, with DROCC the radius, half and twice of it and four times mu",
    ),
    "time-series": Table(
        "Epileptic seizures and words of Speech Commands (Table 3; the paper's word is marvin)",
        ("auc",),
        _time_series,
        "64 LSTM units for 128; 24 epochs of 32 in one cycle for 200 of 256, DROCC and DROCC-Rand 48 with EEG and 36 "
        "of 64 with words; half of the radius with EEG, where DROCC takes twice the mu or a tenth of the ascent if "
        "validation prefers it; 3 ascent steps of 1/30 of the published radius, with words 1/120, for 50 of 0.1; 500 "
        "seconds of EEG or 400 clips to train with, 300 of each kind to judge with",
    ),
}
