"""One run of ``wakeword listen``: the loop, its view and its events."""

from __future__ import annotations

import contextlib
import json
import math
import time
from dataclasses import dataclass
from typing import Any

import click

from wakeword.cli.bars import Reading, Status
from wakeword.cli.hook import Hook
from wakeword.cli.meter import Meter, Screen
from wakeword.cli.panel import panel
from wakeword.cli.text import as_text, json_line, printable
from wakeword.clip_recorder import ClipRecorder, ClipSettings
from wakeword.detector import Detection, Detector
from wakeword.listener import Heard, hear
from wakeword.microphone import SILENCE_DB, Microphone, MicrophoneSettings, Notice
from wakeword.model import WakeWordModel

#: Overflows are told at most so often: a machine that is too slow has one at every block.
_OVERFLOWS_EVERY_S = 1.0


@dataclass(frozen=True)
class Wishes:
    """as_json   events as JSON lines instead of text and a view
    seconds   stop after so much sound
    command   run at every detection
    clips     save the sound of detections and near misses
    """

    as_json: bool = False
    seconds: float | None = None
    command: str | None = None
    clips: ClipSettings | None = None


class _CpuShare:
    """This process's share of one core over the last second or so."""

    def __init__(self) -> None:
        self.value = math.nan
        self._since = time.monotonic(), time.process_time()

    def update(self) -> float:
        wall, cpu = time.monotonic(), time.process_time()
        if wall - self._since[0] >= 1.0:
            self.value = (cpu - self._since[1]) / (wall - self._since[0])
            self._since = wall, cpu
        return self.value


class Session:
    """What was heard so far, whatever ends it."""

    def __init__(self, detector: Detector, settings: MicrophoneSettings, wishes: Wishes) -> None:
        self._detector, self._wishes = detector, wishes
        self._heard_s, self._detections, self._saved = 0.0, 0, 0
        self._limits = dict(zip((m.keyword for m in detector.models), detector.thresholds, strict=True))
        screen = Screen.standard_output()
        self._meter = Meter(detector, self._as_line, screen.plain() if wishes.as_json else screen, panel)
        self._microphone = Microphone(settings, self._on_notice)
        self._hook = Hook(wishes.command, self._meter.notice) if wishes.command else None
        self._recorder: ClipRecorder | None = None
        self._cpu = _CpuShare()
        self._told_overflows, self._told_at = 0, -math.inf

    def run(self) -> None:
        """Listen for ``wishes.seconds`` of sound, or until interrupted; raises MicrophoneError."""
        wishes = self._wishes
        with contextlib.ExitStack() as stack:
            if wishes.clips is not None:
                recorder = ClipRecorder(self._detector, wishes.clips, self._meter.notice)
                self._recorder = stack.enter_context(recorder)
            if self._hook is not None:
                stack.callback(self._hook.close)
            stack.enter_context(self._microphone)
            self._introduce()
            stack.callback(lambda: self._event("stopped", self._figures()))
            stack.enter_context(self._meter)
            for heard in hear(self._microphone, self._detector):
                self._on_heard(heard)
                if wishes.seconds is not None and heard.heard_s >= wishes.seconds:
                    return

    def summary(self) -> str:
        """``heard 12.4 s, 2 detections``, and what went wrong if anything did."""
        overflows, reconnects = self._microphone.overflows, self._microphone.reconnects
        parts = [f"heard {self._heard_s:.1f} s", _counted(self._detections, "detection")]
        parts += [f"{_counted(overflows, 'overflow')} (sound was lost)"] if overflows else []
        parts += [_counted(reconnects, "reconnect")] if reconnects else []
        parts += [f"{_counted(self._recorder.saved, 'clip')} saved"] if self._recorder is not None else []
        return ", ".join(parts)

    def _introduce(self) -> None:
        names = ", ".join(self._named(model, self._limits[model.keyword]) for model in self._detector.models)
        device = self._microphone.device.name
        click.echo(f"listening for {names} on {printable(device)} (Ctrl-C stops)", err=True)
        keywords = [{"keyword": k, "threshold": round(limit, 4)} for k, limit in self._limits.items()]
        self._event("listening", {"device": device, "rate": self._microphone.rate, "keywords": keywords})

    @staticmethod
    def _named(model: WakeWordModel, limit: float) -> str:
        room = f" (your room's threshold, {limit:.2f})" if model.is_of_room(limit) else ""
        return printable(model.keyword) + room

    def _on_heard(self, heard: Heard) -> None:
        self._heard_s = heard.heard_s
        self._detections += len(heard.step.detections)
        self._meter.update(heard.heard_s, self._microphone.level, heard.step, status=self._status())
        if self._hook is not None:
            for detection in heard.step.detections:
                self._hook.run(detection, self._limits[detection.keyword])
            self._hook.reap()
        if self._recorder is not None:
            for near in self._recorder.push(heard):
                if self._wishes.as_json:
                    self._meter.say(json_line(near, self._limits[near.keyword], event="near_miss"))
        self._tell_overflows()

    def _tell_overflows(self) -> None:
        microphone = self._microphone
        if microphone.overflows == self._told_overflows or time.monotonic() - self._told_at < _OVERFLOWS_EVERY_S:
            return
        new = microphone.overflows - self._told_overflows
        self._told_overflows, self._told_at = microphone.overflows, time.monotonic()
        self._meter.notice(f"sound was lost: {_counted(new, 'overflow')}, {self._told_overflows} in all")
        self._event("overflow", self._figures())

    def _on_notice(self, notice: Notice) -> None:
        self._meter.notice(notice)
        self._event(notice.event, {"device": notice.device, "heard_s": round(self._heard_s, 3)})
        if notice.event == "lost":  # nothing is heard until it is back, so nothing else would draw it
            gauges = self._meter.gauges(self._heard_s)
            self._meter.draw(Reading(self._heard_s, SILENCE_DB, gauges, "", self._status(lost=True)))

    def _status(self, lost: bool = False) -> Status:
        microphone = self._microphone
        name = printable(microphone.device.name)
        return Status(
            f"{name} is gone: waiting for it" if lost else f"{name}, {microphone.rate} Hz",
            lost,
            self._cpu.update(),
            microphone.delay_s,
            microphone.overflows,
            microphone.dropped_blocks,
            microphone.reconnects,
        )

    def _figures(self) -> dict[str, Any]:
        return {
            "heard_s": round(self._heard_s, 3),
            "detections": self._detections,
            "overflows": self._microphone.overflows,
            "dropped_blocks": self._microphone.dropped_blocks,
            "longest_delay_s": round(self._microphone.longest_delay_s, 3),
            "reconnects": self._microphone.reconnects,
        }

    def _event(self, event: str, about: dict[str, Any]) -> None:
        if self._wishes.as_json:
            self._meter.say(json.dumps({"event": event, **about}))

    def _as_line(self, detection: Detection) -> str:
        limit = self._limits[detection.keyword]
        return json_line(detection, limit, event="detection") if self._wishes.as_json else as_text(detection)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
