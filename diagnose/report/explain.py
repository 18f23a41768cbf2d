"""What a check looks for, why it matters, how it is detected, what to do: the same text for terminal and docs."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import MISSING, Field, fields
from textwrap import dedent
from typing import Any, cast

from diagnose.checks import every_check
from diagnose.checks._base import MEANING, Check

HEADINGS = ("Why it matters", "How it is detected", "What to do", "Blind spots")


def find_check(name: str) -> Check | None:
    """The check with this code or name, in any case; None where there is none."""
    wanted = name.strip().lower()
    return next((check for check in every_check() if wanted in (check.code.lower(), check.name)), None)


def explain(check: Check) -> str:
    """The check's documentation as Markdown, thresholds with their defaults and sources included."""
    lines = [f"# {check.code} {check.name}", "", _documentation(check)]
    if check.needs:
        lines += ["", f"Needs: {', '.join(MEANING[role] for role in check.needs)}."]
    if check.explained_by:
        lines += ["", f"Told under its cause when found together with: {', '.join(check.explained_by)}."]
    if check.part_of:
        lines += ["", f"Not told beside: {', '.join(check.part_of)}."]
    return "\n".join([*lines, *_thresholds(check)]) + "\n"


def every_explanation() -> str:
    """The text of `docs/checks.md`."""
    checks = every_check()
    rows = [
        f"| [{check.code}](#{check.code.lower()}-{check.name}) | {check.name} | {_summary(check)} |" for check in checks
    ]
    head = [
        "# Checks",
        "",
        "Generated from the checks themselves by `make golden`.",
        "",
        "| code | name | says |",
        "|---|---|---|",
    ]
    bodies = [re.sub(r"^(#+ )", r"#\1", explain(check), flags=re.MULTILINE) for check in checks]
    return "\n".join([*head, *rows, "", *bodies]).rstrip() + "\n"


def _documentation(check: Check) -> str:
    return inspect.cleandoc(check.__doc__ or "")


def _summary(check: Check) -> str:
    return " ".join(_documentation(check).split("\n\n")[0].split())


def _thresholds(check: Check) -> list[str]:
    declared = fields(cast("Any", check))
    if not declared:
        return []
    sources = _field_docstrings(type(check))
    rows = [f"| `{field.name}` | {_default(field)} | {sources.get(field.name, '')} |" for field in declared]
    return ["", "| threshold | default | meaning and source |", "|---|---|---|", *rows]


def _default(field: Field[Any]) -> str:
    return "" if field.default is MISSING else f"{field.default}"


def _field_docstrings(check: type[Check]) -> dict[str, str]:
    """The string or the comment that follows each field in the class body."""
    source = dedent(inspect.getsource(check))
    body = cast("ast.ClassDef", ast.parse(source).body[0]).body
    found: dict[str, str] = {}
    for statement, following in zip(body, [*body[1:], None], strict=True):
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            found[statement.target.id] = " ".join(str(following.value.value).split())
    return found
