"""The small file beside a model in which ``wakeword calibrate`` keeps the threshold of the user's own room.

It belongs to one model file, by its sha256: a model that is replaced is not fired at its predecessor's threshold.
A bundled model's file lies in the user's configuration folder, because the package's own may be read-only and is
replaced at every upgrade.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
from pathlib import Path
from typing import Any

from wakeword.errors import ModelFileError

FORMAT = "wakeword-calibration"
FORMAT_VERSION = 1
SUFFIX = ".calibration.json"
#: The operating point that a calibration adds to its model, as the default.
POINT = "room"
CONFIG_VARIABLE = "WAKEWORD_CONFIG"
_MAX_BYTES = 2**20


def config_folder() -> Path:
    """$WAKEWORD_CONFIG, or the user's configuration folder of the operating system."""
    if chosen := os.environ.get(CONFIG_VARIABLE):
        return Path(chosen)
    home = Path(os.path.expanduser("~"))
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or home / "AppData" / "Roaming") / "wakeword"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "wakeword"
    return Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "wakeword"


def sidecar_path(model: Path, bundled: bool) -> Path:
    """Where the calibration of a model file is kept: beside it, or in the user's folder for a bundled one."""
    return (config_folder() / model.name if bundled else model).with_suffix(SUFFIX)


def content(model: Path, measured: dict[str, Any]) -> bytes:
    """The bytes of a model file's sidecar; ``measured`` holds at least the threshold."""
    record = {"format": FORMAT, "format_version": FORMAT_VERSION, "model_sha256": _sha256(model), **measured}
    return (json.dumps(record, indent=1, allow_nan=False) + "\n").encode()


def with_room(card: dict[str, Any], model: Path, sidecar: Path) -> dict[str, Any]:
    """A model's card with its calibration, if there is one: the point "room" as default, and where it comes from.

    One that was measured with another model file is named and not used. Raises ModelFileError on a damaged one.
    """
    try:
        with sidecar.open("rb") as stream:
            text = stream.read(_MAX_BYTES)
    except FileNotFoundError:
        return card
    except OSError as error:
        raise ModelFileError(f"{sidecar} cannot be read: {error.strerror or error}") from error
    record = _parsed(text, sidecar)
    if record["model_sha256"] != _sha256(model):
        why = "it was measured with another model file: calibrate again"
        return {**card, "calibration": {"file": str(sidecar), "ignored": why}}
    measured = {key: value for key, value in record.items() if not key.startswith(("format", "model_sha256"))}
    return {
        **card,
        "operating_points": {**card.get("operating_points", {}), POINT: measured},
        "default_point": POINT,
        "calibration": {"file": str(sidecar)},
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _parsed(text: bytes, sidecar: Path) -> dict[str, Any]:
    mend = f"delete it, or run  wakeword calibrate  again to replace it: {sidecar}"
    try:
        record = json.loads(text)
        if record["format"] != FORMAT:
            raise ValueError("it is another kind of file")
        if type(record["format_version"]) is int and record["format_version"] > FORMAT_VERSION:
            raise ModelFileError(f"the calibration was written by a newer wakeword: upgrade, or {mend}")
        if not math.isfinite(record["threshold"]) or not isinstance(record["model_sha256"], str):
            raise ValueError("its threshold is no number")
    except (ValueError, LookupError, TypeError, RecursionError, OverflowError) as error:
        raise ModelFileError(f"the calibration is damaged ({error}): {mend}") from error
    return record
