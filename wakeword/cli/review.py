"""``wakeword review``: listen to saved clips and label each with one key."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from wakeword.audio import read_mono
from wakeword.cli.devices import quiet_drivers
from wakeword.cli.keys import ask, at_a_terminal
from wakeword.cli.text import printable
from wakeword.errors import AudioError, WakewordError
from wakeword.labels import KEYWORD, NOT, SKIP, Item, Review
from wakeword.playback import play

_CHOICES = {"k": "keyword", "n": "not the keyword", "s": "skip", "p": "play again", "u": "undo", "q": "quit"}
_LABELS = {"k": KEYWORD, "n": NOT, "s": SKIP}


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--again", is_flag=True, help="Also those that have a label already.")
def review(folder: Path, again: bool) -> None:
    """Play the clips in DIR and label each with one key; the same command goes on where you stopped.

    The labels are kept in DIR/labels.json. What is the keyword is copied to DIR/positive, what is not to DIR/negative,
    cut to the window that decided: folders of 16 kHz clips for training. (With several keywords in DIR, each has a
    folder of its own.) Keys may also come from a pipe.
    """
    work = Review(folder)
    work.lay_out()
    queue = list(work.items if again else work.open_items)
    with quiet_drivers():
        _label_all(work, queue)
    counts = Counter(work.labels.values())
    click.echo(f"{counts[KEYWORD]} keyword, {counts[NOT]} not, {counts[SKIP]} skipped, {len(work.open_items)} to do")
    for path in work.folders():
        click.echo(f"for training: {path}")


def _label_all(work: Review, queue: list[Item]) -> None:
    """Ask for every item of the queue; undo puts the last one back to its front."""
    total, player = len(queue), _Player()
    while queue:
        item = queue[0]
        click.echo(f"{total - len(queue) + 1}/{total}  {_about(item)}")
        try:
            key = _ask(item, player)
            if key in _LABELS:
                work.label(item, _LABELS[key])
        except AudioError as error:
            click.echo(f"   {error}: skipped", err=True)
            key = "s"
        if key == "q":
            return
        if key == "u":
            undone = work.undo()
            if undone is None:
                click.echo("   nothing to undo")
            else:
                queue[:] = [undone, *(other for other in queue if other != undone)]
                total = max(total, len(queue))
            continue
        queue.pop(0)


def _ask(item: Item, player: _Player) -> str:
    if at_a_terminal():
        player.play(item)
    while (key := ask(_CHOICES)) == "p":
        player.play(item)
    return key


def _about(item: Item) -> str:
    clip = item.clip
    if clip is None:
        return printable(item.path.name)
    kind = clip.kind.replace("_", " ")
    return f"{printable(clip.keyword)}  {kind}  score {clip.score:.2f} (fires at {clip.threshold:.2f})  {clip.heard_at}"


class _Player:
    """Plays clips; where nothing can be played, says so once."""

    def __init__(self) -> None:
        self._silent = False

    def play(self, item: Item) -> None:
        """Raises AudioError where the file cannot be read."""
        samples = read_mono(item.path)
        try:
            play(samples)
        except WakewordError as error:
            if not self._silent:
                click.echo(f"   {error}", err=True)
            self._silent = True
