"""DROCC-Rand: DROCC with random points of the shell where DROCC climbs (Table 8 of the paper)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anomaly_benchmark.methods.drocc import DROCC


class DROCCRand(DROCC):
    """DROCC's settings, but no ascent."""

    def __init__(self, network: str, seed: int, schedule: Mapping[str, Any], **adversary: Any) -> None:
        super().__init__(network, seed, schedule, **{**adversary, "steps": 0})
