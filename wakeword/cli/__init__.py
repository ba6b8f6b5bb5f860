"""The ``wakeword`` command. Each sub-command is a module, imported only when it is called."""

from __future__ import annotations

import importlib
import io
import os
import sys
from typing import Any, NoReturn

import click
from threadpoolctl import threadpool_limits

from wakeword.errors import WakewordError
from wakeword.version import __version__

#: sub-command -> (module, attribute, one line for the overview)
COMMANDS = {
    "detect": ("wakeword.cli.detect", "detect", "Find keywords in sound files."),
    "listen": ("wakeword.cli.listen", "listen", "Hear keywords live on a microphone."),
    "calibrate": ("wakeword.cli.calibrate", "calibrate", "Set the threshold for your own room."),
    "serve": ("wakeword.cli.serve", "serve", "Serve keywords to Home Assistant (Wyoming)."),
    "demo": ("wakeword.cli.demo", "demo", "Hear the shipped recording, or --web: a page for the browser."),
    "train": ("wakeword.cli.train", "train", "Learn a keyword from recordings."),
    "pretrain": ("wakeword.cli.pretrain", "pretrain", "Teach a network the sounds of English."),
    "combine": ("wakeword.cli.combine", "combine", "Make one model of several for the same keyword."),
    "evaluate": ("wakeword.cli.evaluate", "evaluate", "Measure a model on recordings it never heard."),
    "close-negatives": ("wakeword.cli.close_negatives", "close_negatives", "List or speak words like a phrase."),
    "export": ("wakeword.cli.export", "export", "Write a model as an ONNX graph."),
    "bench": ("wakeword.cli.bench", "bench", "Rerun the experiments of the DROCC paper."),
    "models": ("wakeword.cli.models", "models", "List the bundled models."),
    "info": ("wakeword.cli.models", "info", "Show a model's card: figures, data, recipe, licence."),
    "record": ("wakeword.cli.record", "record", "Collect recordings of yourself saying a phrase."),
    "review": ("wakeword.cli.review", "review", "Play saved clips and label them with one key."),
    "mic-check": ("wakeword.cli.mic_check", "mic_check", "Measure whether a microphone is good enough."),
    "doctor": ("wakeword.cli.doctor", "doctor", "Check this installation and say how to mend it."),
    "devices": ("wakeword.cli.devices", "devices", "List the microphones."),
}


#: What makes batches for all cores; the others hear one sound after another.
_ON_ALL_CORES = {"train", "combine", "pretrain", "evaluate", "bench"}

#: package -> the extra that brings it, where it is not the one for training
EXTRAS = {"websockets": "serve", "wyoming": "serve", "zeroconf": "serve", "onnx": "export", "onnxruntime": "export"}


class _LazyGroup(click.Group):
    """Knows its sub-commands by name and help line; imports one only to run it or to show its own help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        found = importlib.import_module(module)  # and with it numpy, which must be there to be limited
        if cmd_name not in _ON_ALL_CORES:
            # A step of the network is too small to share: a second thread doubles the work and saves no time.
            threadpool_limits(1, user_api="blas")
        return getattr(found, attribute)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # the reader of a pipe went away, as `| head` does: not worth a word
            # Here, because click itself would exit with 1, which says that nothing was found.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="wakeword")
def cli() -> None:
    """Streaming wake-word detection that stays silent on words that sound like the keyword."""


def main(args: list[str] | None = None) -> NoReturn:
    """Run the command line; every error of the user's world is one sentence and exit code 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name that the terminal cannot show is no reason to stop
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code: Any = cli.main(args, prog_name="wakeword", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except WakewordError as error:
        click.echo(f"wakeword: {error}", err=True)
        code = 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("\nstopped", err=True)
        code = 130
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] == "wakeword":
            raise
        extra = EXTRAS.get(error.name.split(".")[0], "train")
        click.echo(f"wakeword: this needs {error.name}: install it with  pip install 'wakeword[{extra}]'", err=True)
        code = 2
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        click.echo(f"wakeword: {where}{error.strerror or error}", err=True)
        code = 2
    sys.exit(code if isinstance(code, int) else 0)
