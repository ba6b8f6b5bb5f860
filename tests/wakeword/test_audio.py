"""Files of every kind become the same 16 kHz mono blocks; what is no sound is one clear sentence."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wakeword import AudioError
from wakeword.audio import Resampler, as_samples, file_blocks, read_mono


def tone(rate: int, seconds: float = 1.0, hz: float = 440.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate)


@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
def test_any_rate_and_format(tmp_path: Path, rate: int, suffix: str) -> None:
    path = tmp_path / f"tone.{suffix}"
    soundfile.write(path, np.stack([tone(rate), tone(rate)], axis=1), rate)
    heard = read_mono(path)
    assert heard.dtype == np.float32
    assert len(heard) == pytest.approx(16_000, abs=400 if suffix == "ogg" else 2)
    middle, expected = heard[4000:12_000], tone(16_000)[4000:12_000]
    assert np.corrcoef(middle, expected)[0, 1] > (0.98 if suffix == "ogg" else 0.999)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW"])
def test_any_sample_format(tmp_path: Path, subtype: str) -> None:
    soundfile.write(tmp_path / "tone.wav", tone(16_000), 16_000, subtype=subtype)
    np.testing.assert_allclose(read_mono(tmp_path / "tone.wav"), tone(16_000), atol=0.02)


def test_blocks_have_no_seam(tmp_path: Path) -> None:
    """Resampling block by block equals resampling the whole at once."""
    soxr = pytest.importorskip("soxr")
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, 44_100 * 3).astype(np.float32)
    soundfile.write(tmp_path / "noise.wav", noise, 44_100, subtype="FLOAT")
    blocks = list(file_blocks(tmp_path / "noise.wav"))
    assert len(blocks) > 4
    whole = soxr.resample(noise, 44_100, 16_000)
    heard = np.concatenate(blocks)
    assert len(heard) == len(whole)
    np.testing.assert_allclose(heard, whole, atol=1e-5)


def test_a_resampler_reset_is_exact() -> None:
    resampler, block = Resampler(48_000), tone(48_000).astype(np.float32)
    first = resampler.push(block)
    resampler.push(block[:100])
    resampler.reset()
    np.testing.assert_array_equal(resampler.push(block), first)


def test_samples_of_every_type() -> None:
    assert as_samples(np.array([-32_768, 0, 16_384], np.int16)).tolist() == [-1.0, 0.0, 0.5]
    assert as_samples(np.array([0, 128, 192], np.uint8)).tolist() == [-1.0, 0.0, 0.5]
    assert as_samples(np.array([np.nan, np.inf, -np.inf, 0.25])).tolist() == [0.0, 1.0, -1.0, 0.25]
    assert as_samples(np.array([[0.5, -0.5], [0.5, 0.0]])).tolist() == [0.0, 0.25]


def test_a_flac_stream_of_unknown_length(tmp_path: Path) -> None:
    """What an encoder writes into a pipe: it cannot go back to say how many samples there were."""
    sound = (tone(16_000, 2.0) * 2**15).astype(np.int16)
    soundfile.write(tmp_path / "tone.flac", sound, 16_000)
    content = bytearray((tmp_path / "tone.flac").read_bytes())
    content[21] &= 0xF0  # the 36 bits of the sample count
    content[22:26] = bytes(4)
    (tmp_path / "tone.flac").write_bytes(content)
    np.testing.assert_array_equal(read_mono(tmp_path / "tone.flac"), as_samples(sound))


def test_an_mp3_is_read_without_a_word(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Its decoder writes to standard error when it has to seek."""
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, 32_000)
    soundfile.write(tmp_path / "noise.mp3", noise, 16_000)
    assert len(read_mono(tmp_path / "noise.mp3")) == pytest.approx(32_000, abs=2500)
    assert capfd.readouterr().err == ""


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="every file name is Unicode there")
def test_a_name_that_is_not_utf8(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "tone.wav", tone(16_000), 16_000)
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.wav")
    os.rename(tmp_path / "tone.wav", odd)
    assert len(read_mono(odd)) == 16_000


@pytest.mark.parametrize(
    "wrong", [np.float32(0.5), np.zeros((5, 0)), np.zeros(5, bool)], ids=["0-d", "no channel", "bool"]
)
def test_what_is_no_row_of_samples(wrong: np.ndarray) -> None:
    with pytest.raises(AudioError, match="samples must be numbers"):
        as_samples(wrong)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="there is no such file"):
        read_mono(tmp_path / "missing.wav")
    with pytest.raises(AudioError, match="is not a file"):
        read_mono(tmp_path)
    (tmp_path / "text.wav").write_text("this is no sound")
    with pytest.raises(AudioError, match=r"text\.wav cannot be read as sound"):
        read_mono(tmp_path / "text.wav")
    with pytest.raises(AudioError, match="File name too long"):
        read_mono(tmp_path / f"{'a' * 300}.wav")
    (tmp_path / "samples.raw").write_bytes(bytes(1000))
    with pytest.raises(AudioError, match="raw samples without a header"):
        read_mono(tmp_path / "samples.raw")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 16_000)
    with pytest.raises(AudioError, match="holds no sound: it is empty"):
        read_mono(tmp_path / "empty.wav")
