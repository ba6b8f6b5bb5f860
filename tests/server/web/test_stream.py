"""What a page is told is what the Detector hears: live, of a file, and with others listening beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr

from wakeword import FeatureSpec, WakeWordModel, mfcc
from wakeword.audio import Resampler, as_samples
from wakeword.cli.detect import hear_file
from wakeword.features import dct_matrix, mel_filters
from wakeword.server.strip import HEADER

Serve = Callable[..., Any]
OfKind = Callable[[list[Any], str], list[dict[str, Any]]]
Pcm = Callable[[np.ndarray], bytes]


def test_a_live_stream_is_heard_as_the_detector_hears_it(
    serve: Serve, words: Any, voice: np.ndarray, pcm: Pcm, of_kind: OfKind
) -> None:
    sound = pcm(soxr.resample(voice, 16_000, 44_100))
    wanted = {"words": ["other", "word"], "point": "fpr_5"}
    taken = serve().live(sound, 2 * 3001, rate=44_100, **wanted)
    heard = Resampler(44_100).push(as_samples(np.frombuffer(sound, "<i2")))
    detector = words.detector(words.wanted(wanted))
    expected = detector.step(heard)
    assert len(expected.detections) >= 2  # otherwise this shows nothing
    ready, scores, found = (of_kind(taken, kind) for kind in ("ready", "scores", "detection"))
    assert [entry["word"] for entry in ready[0]["words"]] == ["other", "word"]
    assert [entry["threshold"] for entry in ready[0]["words"]] == detector.thresholds
    ends = [end for message in scores for end in message["end_s"]]
    np.testing.assert_allclose(ends, expected.window_end_s[: len(ends)], atol=1e-4)
    assert len(expected.window_end_s) - len(ends) <= 1  # the resampler holds a little back
    rows = [row for message in scores for row in message["scores"]]
    np.testing.assert_allclose(rows, expected.scores[: len(rows)], atol=2e-3)
    assert [d["word"] for d in found] == [d.keyword for d in expected.detections]
    np.testing.assert_allclose([d["end_s"] for d in found], [d.end_s for d in expected.detections], atol=1e-3)
    assert scores[-1]["heard_s"] == pytest.approx(len(voice) / 16_000, abs=0.05)


def test_the_strip_is_the_sound_and_its_spectrum(
    serve: Serve, make_model: Callable[..., WakeWordModel], voice: np.ndarray, pcm: Pcm
) -> None:
    sound = pcm(voice)
    taken = serve().live(sound, 1234, rate=16_000)
    low, high, mel, cepstra = [], [], [], []
    for message in (message for message in taken if isinstance(message, bytes)):
        first, frames, n_mel, n_cepstra = HEADER.unpack_from(message)
        assert first == sum(map(len, low))
        values = np.frombuffer(message, "<i2", 2 * frames, HEADER.size)
        rest = np.frombuffer(message, np.uint8, -1, HEADER.size + 4 * frames)
        assert len(rest) == frames * (n_mel + n_cepstra)
        low.append(values[:frames])
        high.append(values[frames:])
        mel.append(rest[: frames * n_mel].reshape(frames, n_mel))
        cepstra.append(rest[frames * n_mel :].reshape(frames, n_cepstra))
    samples = as_samples(np.frombuffer(sound, "<i2"))
    expected = mfcc(samples)
    hops = samples[: len(expected) * 160].reshape(-1, 160)
    np.testing.assert_allclose(np.concatenate(low), hops.min(axis=1) * 32767, atol=1.0)
    np.testing.assert_allclose(np.concatenate(high), hops.max(axis=1) * 32767, atol=1.0)
    # The mel bands straight from a spectrum, without cepstra and their inverse.
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    framed = np.lib.stride_tricks.sliding_window_view(samples, 400)[::160] * hann
    bands = np.log(np.abs(np.fft.rfft(framed)) ** 2 @ mel_filters(FeatureSpec()) + 1e-6)
    np.testing.assert_allclose(bands @ dct_matrix(32, 32), expected, atol=1e-2)
    wanted = np.clip((bands + 11.5) / 16.5, 0, 1) * 255
    np.testing.assert_allclose(np.concatenate(mel), wanted, atol=1.0)
    network = make_model("word").networks[0]
    wanted = np.clip((expected - network.mean) / network.std / 6 + 0.5, 0, 1) * 255
    np.testing.assert_allclose(np.concatenate(cepstra), wanted, atol=1.0)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3", "aiff"])
def test_a_file_is_heard_as_detect_hears_it(
    serve: Serve, words: Any, voice: np.ndarray, tmp_path: Path, suffix: str, of_kind: OfKind
) -> None:
    path = tmp_path / f"voice.{suffix}"
    soundfile.write(path, np.stack([voice, voice], axis=1), 16_000)
    taken = serve().upload(path.read_bytes(), words=["word", "other"], point="fpr_5")
    detector = words.detector(words.wanted({"words": ["word", "other"], "point": "fpr_5"}))
    detections, end_s, scores = hear_file(detector, path)
    assert detections  # otherwise this shows nothing
    found = [(d["word"], d["start_s"], d["end_s"], d["score"]) for d in of_kind(taken, "detection")]
    assert found == [(d.keyword, round(d.start_s, 3), round(d.end_s, 3), round(d.score, 3)) for d in detections]
    told = of_kind(taken, "scores")
    assert [end for message in told for end in message["end_s"]] == [round(end, 4) for end in end_s.tolist()]
    np.testing.assert_allclose([row for message in told for row in message["scores"]], scores, atol=1e-3)
    assert taken[-1]["detections"] == len(detections)
    assert taken[-1]["heard_s"] == pytest.approx(6.0, abs=0.15)


def test_a_file_without_sound_in_it_is_one_sentence(serve: Serve) -> None:
    taken = serve().upload(b"no sound at all" * 1000, name="notes.txt")
    assert (taken[-1]["kind"], taken[-1]["reason"]) == ("error", "unreadable")
    assert taken[-1]["sentence"].startswith("notes.txt cannot be read as sound")


def test_a_recording_that_is_too_long_is_heard_up_to_there(
    serve: Serve, voice: np.ndarray, tmp_path: Path, of_kind: OfKind
) -> None:
    soundfile.write(tmp_path / "long.flac", np.tile(voice, 4), 16_000)
    taken = serve(file_s=12.0).upload((tmp_path / "long.flac").read_bytes())
    assert taken[-1]["reason"] == "too-long"
    assert 12.0 < of_kind(taken, "scores")[-1]["heard_s"] <= 13.0


def test_clients_at_once_are_each_as_alone(serve: Serve, voice: np.ndarray, pcm: Pcm, of_kind: OfKind) -> None:
    served = serve()
    sounds = [pcm(np.roll(voice, shift)) for shift in (0, 20_000, 50_000, 70_000)]
    jobs = list(zip(sounds, (640, 2000, 888, 4096), ("word", "other", "word", "other"), strict=True))

    def hear(job: tuple[bytes, int, str]) -> list[Any]:
        return served.live(job[0], job[1], rate=16_000, words=[job[2]])

    alone = list(map(hear, jobs))
    with ThreadPoolExecutor(len(jobs)) as pool:
        together = list(pool.map(hear, jobs))
    assert together == alone
    assert len({json.dumps(of_kind(taken, "detection")) for taken in alone}) > 1  # they are not all the same
