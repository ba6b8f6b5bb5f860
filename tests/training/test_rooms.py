"""Rooms: the simulated responses, and hearing through them against convolution as it is defined."""

from __future__ import annotations

import numpy as np
import pytest

from training.rooms import RoomSettings, reverberate, room_bank


@pytest.fixture
def bank(tmp_path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("WAKEWORD_CACHE", str(tmp_path))
    return room_bank(RoomSettings(count=4))


def test_a_response_has_unit_energy_and_begins_with_the_direct_sound(bank: np.ndarray) -> None:
    assert bank.shape == (4, 6000)
    np.testing.assert_allclose(np.square(bank).sum(axis=1), 1.0, rtol=1e-4)
    assert (np.abs(bank).argmax(axis=1) <= 20).all()
    late = np.square(bank[:, 3000:]).sum(axis=1) / np.square(bank[:, :3000]).sum(axis=1)
    assert (late < 0.2).all()  # an echo dies away
    assert (late > 0).any()  # and a live room is still heard after 0.2 s


def test_the_same_settings_give_the_same_rooms(bank: np.ndarray, tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("WAKEWORD_CACHE", str(tmp_path / "elsewhere"))
    np.testing.assert_array_equal(room_bank(RoomSettings(count=4)), bank)
    np.testing.assert_array_equal(room_bank(RoomSettings(count=2)), bank[:2])


def test_hearing_through_a_room_is_convolution() -> None:
    rng = np.random.default_rng(0)
    clips, responses = rng.normal(size=(3, 500)).astype(np.float32), rng.normal(size=(3, 90)).astype(np.float32)
    heard = reverberate(clips, responses)
    for clip, response, got in zip(clips, responses, heard, strict=True):
        np.testing.assert_allclose(got, np.convolve(clip, response)[:500], atol=1e-4)
