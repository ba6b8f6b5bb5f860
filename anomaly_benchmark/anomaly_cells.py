"""Tables 3, 6 and 7 as data: methods that learn from normals alone. Table 2 is in ``tabular_cells``."""

from __future__ import annotations

from typing import Any

from anomaly_benchmark.baselines import SHALLOW, Settings, deep_baselines, with_references
from anomaly_benchmark.cell import Cell, Table
from anomaly_benchmark.paper import hyperparameters
from anomaly_benchmark.tabular_cells import TABULAR

# --- the sine wave and the ball: Tables 7 and 6 ----------------------------------------------------------------------


def _synthetic(table: str, budget: str) -> list[Cell]:
    """The paper gives no settings for these; radius and rate were chosen on validation parts."""
    common = {"table": table, "dataset": table, "network": "mlp-128-128", "metric": "auc", "budget": budget}
    epochs, steps = {"small": ({"sine": 100, "sphere": 40}[table], 5), "paper": (400, 25)}[budget]
    schedule = {"epochs": epochs, "learning_rate": 3e-3, "batch_size": 128, "first": 10, "decay": None}
    shell = {"radius": {"sine": 0.2, "sphere": 0.3}[table], "gamma": 2.0, "mu": 1.0, "project_every": 5}
    code = {"sine": 1, "sphere": 2}[table]  # one less than the points have
    settings = {name: SHALLOW[name] for name in ("nearest-neighbour", "oc-svm")}
    settings |= {"oc-svm-poly": {"degree": 20, "nu": [0.01, 0.1, 0.5]}}
    settings |= {name: SHALLOW[name] for name in ("isolation-forest", "lof")}
    settings |= deep_baselines(schedule, code, maps=16)
    longer = {**schedule, "epochs": 3 * epochs // 2}  # as many as Deep SVDD has with its pre-training
    settings["drocc-rand"] = {"schedule": longer, **shell}
    settings["drocc"] = {"schedule": longer, **shell, "steps": steps, "step_size": 0.25 / steps}
    return with_references(common, settings)


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
        found += with_references(common | seizure, _series_settings("epileptic_seizure", "", budget))
    for word in WORDS:
        data = {"positives": {"small": 400, "paper": 10000}[budget], "judged": {"small": 300, "paper": 10000}[budget]}
        for variant, options in _HEARD.items():
            audio = {"dataset": "audio-commands", "cls": word, "variant": variant, "data": data | options}
            settings = _series_settings("audio_commands", "marvin", budget)
            if "cepstra" in options:
                settings |= _on_fewer(settings, int(options["cepstra"]) / 32)
            found += with_references(common | audio, settings)
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
    settings = {name: SHALLOW[name] for name in ("knn", "isolation-forest")}
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
    "tabular": TABULAR,
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
