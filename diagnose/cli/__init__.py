"""The `ttsdoc` command: arguments in, text out, exit status back. Heavy imports wait until a command needs them."""

from __future__ import annotations

import gc
import os
import pkgutil
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from importlib import import_module
from io import StringIO, TextIOWrapper
from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from diagnose import __version__
from diagnose.clean import plain
from diagnose.cli.examples import show

# A command is a function in the module of its name; a module that holds more has a `register`. `ttsdoc --help` lists
# these first, the others by name.
FIRST = ("analyze", "fix", "train", "watch", "heal", "compare", "report", "config", "explain", "doctor", "data")

# Commands that are in the module of another.
HOMES = {"check": "config", "say": "train"}


def main() -> int:
    """Run the command line. Returns the exit status: 0, 1 findings, 2 bad input, 130 Ctrl-C, 141 the reader left."""
    gc.set_threshold(100_000)  # what is imported stays: looking for garbage in it is a twentieth of a short command
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by `>&-`
            setattr(sys, name, Path(os.devnull).open("r+"))  # noqa: SIM115 - it lives as long as the process
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a letter that the terminal lacks is no reason to stop
    try:
        outcome = command_line(sys.argv[1:])(standalone_mode=False)
        sys.stdout.flush()
    except typer.Exit as stop:
        outcome = stop.exit_code
    except (KeyboardInterrupt, typer.Abort):
        outcome = 130
    except (BrokenPipeError, SystemExit):  # the second is how typer ends where `ttsdoc ... | head` has read enough
        outcome = 141
    except Exception as error:
        outcome = _report(error)
    _drop_unwritten()
    return outcome if isinstance(outcome, int) else 0


def _drop_unwritten() -> None:
    """Let go of output that found no reader or no room: Python would try once more at its end, and complain itself."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
            continue
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _report(error: Exception) -> int:
    """Print an error, always as lines that no terminal acts on. Status 2: scripts read 1 as findings."""
    from diagnose.errors import TtsdocError, unforeseen

    if hasattr(error, "show"):  # a usage error of click's, whose class newer typers keep to themselves
        text = StringIO()
        error.show(file=text)
        message = "\n".join(plain(line) for line in text.getvalue().splitlines())
    else:
        known = isinstance(error, TtsdocError | OSError)
        reason = str(error) if known else unforeseen(error)
        if isinstance(error, OSError) and error.strerror:
            reason = f"{error.filename or 'output'}: {error.strerror}"
        message = f"ttsdoc: {plain(reason)}"
    with suppress(OSError):  # nobody listens
        print(message, file=sys.stderr)
    return 2


def _version(wanted: bool) -> None:
    if wanted:
        print(f"ttsdoc {__version__}")
        raise typer.Exit


def command_line(words: Sequence[str] = ()) -> typer.Typer:
    """All commands, or only the one that the first word names: reading all takes longer than to judge a small log."""
    app = typer.Typer(
        help="Find what is wrong with a training run, prove it, and write the corrected config.",
        epilog="Start with: ttsdoc analyze LOGS (a file, a folder, or - for what is pasted).",
        no_args_is_help=True,
        rich_markup_mode=None,  # plain help: importing rich would take longer than all the rest
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    names = [info.name for info in pkgutil.iter_modules(__path__)]
    home = HOMES.get(words[0], words[0]) if words else ""
    alone = _commands([home] if home in names else [])
    for name, module in alone or _commands([*FIRST, *sorted(set(names) - set(FIRST))]):
        if hasattr(module, "register"):
            module.register(app)
        else:
            app.command(name)(getattr(module, name))
    show(app)
    return app


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def _commands(names: Iterable[str]) -> list[tuple[str, ModuleType]]:
    modules = [(name, import_module(f"{__name__}.{name}")) for name in names]
    return [(name, module) for name, module in modules if hasattr(module, "register") or hasattr(module, name)]


def __getattr__(name: str) -> typer.Typer:
    """`app`: all commands, for what asks a typer program by this name."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return command_line()
