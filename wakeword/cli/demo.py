"""``wakeword demo``: the bundled keyword in a recording of people the model never heard, or in a browser."""

from __future__ import annotations

import asyncio
import contextlib
import webbrowser

import click

from wakeword.cli.options import make_detector, refuse_together, refuse_without


@click.command()
@click.option("--fast", is_flag=True, help="Do not wait: as fast as the processor allows.")
@click.option("--mic", is_flag=True, help="Listen to the microphone instead of the recording.")
@click.option("--web", is_flag=True, help="Serve a page that listens to the browser's microphone and to files.")
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME|FILE",
    help="Another model; with --web several.  [default: happy, with --web all bundled models]",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where --web listens: this machine alone.")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0 takes a free one.")
@click.option("--open", "open_browser", is_flag=True, help="With --web, open the page in the browser.")
def demo(
    fast: bool, mic: bool, web: bool, models: tuple[str, ...], host: str, port: int, open_browser: bool
) -> None:  # fmt: skip
    """Replay a recording in which "happy" is said among other words, and find it.

    Exit code: 0 everything found and no false alarm, 1 not, 2 an error.
    """
    if web:
        if fast or mic:
            raise click.UsageError("--web excludes --fast and --mic: the page has its own buttons.")
        with contextlib.suppress(KeyboardInterrupt):  # the usual way to stop
            _serve(models, host, port, open_browser)
        return
    refuse_without("web", "host", "port", "open_browser")
    from demo import KEYWORD

    refuse_together("mic", "fast")
    if mic:
        from wakeword.cli import main

        main(["listen", *(f"--model={model}" for model in models or (KEYWORD,))])
    if len(models) > 1:
        raise click.UsageError("the recording is replayed with one --model; --web takes several.")
    from demo.terminal import run

    raise SystemExit(0 if run(models[0] if models else KEYWORD, fast) else 1)


def _serve(models: tuple[str, ...], host: str, port: int, open_browser: bool) -> None:
    from demo import KEYWORD, RECORDINGS, WEB
    from wakeword.server.web import Address, WebServer, run
    from wakeword.server.web_page import Page, is_loopback
    from wakeword.server.web_protocol import Words

    words = Words.of(make_detector(models, None, None))
    facts = {"words": words.describe(), "spoken": KEYWORD}
    page = Page.of_folder(WEB, facts, RECORDINGS / f"{KEYWORD}.flac")

    def started(url: str) -> None:
        reach = "this machine only" if is_loopback(host) else "whoever reaches this machine"
        click.echo(f"open {url} in a browser ({reach}; Ctrl-C stops)")
        if not is_loopback(host):
            click.echo(
                "the page has no password and no encryption, and browsers give a microphone only to a page of this "
                "machine or one behind https: from elsewhere only files can be heard",
                err=True,
            )
        if open_browser:
            webbrowser.open(url)

    asyncio.run(run(WebServer(page, words), Address(host, port), started))
