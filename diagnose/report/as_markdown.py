"""A diagnosis as Markdown, for an issue or a pull request: the answer first, as in the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.clean import markdown, plain
from diagnose.finding import Diagnosis
from diagnose.report.shown import Shown, shown
from diagnose.report.table import Cell, loss_table
from diagnose.report.words import number, title


def render(diagnosis: Diagnosis) -> str:
    """The report of one run, ending with a newline."""
    return "\n".join(_lines(diagnosis)) + "\n"


def _lines(diagnosis: Diagnosis) -> Iterator[str]:
    run, what = diagnosis.run, shown(diagnosis)
    yield f"# ttsdoc: {markdown(title(run))}, {diagnosis.verdict.value}"
    yield ""
    yield from (f"- **{label}**: {prose(sentence)}" for label, sentence in what.answer)
    yield from ("", f"Read from {markdown(run.source)} ({run.format}):", "")
    yield from (f"- {prose(note)}" for note in (*run.notes, *diagnosis.facts.notes))
    yield from _evidence(what)
    yield from _loss_rows(diagnosis)
    yield from _changes(what)
    yield from _not_judged(diagnosis)


def prose(sentence: str) -> str:
    """The sentence with what is between backticks as code; not where a name in it looks like markup."""
    first, *parts = sentence.split("`")
    if len(parts) % 2:
        return markdown(sentence)
    coded = (
        f"`{plain(part)}`" if index % 2 == 0 and not {*"<>[]"} & {*part} else _inside(part)
        for index, part in enumerate(parts)
    )
    return _inside(first) + "".join(coded)


def _inside(part: str) -> str:
    """A part of a sentence, with the blanks at its ends, which a whole line would not keep."""
    blank = " " if part[:1] == " " else ""
    return f"{blank}{markdown(part)}{' ' if part[-1:] == ' ' and part.strip() else ''}"


def _evidence(what: Shown) -> Iterator[str]:
    if what.findings:
        yield from ("", "## Evidence", "")
    for one in what.findings:
        finding = one.finding
        indent = "  " if finding.explained_by else ""
        where = f" ({one.place})" if one.place else ""
        sure = f"confidence {finding.confidence.value}"
        yield f"{indent}- **{finding.severity.value} {one.name}**{where}, {sure}: {markdown(finding.message)}"
        if one.proof:
            yield f"{indent}  Evidence: {markdown(one.proof)}."
        yield from (f"{indent}  - {markdown(example)}" for example in finding.examples)
        if finding.advice:
            yield f"{indent}  {markdown(finding.advice)}"


def _loss_rows(diagnosis: Diagnosis) -> Iterator[str]:
    table = loss_table(diagnosis)
    if table is None:
        return
    headings = " | ".join(f"{markdown(heading)} | change" for heading in table.headings)
    yield from (
        "",
        f"| {'mean up to' if table.means else ''} | {headings} | |",
        "|---" + "|---:|---:" * len(table.headings) + "|---|",
    )
    for row in table.rows:
        yield f"| {row.label} | {' | '.join(map(_cell, row.cells))} | {row.note} |"


def _cell(cell: Cell | None) -> str:
    change = "" if cell is None or cell.change is None else f"{cell.change:+.1%}"
    return f"{'' if cell is None else number(cell.value)} | {change}"


def _changes(what: Shown) -> Iterator[str]:
    if what.changed:
        yield from ("", "## What to change", "", "| parameter | was | now | why |", "|---|---|---|---|")
    for row in what.changed:
        yield f"| {' | '.join(map(markdown, (row.parameter, row.was, row.now, row.why)))} |"
    left = [f"- {markdown(f'{row.parameter} (would be {row.now}): {row.blocked}')}" for row in what.left]
    yield from ("", "Not changed:", "", *left) if left else ()


def _not_judged(diagnosis: Diagnosis) -> Iterator[str]:
    if diagnosis.skipped:
        yield from ("", "<details><summary>Not judged</summary>", "")
        yield from (f"- {skipped.code} {skipped.name}: {markdown(skipped.reason)}" for skipped in diagnosis.skipped)
        yield from ("", "</details>")
