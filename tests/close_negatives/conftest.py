"""What the tests of this room share: the installation as it comes, a cache of their own, and quick things to say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from close_negatives.cache import CACHE_VARIABLE
from close_negatives.engines import ENGINES, Request
from close_negatives.engines.kokoro import VOICES_VARIABLE
from close_negatives.plan import PlanSettings, plan


@pytest.fixture(autouse=True)
def _no_voices_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VOICES_VARIABLE, raising=False)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an empty cache, which is the one in use."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def fast_plan() -> PlanSettings:
    """The engines that speak at once."""
    return PlanSettings({"hibari": 0.3, "pico": 0.2, "espeak": 0.5})


@pytest.fixture
def requests_for(fast_plan: PlanSettings) -> Callable[..., list[Request]]:
    """requests_for(*words, clips=3) is a quick plan of so many clips of each word, or skips the test."""

    def planned(*words: str, clips: int = 3) -> list[Request]:
        if not all(ENGINES[name].available() for name in fast_plan.shares):
            pytest.skip("an engine of the plan is not installed")
        return plan(words, clips, "train", 5, fast_plan)

    return planned
