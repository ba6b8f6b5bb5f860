"""``wakeword close-negatives``: the words that sound most like a phrase without being it."""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from close_negatives.words import CloseWord


@click.command("close-negatives")
@click.argument("phrase")
@click.option("--most", type=click.IntRange(1), metavar="N", help="Only the N nearest.")
@click.option("--paper", is_flag=True, help="The list of the DROCC paper (marvin, seven, forward, follow).")
@click.option("--json", "as_json", is_flag=True, help="One JSON list.")
def close_negatives(phrase: str, most: int | None, paper: bool, as_json: bool) -> None:
    """List words that sound almost like PHRASE: spelling, phonemes, distance, and why each is there.

    The distance is in edits per phoneme: 0 would be the same sound. The lists are near (the whole word), inside (like
    a piece of it), rhyme (the same ending), exchange (one word of several exchanged), truncation, swap and repeat.
    """
    if paper:
        from close_negatives.paper import paper_words

        words = paper_words(phrase)
    else:
        from close_negatives.words import mine

        words = mine(phrase)
    words = words[:most]
    if as_json:
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
