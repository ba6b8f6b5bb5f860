"""The half of ``wakeword close-negatives`` that speaks: plan, speech, label check, folder, loudspeaker."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from close_negatives.check import check, summary
from close_negatives.engines import get_engine, missing_engines
from close_negatives.engines.kokoro import Kokoro
from close_negatives.manifest import write_folder
from close_negatives.plan import NATURAL, PlanSettings, plan
from close_negatives.synthesize import speak
from close_negatives.voices import Split
from close_negatives.words import CloseWord
from wakeword.audio import SAMPLE_RATE
from wakeword.devices import load_portaudio
from wakeword.errors import SynthesisError

#: Of sound on the way to the loudspeaker: enough for a busy machine. As much silence comes first, while it wakes up.
_BUFFER_S = 0.3
_PAUSE_S = 0.4  # after a clip; longer than the buffer, because some drivers drop what is in it at the end


@dataclass(frozen=True)
class Speaking:
    """The command's options, as it names them."""

    phrase: str
    folder: Path | None
    play: bool
    clips: int
    engines: str | None
    split: Split
    seed: int
    jobs: int | None
    check: bool


def speak_words(words: Sequence[CloseWord], options: Speaking) -> None:
    """Speak the words as asked; say what is missing, what was made and what was dropped."""
    play = _player() if options.play else None  # before the work, where there is no loudspeaker
    settings = _settings(options.engines)
    for note in _notes(settings):
        click.echo(f"note: {note}", err=True)
    requests = plan(words, options.clips, options.split, options.seed, settings)
    with progress_bar("speaking") as progress:
        spoken = speak(requests, jobs=options.jobs, progress=progress)
    for reason in dict.fromkeys(reason for _, reason in spoken.skipped):
        click.echo(f"note: {reason}", err=True)
    if options.check:
        with progress_bar("checking") as progress:
            checked = check(spoken, options.phrase, jobs=options.jobs, progress=progress)
        spoken = checked.spoken
        click.echo(f"dropped as '{options.phrase}': {summary(checked.counts())}")
    if options.folder:
        manifest = write_folder(spoken, options.folder)
        engines = ", ".join(f"{engine} {count}" for engine, count in Counter(spoken.engines).most_common())
        click.echo(f"{len(spoken.clips)} clips of {len(set(spoken.texts))} words ({engines}) are listed in {manifest}")
    if play is not None:
        for clip, request in zip(spoken.clips, spoken.requests, strict=True):
            click.echo(f"{request.name:<24} {request.voice.engine} {request.voice.name}")
            play(clip)


def _settings(engines: str | None) -> PlanSettings:
    """The usual shares, or those among the named engines; raises EngineError where one of these is missing."""
    if engines is None:
        return NATURAL
    names = [name.strip() for name in engines.split(",") if name.strip()]
    for name in names:
        get_engine(name)
    shares = {name: NATURAL.shares[name] for name in names}
    return PlanSettings(shares if any(shares.values()) else dict.fromkeys(names, 1.0))


def _notes(settings: PlanSettings) -> Iterator[str]:
    """What would make the voices better."""
    wanted = [name for name, share in settings.shares.items() if share > 0]
    yield from (str(error) for error in missing_engines() if any(f"'{name}'" in str(error) for name in wanted))
    kokoro = Kokoro()
    if "kokoro" in wanted and kokoro.available() and not any(v.language.startswith("en") for v in kokoro.speakers()):
        yield "Kokoro has no speakers of English here: scripts/kokoro_voices.sh fetches 28, and 26 more"


@contextmanager
def progress_bar(doing: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar with the time left on a terminal, nothing elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(doing, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _player() -> Callable[[np.ndarray], None]:
    """What plays a clip to its end on the system's usual output. Raises MicrophoneError where PortAudio is missing,
    and SynthesisError where there is no output."""
    import soxr

    portaudio = load_portaudio()

    def explained(error: Exception) -> SynthesisError:
        return SynthesisError(f"nothing can be played ({error}): connect a loudspeaker or headphones")

    try:
        rate = round(portaudio.query_devices(kind="output")["default_samplerate"])
    except (portaudio.PortAudioError, ValueError) as error:
        raise explained(error) from error

    def play(clip: np.ndarray) -> None:
        samples = soxr.resample(clip.astype(np.float32) / 32768, SAMPLE_RATE, rate)
        try:
            with portaudio.OutputStream(rate, channels=1, dtype="float32", latency=_BUFFER_S) as stream:
                stream.write(np.pad(samples, (round(_BUFFER_S * rate), round(_PAUSE_S * rate)))[:, None])
        except portaudio.PortAudioError as error:
            raise explained(error) from error

    return play
