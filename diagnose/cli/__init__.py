"""The `ttsdoc` command: arguments in, text out, exit status back. Heavy imports wait until a command needs them."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from diagnose import __version__

# In the order in which `ttsdoc --help` lists them.
COMMANDS = ("analyze", "fix", "config", "trace", "train", "data", "explain", "selftest")

app = typer.Typer(
    help="Find what is wrong with a training run, prove it, and write the corrected config.",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: importing rich would take longer than all the rest
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> int:
    """Run the command line. Returns the exit status: 0, 1 findings, 2 bad input, 130 on Ctrl-C."""
    if sys.stdout is None:  # closed by `>&-`
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - it lives as long as the process
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a letter that the terminal lacks is no reason to stop
    try:
        outcome = app(standalone_mode=False)
    except typer.Exit as stop:
        outcome = stop.exit_code
    except (KeyboardInterrupt, typer.Abort):
        outcome = 130
    except BrokenPipeError:  # `ttsdoc ... | head` is no error
        sys.stderr.close()
        outcome = 0
    except Exception as error:
        outcome = _report(error)
    return outcome if isinstance(outcome, int) else 0


def _report(error: Exception) -> int:
    """Print an error that the user can repair as one line; anything else keeps its traceback."""
    from diagnose.errors import TtsdocError
    from diagnose.report.clean import plain

    if hasattr(error, "show"):  # a usage error of click's, whose class newer typers keep to themselves
        error.show()
        return 2
    if isinstance(error, TtsdocError | OSError):
        print(f"ttsdoc: {plain(str(error))}", file=sys.stderr)
        return 2
    raise error


def _version(wanted: bool) -> None:
    if wanted:
        print(f"ttsdoc {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


for command in COMMANDS:
    import_module(f"diagnose.cli.{command}").register(app)
