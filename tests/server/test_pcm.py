"""Raw bytes become the samples that soundfile reads from the same bytes in a WAV file."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from wakeword.audio import Resampler
from wakeword.errors import AudioError
from wakeword.server.pcm import PcmFormat, PcmStream

SUBTYPES = {1: "PCM_U8", 2: "PCM_16", 3: "PCM_24", 4: "PCM_32"}


def wav_data(samples: np.ndarray, rate: int, width: int) -> tuple[bytes, np.ndarray]:
    """(the data of a WAV file of these samples, what soundfile reads from it)."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype=SUBTYPES[width])
    data = file.getvalue()[-samples.size * width :]
    file.seek(0)
    return data, soundfile.read(file, dtype="float32", always_2d=True)[0]


@pytest.mark.parametrize("width", SUBTYPES)
@pytest.mark.parametrize("channels", [1, 2, 5])
def test_every_width_is_decoded_as_in_a_wav_file(width: int, channels: int) -> None:
    samples = np.random.default_rng(width).uniform(-1, 1, (5000, channels))
    data, expected = wav_data(samples, 16_000, width)
    found = np.concatenate(list(PcmStream(PcmFormat(16_000, width, channels)).push(data)))
    np.testing.assert_allclose(found, expected.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 48_000, 192_000])
def test_any_cut_of_a_resampled_stream_gives_the_same_samples(rate: int) -> None:
    t = np.arange(rate) / rate
    data, whole = wav_data(0.5 * np.sin(2 * np.pi * 440 * t * (1 + t)), rate, 2)
    expected = Resampler(rate).push(whole[:, 0], last=True)
    stream, rng, found, first = PcmStream(PcmFormat(rate)), np.random.default_rng(rate), [], 0
    while first < len(data):
        size = 2 * int(rng.integers(0, rate // 3))
        found += list(stream.push(data[first : first + size]))
        first += size
    heard = np.concatenate([*found, stream.flush()])
    assert len(heard) == len(expected) == 16_000
    np.testing.assert_allclose(heard, expected, atol=1e-6)
    middle = slice(800, -800)  # the filter's own ends apart, it is the tone itself
    again = np.arange(16_000)[middle] / 16_000
    np.testing.assert_allclose(heard[middle], 0.5 * np.sin(2 * np.pi * 440 * again * (1 + again)), atol=2e-3)


@pytest.mark.parametrize(
    "wrong",
    [{"rate": 0}, {"rate": 10**30}, {"rate": True}, {"rate": 16_000.0}, {"width": 5}, {"width": -2},
     {"channels": 0}, {"channels": 10**9}, {"channels": "1"}, {"rate": None}],
)  # fmt: skip
def test_what_no_sound_card_delivers_is_refused(wrong: dict) -> None:
    with pytest.raises(AudioError, match=f"the {next(iter(wrong))} of the sound is between"):
        PcmFormat(**wrong)


def test_half_a_frame_is_refused() -> None:
    with pytest.raises(AudioError, match="7 bytes of sound are not whole frames of 4 bytes"):
        list(PcmStream(PcmFormat(channels=2)).push(b"1234567"))


def test_blocks_stay_short_however_long_the_message() -> None:
    blocks = [len(block) for block in PcmStream(PcmFormat(8_000, 1)).push(bytes(8_000 * 60))]
    assert max(blocks) <= 2 * 1600
    assert abs(sum(blocks) - 16_000 * 60) < 1600
