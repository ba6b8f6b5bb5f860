"""docs/models.md says what the bundled models' own cards say, and each of them has its report."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from wakeword import bundled_models, load_model
from wakeword.model import calibration_path
from wakeword.sidecar import content

ROOT = Path(__file__).resolve().parents[1]


def test_the_page_is_what_the_cards_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAKEWORD_CONFIG", str(tmp_path))
    script = runpy.run_path(str(ROOT / "scripts" / "models_page.py"))
    assert script["PAGE"].read_text() == script["page"](), "run python scripts/models_page.py"
    room = calibration_path(bundled_models()["happy"])
    room.write_bytes(content(bundled_models()["happy"], {"threshold": 99.0}))
    assert load_model("happy").rule().threshold == 99.0  # it is heeded elsewhere
    assert script["PAGE"].read_text() == script["page"]()


def test_each_bundled_model_has_the_report_of_its_training() -> None:
    """A report of another run would show another threshold."""
    for name in bundled_models():
        report = (ROOT / "docs" / "reports" / f"{name}.html").read_text()
        assert f"<title>{name}: report</title>" in report
        for point in load_model(name).card["operating_points"].values():
            assert f"<td>{point['threshold']:.2f}</td>" in report
