"""What every test of this room needs: the installation as it comes, whatever the user's own folders hold."""

from __future__ import annotations

import pytest

from close_negatives.engines.kokoro import VOICES_VARIABLE


@pytest.fixture(autouse=True)
def _no_voices_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VOICES_VARIABLE, raising=False)
