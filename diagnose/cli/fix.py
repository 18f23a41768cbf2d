"""`ttsdoc fix`: the config with only those values changed that the evidence calls for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from diagnose.clean import plain
from diagnose.cli.completion import parameters
from diagnose.cli.options import Dialect, Family, Ignore, Samples, Select, TrainTag, ValTag, checks_of

if TYPE_CHECKING:
    from diagnose.plan import Plan


def fix(
    config: Annotated[Path, typer.Argument(help="The training config: YAML, JSON, TOML or Python.")],
    logs: Annotated[
        list[Path] | None, typer.Option(help="Its logs, where its own log_dir does not lead to them.")
    ] = None,
    samples: Samples = None,
    family: Family = None,
    train_tag: TrainTag = None,
    val_tag: ValTag = None,
    trainer: Annotated[
        Path | None, typer.Option(help="The trainer's source: edits to keys it ignores are refused.")
    ] = None,
    dialect: Dialect = None,
    only: Annotated[
        str | None, typer.Option(help="Change only these parameters (comma-separated).", autocompletion=parameters)
    ] = None,
    unsafe: Annotated[bool, typer.Option(help="Include the edits that are not safe.")] = False,
    minimal: Annotated[
        bool, typer.Option(help="Only edits that a measurement or a source supports, not those of the guide alone.")
    ] = False,
    select: Select = None,
    ignore: Ignore = None,
    diff: Annotated[bool, typer.Option(help="Print a unified diff instead of the config.")] = False,
    in_place: Annotated[bool, typer.Option(help="Rewrite the file; the old one is kept as CONFIG.bak.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with status 1 if it would change.")
    ] = False,
) -> None:
    """Write a config again with only the harmful values changed."""
    from diagnose.api import fix as correct
    from diagnose.facts import Hints
    from diagnose.report.screen import Screen
    from diagnose.report.terminal import render_plan

    if diff and in_place:
        raise typer.BadParameter("--diff writes nothing and --in-place rewrites the file: give one of them")
    hints = Hints(None, samples, family, train_tag, val_tag)
    names = None if only is None else _parameters(only, config, dialect)
    plan = correct(
        config,
        logs=logs or (),
        hints=hints,
        only=names,
        unsafe=unsafe,
        minimal=minimal,
        trainer=trainer,
        dialect=dialect,
        checks=checks_of(select, ignore),
    )
    sys.stderr.write(render_plan(plan, Screen.of_stdout()))
    if check:
        raise typer.Exit(int(plan.after != plan.before))
    _write(plan, config, diff=diff, in_place=in_place)


def _parameters(only: str, config: Path, dialect: Path | None) -> set[str]:
    """The canonical names in a comma-separated list of these, and of keys of the config."""
    from diagnose.config import read_config
    from diagnose.config.hyperparameters import HYPERPARAMETERS
    from diagnose.errors import did_you_mean
    from diagnose.project import config_file

    here = read_config(config_file(config), dialect=dialect).values
    keys = {key: name for name, one in here.items() for key in (one.path, one.path.rpartition(".")[2])}
    names = {keys.get(name.strip(), name.strip()) for name in only.split(",")}
    for name in sorted(names - HYPERPARAMETERS.keys()):
        hint = did_you_mean(name, HYPERPARAMETERS) or f"; this config has {', '.join(here)}"
        raise typer.BadParameter(f"--only: no parameter is called {name}{hint}")
    return names


def _write(plan: Plan, config: Path, *, diff: bool, in_place: bool) -> None:
    if diff:
        sys.stdout.write(plan.diff())
    elif in_place:
        from diagnose.files import rewrite

        if plan.after != plan.before:
            backup = rewrite(config, plan.after.encode("utf-8"))
            print(f"the old config is kept as {plain(str(backup))}", file=sys.stderr)
    else:
        sys.stdout.buffer.write(plan.after.encode("utf-8"))
