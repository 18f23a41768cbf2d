"""`ttsdoc config show` and `ttsdoc check`: what a config says, and what is wrong before anyone trains."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diagnose.cli.options import (
    Dialect,
    ExitZero,
    FailOn,
    FailOnSeverity,
    Format,
    Ignore,
    Samples,
    Select,
    TextOrJson,
    TextOrJsonFormat,
    answer,
    checks_of,
    status_of,
    tell,
)
from diagnose.report.formats import TEXT, rendered

if TYPE_CHECKING:
    from diagnose.checks.base import Check
    from diagnose.errors import TtsdocError
    from diagnose.facts import Facts
    from diagnose.finding import Diagnosis


File = Annotated[Path, typer.Argument(help="The training config: YAML, JSON, or a nanoGPT Python file.")]


def _gigabytes(text: str) -> float:
    """`24GB`, `24 GiB`, `24`. Raises BadParameter for anything else."""
    match = re.fullmatch(r"(?i)\s*(\d+(?:\.\d+)?)\s*(?:gi?b?)?\s*", text)
    if match is None or not 0 < float(match[1]) < MOST_GIGABYTES:
        raise typer.BadParameter(f"{text!r} is no amount of GPU memory; write it as 24GB")
    return float(match[1])


MOST_GIGABYTES = 10_000
Gpu = Annotated[
    float | None,
    typer.Option(parser=_gigabytes, metavar="24GB", help="Memory of one GPU: does the training fit, and which batch?"),
]


def register(app: typer.Typer) -> None:
    """Mount `config` and `check`."""
    group = typer.Typer(help="Read a training config.", no_args_is_help=True)
    group.command("show")(show)
    app.add_typer(group, name="config")
    app.command("check")(check)


def show(
    config: File, form: TextOrJsonFormat = TextOrJson.TEXT, dialect: Dialect = None, samples: Samples = None
) -> None:
    """Print what a config says, in canonical names.

    The dialect, each value and its place, and what follows from them.
    """
    from diagnose.config import read_config
    from diagnose.config.effective import effective
    from diagnose.facts import NOTHING_LOGGED, Hints
    from diagnose.gather import facts_of
    from diagnose.report.config import config_json, config_text

    read = read_config(config, dialect=dialect)
    derived = effective(read, facts_of(NOTHING_LOGGED, Hints(samples=samples), read).train_samples)
    answer(form, lambda: config_json(read, derived), lambda screen: config_text(read, derived, screen))


def check(
    configs: Annotated[list[Path], typer.Argument(help="Training configs: YAML, JSON, or a nanoGPT Python file.")],
    trainer: Annotated[Path | None, typer.Option(help="The trainer's source: report the keys that it ignores.")] = None,
    data: Annotated[Path | None, typer.Option(help="The data set: report what is wrong with it.")] = None,
    form: Format = TEXT,
    dialect: Dialect = None,
    samples: Samples = None,
    gpu: Gpu = None,
    select: Select = None,
    ignore: Ignore = None,
    fail_on: FailOnSeverity = FailOn.WARNING,
    exit_zero: ExitZero = False,
) -> None:
    """Look at a config before a GPU hour is spent.

    At its data set and its trainer too.
    """
    if form == "json" and len(configs) > 1:
        raise typer.BadParameter("--format json is of one config; check each of them alone")
    checks = checks_of(select, ignore)
    known = [_facts_or_reason(config, trainer, data, dialect, samples) for config in configs]
    refused = [error for error in known if isinstance(error, Exception)]
    if len(refused) == len(configs):
        raise refused[0]
    tell(*refused)
    found = _checked([facts for facts in known if not isinstance(facts, Exception)], form, checks, gpu)
    raise typer.Exit(2 if refused else 0 if exit_zero else status_of(found, fail_on))


def _facts_or_reason(
    config: Path, trainer: Path | None, data: Path | None, dialect: Path | None, samples: int | None
) -> Facts | TtsdocError:
    """What is known of a config; why it cannot be read, so that it does not hide what is wrong with the others."""
    from diagnose.errors import TtsdocError
    from diagnose.facts import Hints
    from diagnose.gather import facts_before_training

    try:
        return facts_before_training(config, hints=Hints(samples=samples), trainer=trainer, data=data, dialect=dialect)
    except TtsdocError as error:
        return error


def _checked(seen: list[Facts], form: str, checks: tuple[Check, ...] | None, gpu: float | None) -> list[Diagnosis]:
    """Print what is found in each."""
    from diagnose.engine import examine
    from diagnose.report.as_json import dumps, envelope
    from diagnose.report.config import check_json, check_text
    from diagnose.report.screen import Screen

    found = [examine(facts, checks=checks) for facts in seen]
    if form == "json":
        sys.stdout.write("".join(dumps(envelope(**check_json(diagnosis, gpu))) for diagnosis in found))
    elif form != TEXT:
        sys.stdout.write(rendered(found, form))
    else:
        sys.stdout.write("\n".join(check_text(diagnosis, Screen.of_stdout(), gpu) for diagnosis in found))
    return found
