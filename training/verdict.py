"""In words: whether a phrase is a good wake word, and whether a trained model is good enough, by which numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from close_negatives.phonemes import pronunciations
from training.texts import frequent_words_with

# A word of fewer sounds lives inside too many others; makers of wake words ask for six or for three syllables.
_FEWEST_SOUNDS = 6
_WORDS_AN_HOUR = 9000.0  # of English talk, at 150 a minute
_OFTEN = 0.5  # times an hour: the alarm rate that the default operating point is calibrated to
_EXAMPLES = 3

# What a detector has to keep to be called good or usable: false alarms an hour, missed in silence, missed in babble.
_LIMITS = {"good": (0.5, 0.05, 0.15), "usable": (2.0, 0.15, 0.40)}
_FEWEST_HOURS = 0.25
_FEWEST_CLIPS = 20
_NAMED_SHARE = 0.15  # a close negative accepted more often is named


def advice(phrase: str) -> str | None:
    """Why ``phrase`` will make a poor wake word, and a better idea; None where nothing speaks against it."""
    sounds = min(len(way) for way in pronunciations(phrase))
    heard = frequent_words_with(phrase)
    often = _WORDS_AN_HOUR * sum(heard.values())
    reasons = []
    if sounds < _FEWEST_SOUNDS:
        reasons.append(f"it is short ({sounds} sounds; from {_FEWEST_SOUNDS} on, few words have it inside)")
    if often >= _OFTEN:
        most = sorted(heard, key=heard.__getitem__, reverse=True)[:_EXAMPLES]
        reasons.append(f"an hour of English talk has it about {often:.1f} times ({', '.join(most)})")
    if not reasons:
        return None
    why = ", and ".join(reasons)
    return f"{phrase!r} is a difficult wake word: {why}. Two words are easier, such as {f'hey {phrase}'!r}."


@dataclass(frozen=True)
class Verdict:
    """grade: good, usable, not good enough or unknown; because: the numbers; advice: what to try, the best first."""

    grade: str
    because: str
    advice: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"verdict: {self.grade}. {self.because}", *(f"  try: {line}" for line in self.advice)]
        return "\n".join(lines)


def judge(card: dict[str, Any]) -> Verdict:
    """The verdict on a model by its card: the test split streamed at the default operating point."""
    point = card["evaluation"]["streaming"]["points"][card["default_point"]]
    alarms, silence = point["false_alarms"], point["miss_in_silence"]
    babble = next(value for key, value in point.items() if key.startswith("miss_in_babble"))
    spoken = card["data"]["words"]["test"].get("spoken_keyword_clips", 0)
    by_engines = 2 * spoken > silence["n"]
    speakers = "speech engines" if spoken == silence["n"] else "people"
    if 0 < spoken < silence["n"]:
        speakers += f" and, {spoken} of them, by speech engines"
    because = (
        f"In {alarms['hours']:.2f} h without the keyword {_times(alarms['count'])}; of {silence['n']} clips of it, "
        f"said by {speakers} it never heard, it missed {silence['count']} in silence and {babble['count']} in babble."
    )
    if by_engines:
        because += " People are harder than engines: expect more misses."
    found = (alarms["per_hour"], silence["rate"], babble["rate"])
    grades = [grade for grade, limits in _LIMITS.items() if all(f <= m for f, m in zip(found, limits, strict=True))]
    grade = grades[0] if grades else "not good enough"
    if alarms["hours"] < _FEWEST_HOURS or silence["n"] < _FEWEST_CLIPS:
        grade = "unknown"
    return Verdict(grade, because, tuple(_advice(card, found, by_engines)))


def _times(count: int) -> str:
    return "it never woke" if not count else "it woke once" if count == 1 else f"it woke {count} times"


def _advice(card: dict[str, Any], found: tuple[float, float, float], by_engines: bool) -> list[str]:
    per_hour, silence, babble = found
    most_alarms, *most_missed = _LIMITS["good"]
    hours = card["evaluation"]["streaming"]["negative_audio"]["hours"]
    lines = []
    if hours < _FEWEST_HOURS:
        lines.append(f"--speech DIR with an hour or more of talk: {hours:.2f} h say little about false alarms")
    if by_engines:
        lines.append("--recordings DIR with 3 to 20 clips of your own (`wakeword record`)")
    if per_hour > most_alarms:
        lines.append("--speech and --noise with more of what your room hears; --negatives DIR with its false alarms")
    if silence > most_missed[0] or babble > most_missed[1]:
        lines.append("more recordings of the keyword, and `wakeword calibrate`: your room may allow a lower threshold")
    if lines and card["network"]["networks"] < 3:
        lines.append("--networks 3: the mean of several networks wakes less by mistake and misses less")
    close = card["evaluation"].get("close_negatives", [])
    named = [row["word"] for row in close if row["accepted"]["rate"] > _NAMED_SHARE]
    if named:
        lines.append(f"saying none of these near it, which pass as single words at FPR 3 %: {', '.join(named)}")
    return lines
