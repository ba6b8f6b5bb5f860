"""Methods by name, one file a method: fit(x, y), then score(x), higher = more normal."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from anomaly_benchmark.methods.base import Judge, Method

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
    """A method that has learnt nothing yet. Raises KeyError for an unknown name, TypeError for an unknown setting."""
    module, attribute = METHODS[name]
    method: Method = getattr(importlib.import_module(f"anomaly_benchmark.methods.{module}"), attribute)(
        network, seed, **settings
    )
    return method


__all__ = ["METHODS", "Judge", "Method", "make"]
