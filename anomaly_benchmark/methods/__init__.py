"""Methods by name, one file a method: fit(x, y), then score(x), higher = more normal."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Mapping
from typing import Any

from anomaly_benchmark.methods.base import Judge, Method
from anomaly_benchmark.methods.chosen import Chosen, changed

#: name -> (module, class)
METHODS: dict[str, tuple[str, str]] = {
    "random": ("references", "RandomScore"),
    "oracle": ("references", "Oracle"),
    "bce": ("bce", "BCE"),
    "deep-sad": ("deep_sad", "DeepSAD"),
    "drocc": ("drocc", "DROCC"),
    "drocc-oe": ("drocc_oe", "DROCCOE"),
    "drocc-lf": ("drocc_lf", "DROCCLF"),
    "drocc-rand": ("drocc_rand", "DROCCRand"),
    "oc-svm": ("oc_svm", "OCSVM"),
    "oc-svm-poly": ("oc_svm", "PolynomialOCSVM"),
    "isolation-forest": ("isolation_forest", "IsolationForest"),
    "lof": ("lof", "LOF"),
    "knn": ("nearest", "KNN"),
    "nearest-neighbour": ("nearest", "NearestNeighbour"),
    "ae": ("autoencoder", "Autoencoder"),
    "e2e-ae": ("autoencoder", "EndToEndAutoencoder"),
    "lstm-ae": ("autoencoder", "LSTMAutoencoder"),
    "dcn": ("dcn", "DCN"),
    "dagmm": ("dagmm", "DAGMM"),
    "rebm": ("rebm", "REBM"),
    "deep-svdd": ("deep_svdd", "DeepSVDD"),
    "deep-svdd-soft": ("deep_svdd", "SoftBoundaryDeepSVDD"),
    "goad": ("goad", "GOAD"),
}


def make(name: str, network: str, settings: Mapping[str, Any], seed: int) -> Method:
    """A method that has learnt nothing yet.

    ``settings["candidates"]``, if there, is a list of changes to the other settings, {} for none. Or settings are lists
    of values, and every combination is a candidate. Each is fitted, and validation chooses. Raises KeyError for an
    unknown name, TypeError for an unknown setting, ValueError for an empty list.
    """
    module, attribute = METHODS[name]
    maker = getattr(importlib.import_module(f"anomaly_benchmark.methods.{module}"), attribute)
    given = dict(settings)
    changes = given.pop("candidates", None)
    lists = {name: values for name, values in given.items() if isinstance(values, list)}
    if changes is None and lists:
        changes = [dict(zip(lists, values, strict=True)) for values in itertools.product(*lists.values())]
    if changes is None:
        method: Method = maker(network, seed, **given)
        return method
    return Chosen([(change, maker(network, seed, **changed(given, change))) for change in changes])


__all__ = ["METHODS", "Judge", "Method", "make"]
