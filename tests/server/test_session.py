"""A conversation without a socket: what is answered, when, and with which times."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.wake import Detect

from wakeword import Detector
from wakeword.errors import ModelFileError, ServerError
from wakeword.server.catalogue import Catalogue, Firing, load_catalogue
from wakeword.server.wyoming_session import TAIL_S, Session

CHUNK = 1280


def answers(session: Session, events: Iterable[Event]) -> list[Event]:
    return [answer for event in events for answer in session.handle(event) if answer is not None]


def stream(data: bytes, rate: int = 16_000, width: int = 2, channels: int = 1, stamped: bool = True) -> list[Event]:
    """audio-start, chunks of 80 ms with or without a timestamp, audio-stop."""
    size = rate * 80 // 1000 * width * channels
    chunks = [
        AudioChunk(rate, width, channels, data[first : first + size], 80 * index if stamped else None).event()
        for index, first in enumerate(range(0, len(data), size))
    ]
    return [AudioStart(rate, width, channels).event(), *chunks, AudioStop().event()]


def told(events: list[Event]) -> list[tuple[str, Any, Any]]:
    return [(event.type, event.data.get("name"), event.data.get("timestamp")) for event in events]


def alone(samples: np.ndarray, **how: Any) -> list[float]:
    """When the Detector itself hears "happy" in int16 samples, in seconds."""
    tail = np.zeros(int(TAIL_S * 16_000), np.int16)
    return [detection.end_s for detection in Detector("happy", **how).process(np.concatenate([samples, tail]))]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(["happy"], [], Firing())


def test_detections_are_the_detectors_with_the_time_of_their_chunk(
    catalogue: Catalogue, recording: np.ndarray, truth: list[tuple[float, float]]
) -> None:
    found = told(answers(Session(catalogue), stream(recording.tobytes())))
    ends = alone(recording)
    # A window that ends at sample s is complete in the chunk that holds sample s - 1.
    assert found == [("detection", "happy", (round(end * 16_000) - 1) // CHUNK * 80) for end in ends]
    hit = {(start, end) for start, end in truth if any(start < at < end + 0.5 for at in ends)}
    assert len(hit) == len(ends) == len(truth)


def test_a_session_that_is_over_keeps_nothing(catalogue: Catalogue, recording: np.ndarray) -> None:
    """Its detector has megabytes of weights: they go with it, not whenever Python looks for circles."""
    gc.collect()
    gc.disable()
    try:
        session = Session(catalogue)
        list(session.handle(AudioChunk(16_000, 2, 1, recording[:4_000].tobytes()).event()))
        detector = weakref.ref(session._detector)
        assert detector() is not None
        del session
        assert detector() is None
    finally:
        gc.enable()


def test_without_timestamps_the_streams_own_clock_is_told(catalogue: Catalogue, recording: np.ndarray) -> None:
    found = told(answers(Session(catalogue), stream(recording.tobytes(), stamped=False)))
    assert found == [("detection", "happy", round(end * 1000)) for end in alone(recording)]


@pytest.mark.parametrize(("rate", "width", "channels"), [(48_000, 4, 2), (44_100, 3, 1), (22_050, 2, 3)])
def test_other_formats_are_heard_alike(
    catalogue: Catalogue, recording: np.ndarray, rate: int, width: int, channels: int
) -> None:
    wide = soxr.resample(recording / 32_768.0, 16_000, rate)
    full = np.clip(wide * 2.0 ** (8 * width - 1), -(2 ** (8 * width - 1)), 2 ** (8 * width - 1) - 1).astype("<i4")
    frames = np.repeat(full[:, None], channels, axis=1).copy()
    data = frames.view(np.uint8).reshape(-1, 4)[:, :width].tobytes()
    found = told(answers(Session(catalogue), stream(data, rate, width, channels, stamped=False)))
    assert [name for _, name, _ in found] == ["happy"] * len(found)
    np.testing.assert_allclose([at for _, _, at in found], np.array(alone(recording)) * 1000, atol=81)


def test_not_detected_only_when_nothing_was(catalogue: Catalogue, recording: np.ndarray) -> None:
    session = Session(catalogue)
    second = recording[16_000:32_000].tobytes()
    assert told(answers(session, stream(second))) == [("not-detected", None, None)]
    assert told(answers(session, stream(b""))) == [("not-detected", None, None)]
    assert "not-detected" not in {kind for kind, _, _ in told(answers(session, stream(recording[:200_000].tobytes())))}
    assert answers(session, [AudioStop().event()]) == []  # nothing was begun, so nothing ended


def test_a_new_stream_has_heard_nothing_of_the_old(catalogue: Catalogue, recording: np.ndarray) -> None:
    session, half = Session(catalogue), round(16_000 * 11.2)  # in the middle of a "happy"
    first, second = recording[16_000 * 10 : half].tobytes(), recording[half : 16_000 * 12].tobytes()
    answers(session, stream(first)[:-1])  # no audio-stop: audio-start alone begins anew
    found = told(answers(session, stream(second)))
    assert found == told(answers(Session(catalogue), stream(second)))
    assert told(answers(Session(catalogue), stream(first + second))) != found


def test_chunks_without_a_start_begin_a_stream(catalogue: Catalogue, recording: np.ndarray) -> None:
    part = recording[: 16_000 * 12]
    found = told(answers(Session(catalogue), stream(part.tobytes())[1:]))
    assert found == told(answers(Session(catalogue), stream(part.tobytes()))) != []


def test_names_choose_and_may_change_in_the_middle(make_model: Callable[..., Any], recording: np.ndarray) -> None:
    offered = {"One_a": 0, "two": 1}
    models = {name: make_model(name, seed=seed) for name, seed in offered.items()}
    catalogue = load_catalogue_of(models, Firing(threshold=0.0, trigger_level=1, refractory_s=0.2))
    part = recording[: 16_000 * 6]
    session = Session(catalogue)
    alone = {}
    for name in offered:
        answers(session, [Detect(names=[name.upper().replace("_", " ")]).event()])
        alone[name] = told(answers(session, stream(part.tobytes())))
        assert {found for _, found, _ in alone[name]} == {name}
    answers(session, [Detect().event()])
    together = told(answers(session, stream(part.tobytes())))
    for name in offered:  # neither locks the other out
        assert [row for row in together if row[1] == name] == alone[name]
    # In the middle: what follows is heard for the new name from its own zero state, on the stream's clock.
    events = stream(part.tobytes(), stamped=False)
    changed = told(answers(session, [*events[:30], Detect(names=["two"]).event(), *events[30:]]))
    rest = told(answers(session, [Detect(names=["two"]).event(), *stream(part[29 * CHUNK :].tobytes(), stamped=False)]))
    late = [row for row in changed if row[1] == "two" and row[2] > 29 * 80 + 995]
    assert late == [(kind, name, at + 29 * 80) for kind, name, at in rest] != []


def load_catalogue_of(models: dict[str, Any], firing: Firing) -> Catalogue:
    from wakeword.server.catalogue import Offer

    return Catalogue({name: Offer(m.keyword, firing.applied(m), False) for name, m in models.items()}, firing)


def test_an_unknown_name_is_never_heard(catalogue: Catalogue, recording: np.ndarray) -> None:
    session, part = Session(catalogue), recording[: 16_000 * 12].tobytes()
    assert len(told(answers(session, stream(part)))) == 1
    answers(session, [Detect(names=["ok_nabu"]).event()])
    assert told(answers(session, stream(part))) == [("not-detected", None, None)]
    answers(session, [Detect(names=["ok_nabu", "HAPPY"]).event()])
    assert [row[:2] for row in told(answers(session, stream(part)))] == [("detection", "happy")]


@pytest.mark.parametrize("format", [{"rate": 1}, {"width": 9}, {"channels": None, "rate": "fast"}, {"width": 1e300}])
def test_a_stream_that_cannot_be_heard_is_refused_once(
    catalogue: Catalogue, recording: np.ndarray, format: dict
) -> None:
    session, part = Session(catalogue), recording[: 16_000 * 12].tobytes()
    start, *chunks, stop = stream(part)
    bad = Event("audio-start", {**start.data, **format})
    found = answers(session, [bad, *chunks, stop])
    assert [event.type for event in found] == ["error", "not-detected"]
    assert "the rest of this stream is not heard" in found[0].data["text"]
    assert told(answers(session, stream(part))) == told(answers(Session(catalogue), stream(part)))
    odd = [start, *chunks[:3], AudioChunk(16_000, 2, 1, b"odd").event(), *chunks[3:], stop]
    assert [event.type for event in answers(session, odd)] == ["error", "not-detected"]


def test_strange_events_are_ignored_or_answered(catalogue: Catalogue) -> None:
    session = Session(catalogue)
    assert answers(session, [Event("transcribe", {"language": "en"}), Event("", {}), Event("run-pipeline")]) == []
    assert [event.type for event in answers(session, [Event("detect", {"names": 5})])] == ["error"]
    pong, odd = answers(session, [Ping("a\ud800b").event(), Event("ping", {"text": [1]})])
    assert Pong.from_event(pong).text == "a?b"
    assert Pong.from_event(odd).text is None


def test_info_tells_the_models(make_model: Callable[..., Any], tmp_path: Path) -> None:
    own = make_model("hey you")
    own.card.update({"languages": ["fr", "de"], "attribution": {"name": "me", "url": "https://example.org"}})
    own.save(tmp_path / "hey_you_v2.wakeword")
    catalogue = load_catalogue([], [tmp_path], Firing())
    found = Info.from_event(answers(Session(catalogue), [Describe().event()])[0])
    assert [program.name for program in found.wake] == ["wakeword"]
    bundled, mine = (next(m for m in found.wake[0].models if m.name == name) for name in ("happy", "hey_you_v2"))
    assert (bundled.phrase, bundled.languages, bundled.installed) == ("happy", ["en"], True)
    assert "Speech Commands" in bundled.attribution.name
    assert bundled.version
    assert (mine.phrase, mine.languages, mine.attribution.url) == ("hey you", ["fr", "de"], "https://example.org")


def test_a_users_model_goes_before_a_bundled_one_and_its_firing_is_applied(
    make_model: Callable[..., Any], tmp_path: Path
) -> None:
    make_model("mine").save(tmp_path / "happy.wakeword")
    catalogue = load_catalogue([], [tmp_path], Firing(threshold=7.0, trigger_level=5, refractory_s=9.0))
    assert catalogue.offers["happy"].keyword == "mine"
    rule = catalogue.detector(["happy"])._deciders[0].rule
    assert (rule.threshold, rule.n, rule.m, rule.refractory_s) == (7.0, 5, 6, 9.0)


def test_what_cannot_be_served_is_said(make_model: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="is not a folder"):
        load_catalogue([], [tmp_path / "none"], Firing())
    for name in ("hey_you", "Hey You"):
        make_model().save(tmp_path / f"{name}.wakeword")
    with pytest.raises(ServerError, match="could not tell these models apart"):
        load_catalogue([], [tmp_path], Firing())
    (tmp_path / "hey_you.wakeword").write_bytes(b"no model")
    (tmp_path / "Hey You.wakeword").unlink()
    with pytest.raises(ModelFileError, match="damaged"):
        load_catalogue([], [tmp_path], Firing())
