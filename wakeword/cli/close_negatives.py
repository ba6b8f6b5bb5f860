"""``wakeword close-negatives``: the words that sound most like a phrase without being it, listed or spoken."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wakeword.cli.options import refuse_without

if TYPE_CHECKING:
    from close_negatives.words import CloseWord


@click.command("close-negatives")
@click.argument("phrase")
@click.option("--most", type=click.IntRange(1), metavar="N", help="Only the N nearest.")
@click.option("--paper", is_flag=True, help="The list of the DROCC paper (marvin, seven, forward, follow).")
@click.option("--json", "as_json", is_flag=True, help="One JSON list.")
@click.option(
    "--speak",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Speak the words and write clips and manifest.csv into DIR.",
)
@click.option("--play", is_flag=True, help="Play the spoken clips one after another.")
@click.option("--clips", type=click.IntRange(1), default=4, show_default=True, metavar="N", help="Clips of each word.")
@click.option("--engines", metavar="A,B", help="Only these speech engines (kokoro, hibari, pico, espeak, pyttsx3).")
@click.option(
    "--split",
    type=click.Choice(["train", "validation", "test"]),
    default="train",
    show_default=True,
    help="Whose voices speak: no speaker is in two of these.",
)
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True)
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="Processes that speak.  [default: one a core]")
@click.option("--check", is_flag=True, help="Drop the clips in which a recognizer hears PHRASE, and count them.")
def close_negatives(
    phrase: str,
    most: int | None,
    paper: bool,
    as_json: bool,
    folder: Path | None,
    play: bool,
    clips: int,
    engines: str | None,
    split: str,
    seed: int,
    jobs: int | None,
    check: bool,
) -> None:  # fmt: skip
    """List words that sound almost like PHRASE: spelling, phonemes, distance, and why each is there.

    The distance is in edits per phoneme: 0 would be the same sound. The lists are near (the whole word), inside (like
    a piece of it), rhyme (the same ending), exchange (one word of several exchanged), truncation, swap and repeat.

    With --speak or --play the words are spoken instead, in many voices, accents, rates and pitches. What was spoken
    once is kept in the user's cache folder, and a run that was killed goes on where it was.
    """
    if as_json and (folder or play):
        raise click.UsageError("--json lists the words, and --speak and --play speak them: give one or the other.")
    refuse_without("folder play", "clips", "engines", "split", "seed", "jobs", "check")
    if paper:
        from close_negatives.paper import paper_words

        words = paper_words(phrase)
    else:
        from close_negatives.words import mine

        words = mine(phrase)
    words = words[:most]
    if folder or play:
        from wakeword.cli.speaking import Speaking, speak_words

        speak_words(words, Speaking(phrase, folder, play, clips, engines, split, seed, jobs, check))  # type: ignore[arg-type]
    elif as_json:
        click.echo(json.dumps([dataclasses.asdict(word) for word in words], indent=1, ensure_ascii=False))
    elif sys.stdout.isatty():
        _show_table(phrase, words)
    else:
        for word in words:
            click.echo("\t".join((word.text, " ".join(word.phonemes), f"{word.distance:.3f}", word.reason)))


def _show_table(phrase: str, words: list[CloseWord]) -> None:
    """The table for a person's terminal; what is piped is lines with tabs."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{len(words)} close negatives of {' '.join(phrase.split())}", title_justify="left")
    table.add_column("word", style="bold")
    table.add_column("phonemes")
    table.add_column("distance", justify="right")
    table.add_column("list")
    for word in words:
        table.add_row(word.text, " ".join(word.phonemes), f"{word.distance:.3f}", word.reason)
    Console().print(table)
