"""The `ttsdoc` command: arguments in, text out, exit status back. Heavy imports wait until a command needs them."""

from __future__ import annotations

import os
import pkgutil
import sys
from importlib import import_module
from io import StringIO, TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from diagnose import __version__
from diagnose.cli.examples import show

# A command is a module here that has a `register`; `ttsdoc --help` lists these first, the others by name.
FIRST = ("analyze", "fix", "train", "watch", "heal", "compare", "report", "config", "explain", "doctor", "data")

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
    """Print an error, always as lines that no terminal acts on. Status 2: scripts read 1 as findings."""
    from diagnose.clean import plain
    from diagnose.errors import TtsdocError, unforeseen

    if hasattr(error, "show"):  # a usage error of click's, whose class newer typers keep to themselves
        text = StringIO()
        error.show(file=text)
        message = "\n".join(plain(line) for line in text.getvalue().splitlines())
    else:
        known = isinstance(error, TtsdocError | OSError)
        reason = str(error) if known else unforeseen(error)
        if isinstance(error, OSError) and error.filename and error.strerror:
            reason = f"{error.filename}: {error.strerror}"
        message = f"ttsdoc: {plain(reason)}"
    print(message, file=sys.stderr)
    return 2


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


def _mount() -> None:
    names = [info.name for info in pkgutil.iter_modules(__path__)]
    for name in (*(name for name in FIRST if name in names), *sorted(set(names) - set(FIRST))):
        module = import_module(f"diagnose.cli.{name}")
        if hasattr(module, "register"):
            module.register(app)
    show(app)


try:
    _mount()
except KeyboardInterrupt:  # Ctrl-C while Python is still reading us
    raise SystemExit(130) from None
