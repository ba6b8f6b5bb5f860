"""Answers of one key: from a terminal without Enter, from a pipe as the next character that is no space."""

from __future__ import annotations

import sys

import click


def at_a_terminal() -> bool:
    """Whether a person's keyboard is on standard input."""
    return sys.stdin is not None and sys.stdin.isatty()


def next_key() -> str:
    """The next key in lower case; "\\n" is Enter (at a terminal only), and "" says that there will be no more.

    Ctrl-C raises KeyboardInterrupt.
    """
    if at_a_terminal():
        try:
            key = click.getchar()
        except EOFError:  # Ctrl-D
            return ""
        return "\n" if key in "\r\n" else key.casefold()
    if sys.stdin is None:
        return ""
    while key := sys.stdin.read(1):
        if not key.isspace():
            return key.casefold()
    return ""


def ask(choices: dict[str, str], enter: str = "") -> str:
    """Wait for one of the keys of ``choices`` (key -> what it does, shown in a line); Enter stands for ``enter``.

    "q" is returned where input is over, so it is to be among the choices.
    """
    shown = "  ".join(f"[{key}] {meaning}" for key, meaning in choices.items())
    click.echo(f"   {shown}  ", nl=False)
    while True:
        key = next_key()
        key = enter if key == "\n" else key or "q"
        if key in choices:
            click.echo(choices[key])
            return key
