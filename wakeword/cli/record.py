"""``wakeword record``: clips of one's own, with a level meter, a verdict and retakes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from wakeword.audio import SAMPLE_RATE
from wakeword.cli.devices import quiet_drivers
from wakeword.cli.keys import ask
from wakeword.cli.level_line import LevelLine
from wakeword.cli.text import printable
from wakeword.clips import free_name, slug, sound_file
from wakeword.errors import MicrophoneError, WakewordError
from wakeword.files import check_folder, write_atomically
from wakeword.microphone import Microphone, MicrophoneSettings
from wakeword.playback import play
from wakeword.takes import Take, TakeFinder

#: With --auto so many bad takes in a row, or so long a silence, and it is given up: nobody is there to mend it.
_BAD_IN_A_ROW, _SILENCE_S = 5, 30.0
_CHOICES = {"k": "keep", "r": "retake", "p": "play", "q": "quit"}


@dataclass(frozen=True)
class _Plan:
    phrase: str
    folder: Path
    takes: int
    automatic: bool
    suffix: str


@click.command()
@click.argument("phrase")
@click.option("--takes", type=click.IntRange(1, 1000), default=10, show_default=True, help="How many to collect.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder.  [default: recordings/PHRASE]")
@click.option("--device", metavar="NAME|INDEX", help="Microphone to use; `wakeword devices` lists them.")
@click.option("--format", "suffix", type=click.Choice(["flac", "wav"]), default="flac", show_default=True)
@click.option("--auto", "automatic", is_flag=True, help="Ask nothing: keep what is good, retake what is not.")
def record(phrase: str, takes: int, out: Path | None, device: str | None, suffix: str, automatic: bool) -> None:
    """Collect recordings of yourself saying PHRASE: trimmed 16 kHz clips, to be given to training.

    Wait for the prompt, say the phrase, and the take ends by itself. Then one key keeps it, retakes it, plays it or
    quits; keys may also come from a pipe. Recordings that are in the folder already stay, and new ones get the next
    numbers. Exit code: 0 all were taken, 1 you quit before.
    """
    if not phrase.strip():
        raise click.UsageError("PHRASE is what you will say: it cannot be empty.")
    folder = out or Path("recordings") / slug(phrase)
    plan = _Plan(phrase, folder, takes, automatic, suffix)
    check_folder(folder)  # before anybody has spoken
    with quiet_drivers(), Microphone(MicrophoneSettings(device=device), lambda told: click.echo(told, err=True)) as mic:
        wanted = f"{takes} take{'' if takes == 1 else 's'}"
        click.echo(f'"{printable(phrase)}", {wanted} into {folder}, on {printable(mic.device.name)}', err=True)
        kept = _collect(plan, mic)
    click.echo(f"{kept} of {takes} takes are in {folder}")
    raise SystemExit(0 if kept == takes else 1)


def _collect(plan: _Plan, microphone: Microphone) -> int:
    """Take after take; how many were kept."""
    kept = bad = 0
    while kept < plan.takes:
        take = _hear(plan, microphone, kept + 1)
        click.echo(f"   {_verdict(take)}")
        for problem in take.problems:
            click.echo(f"   {problem}")
        key = _decide(take, plan.automatic)
        if key == "q":
            break
        if key == "k":
            _save(plan, take.samples)
            kept, bad = kept + 1, 0
            continue
        bad += 1
        if plan.automatic and bad >= _BAD_IN_A_ROW:
            raise WakewordError(f"{bad} bad takes in a row, the last because {take.problems[0]}")
    return kept


def _hear(plan: _Plan, microphone: Microphone, number: int) -> Take:
    """Prompt and wait until the phrase was said. Raises MicrophoneError; with --auto also after a long silence."""
    microphone.discard()  # what was said or played before the prompt
    click.echo(f'take {number} of {plan.takes}: say "{printable(plan.phrase)}"')
    finder, heard = TakeFinder(), 0
    with LevelLine() as line:
        for block in microphone:
            take = finder.push(block)
            if take is not None:
                return take
            line.show(microphone.level, "speaking" if finder.speaking else "waiting")
            heard += len(block)
            if heard > _SILENCE_S * SAMPLE_RATE and not finder.speaking:
                if plan.automatic:
                    raise MicrophoneError(f"nothing was said for {_SILENCE_S:g} s: try  wakeword mic-check")
                line.clear()
                click.echo(f"   nothing heard for {_SILENCE_S:g} s; `wakeword mic-check` looks into it", err=True)
                heard = 0
    raise AssertionError("a microphone does not end")


def _decide(take: Take, automatic: bool) -> str:
    """k, r or q."""
    if automatic:
        return "r" if take.problems else "k"
    while (key := ask(_CHOICES, enter="r" if take.problems else "k")) == "p":
        try:
            play(take.samples)
        except WakewordError as error:
            click.echo(f"   {error}", err=True)
    return key


def _verdict(take: Take) -> str:
    levels = f"level {take.level_db:.0f} dB, peak {take.peak_db:.0f} dB, room {take.room_db:.0f} dB"
    return f"{'not good' if take.problems else 'good'}: {take.speech_s:.2f} s, {levels}"


def _save(plan: _Plan, samples: np.ndarray) -> None:
    plan.folder.mkdir(parents=True, exist_ok=True)
    number = 1 + sum(1 for path in plan.folder.iterdir() if path.stem.startswith(f"{slug(plan.phrase)}_"))
    name = free_name(plan.folder, f"{slug(plan.phrase)}_{number:03}", f".{plan.suffix}")
    write_atomically(plan.folder / name, sound_file(samples, plan.suffix))
    click.echo(f"   kept {name}")
