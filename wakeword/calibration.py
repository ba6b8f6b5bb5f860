"""The threshold for one's own room: high enough for what was heard there, never lower than the evidence allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wakeword.alarms import Heard, count_alarms, per_hour, poisson_upper
from wakeword.model import WakeWordModel

_STEP = 0.05
_LOWEST = -10.0
#: A shorter stream says nothing of what the sound of a room is like most of the time.
_STEADY_S = 60.0
#: Rows of the table of thresholds.
_ROWS = 24


@dataclass(frozen=True)
class Calibration:
    """threshold      the logit to fire at
    own            the one the model came with
    wanted         false alarms an hour that are acceptable
    reason         why the threshold is where it is, in a sentence
    false_alarms   what was measured at it (see per_hour)
    by_threshold   rows of (threshold, alarms), ascending
    """

    threshold: float
    own: float
    wanted: float
    reason: str
    false_alarms: dict[str, float | int | None]
    by_threshold: list[tuple[float, int]]

    def measured(self, source: str, date: str) -> dict[str, Any]:
        """What the sidecar keeps: JSON values."""
        return {
            "threshold": self.threshold,
            "meaning": self.reason,
            "source": source,
            "date": date,
            "wanted_per_hour": self.wanted,
            "false_alarms": self.false_alarms,
            "alarms_by_threshold": [list(row) for row in self.by_threshold],
        }


def calibrate(model: WakeWordModel, streams: Sequence[Heard], wanted: float) -> Calibration:
    """The threshold at which streams without the keyword hold ``wanted`` false alarms an hour.

    More alarms than wanted raise it above the model's own. It goes below the model's own only as far as the sound is
    long enough to show, with 95 % confidence, that the alarms stay as rare as wanted: in five quiet minutes nothing
    fires at any threshold, which proves nothing. Raises ValueError without a window to judge by.
    """
    hours = sum(stream.seconds for stream in streams) / 3600
    if not any(len(stream.scores) for stream in streams):
        raise ValueError("there is no window of sound to calibrate with")
    own = model.rule().threshold
    allowed = int(wanted * hours)
    quiet, deaf = lowest_threshold(model, streams, allowed), _deaf_below(model, streams)
    if own < quiet <= own + _STEP and count_alarms(streams, model.rule()) <= allowed:
        quiet = own  # thresholds are tried in steps, between which the model's own may lie
    shown = _most_shown(wanted, hours)
    proven = lowest_threshold(model, streams, shown) if shown >= 0 else own
    threshold = round(max(quiet, deaf, min(own, proven)), 4)
    if deaf > max(quiet, own):
        reason = f"raised: in this steady sound the detector, having fired below {deaf:.2f}, would not be armed again"
    elif quiet > own:
        reason = f"raised: at the model's own {own:.2f} this sound has more than {wanted:g} false alarms an hour"
    elif threshold < own:
        reason = f"lowered: {hours:.1f} h show, with 95 % confidence, at most {wanted:g} false alarms an hour"
    else:
        needed = poisson_upper(0) / wanted if wanted else float("inf")
        reason = f"the model's own: a lower one needs at least {needed:.0f} h of sound without the keyword to be shown"
    return Calibration(
        threshold,
        own,
        wanted,
        reason,
        per_hour(count_alarms(streams, model.rule(threshold=threshold)), hours),
        _table(model, streams, min(quiet, own), max(threshold, own)),
    )


def lowest_threshold(model: WakeWordModel, streams: Sequence[Heard], allowed: int) -> float:
    """The lowest threshold from which on the streams have at most ``allowed`` alarms; -10 is the floor."""
    top = max((float(stream.scores.max()) for stream in streams if len(stream.scores)), default=_LOWEST)
    # Steps from above, not bisection: a refractory time and a re-arming margin make the count not quite monotone.
    step = int(np.floor(top / _STEP)) + 1
    while (step - 1) * _STEP >= _LOWEST:
        if count_alarms(streams, model.rule(threshold=(step - 1) * _STEP)) > allowed:
            break
        step -= 1
    return step * _STEP


def _deaf_below(model: WakeWordModel, streams: Sequence[Heard]) -> float:
    """Below this threshold the detector, once it has fired, is not armed again for half of some stream of a minute.

    In steady sound it then fires once, which is an alarm an hour or a day, and hears no word after it.
    """
    steady = (stream.scores for stream in streams if stream.seconds >= _STEADY_S and len(stream.scores))
    return max((float(np.median(scores)) for scores in steady), default=-np.inf) + model.rule().rearm_margin


def _most_shown(wanted: float, hours: float) -> int:
    """The most alarms in ``hours`` whose 95 % bound is still within ``wanted`` an hour; -1 where not even none is."""
    count = -1
    while poisson_upper(count + 1) <= wanted * hours:
        count += 1
    return count


def _table(model: WakeWordModel, streams: Sequence[Heard], low: float, high: float) -> list[tuple[float, int]]:
    """Alarms at thresholds half a logit apart, from below the lower to above the higher."""
    rows = np.arange(np.floor(low) - 3.0, np.ceil(high) + 1.5, 0.5)
    rows = rows[:: -(-len(rows) // _ROWS)]
    return [(float(t), count_alarms(streams, model.rule(threshold=float(t)))) for t in rows]
