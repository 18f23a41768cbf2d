"""The page: what a diagnosis says, in a template that escapes every word of it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from diagnose import __version__
from diagnose.clean import plain
from diagnose.errors import TtsdocError
from diagnose.finding import Diagnosis
from diagnose.report.answer import command
from diagnose.report.html.figures import comparison, run_figures
from diagnose.report.html.sounds import Sound
from diagnose.report.shown import shown
from diagnose.report.summary import counts, names, run_rows
from diagnose.report.table import loss_table
from diagnose.report.words import number, place_of, title

# Runs shown in full; the table has all.
MOST_IN_FULL = 8
# Styles that plotly would add for maps, which are not drawn here; it leaves out those whose element is there.
UNUSED_STYLE = re.compile(r'getElementById\("([0-9a-f]{32,})"\)\)\{var \w+=document\.createElement\("style"\)')
# An empty style element, which plotly makes and fills by script.
EMPTY_STYLE = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"


@dataclass(frozen=True, slots=True)
class Extras:
    """What is beside a log and is shown with it."""

    sounds: Sequence[Sound] = ()
    healing: Mapping[str, Any] = field(default_factory=dict)
    """`heal.json`, as read."""


def page(diagnoses: Sequence[Diagnosis], extras: Mapping[int, Extras] = {}) -> str:
    """The whole page as text. `extras`: by the index of the diagnosis. Raises TtsdocError without its libraries."""
    environment = _environment()
    called = names(diagnoses)
    runs = [
        _run_context(one, called[index], index, extras.get(index, Extras()))
        for index, one in enumerate(diagnoses[:MOST_IN_FULL])
    ]
    compared = comparison(diagnoses, "compared") if len(diagnoses) > 1 else None
    figures = [figure for run in runs for figure in run["figures"]] + ([compared] if compared else [])
    scripts = [_plotly(), _text("page.js")] if figures else []
    style = _text("page.css")
    return str(
        environment.get_template("page.html.j2").render(
            policy=_policy(scripts, style),
            style=_trusted(style),
            scripts=[_trusted(script) for script in scripts],
            version=__version__,
            heading=f"ttsdoc: {counts(diagnoses)}" if len(diagnoses) > 1 else f"ttsdoc: {title(diagnoses[0].run)}",
            compared=compared,
            rows=run_rows(diagnoses) if len(diagnoses) > 1 else [],
            settings=_differing(diagnoses),
            runs=runs,
            hidden=max(0, len(diagnoses) - MOST_IN_FULL),
            unused=sorted({found for script in scripts for found in UNUSED_STYLE.findall(script)}),
            contents=_trusted(_json({figure.name: figure.content for figure in figures})),
        )
    )


def _run_context(diagnosis: Diagnosis, name: str, index: int, extras: Extras) -> dict[str, Any]:
    what = shown(diagnosis)
    run, health = diagnosis.run, diagnosis.run.health
    damage = [f"{health.bad_records} damaged records skipped"] if health.bad_records else []
    return {
        "id": f"run-{index}",
        "title": name,
        "verdict": diagnosis.verdict.value,
        "shown": what,
        "figures": run_figures(diagnosis, f"run-{index}"),
        "table": loss_table(diagnosis),
        "command": command(what.plan),
        "diff": what.plan.diff().splitlines() if what.plan.source else [],
        "moments": () if diagnosis.stop is None else diagnosis.stop.listen,
        "places": _places(diagnosis),
        "sounds": extras.sounds,
        "healing": healing_rows(extras.healing),
        "healed": healing_result(extras.healing),
        "skipped": diagnosis.skipped,
        "crashed": diagnosis.crashed,
        "notes": [f"{run.source} ({run.format})", *damage, *run.notes, *diagnosis.facts.notes],
    }


def _places(diagnosis: Diagnosis) -> list[str]:
    """Where the moments lie that are worth a listen."""
    stop = diagnosis.stop
    return [] if stop is None else [place_of(diagnosis.run, stop.metric, moment.step) for moment in stop.listen]


def healing_rows(healing: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The attempts of a `heal.json`, each with its edits in words; malformed entries are left out."""
    attempts = healing.get("attempts", ())
    known = [attempt for attempt in attempts if isinstance(attempt, Mapping)] if isinstance(attempts, list) else []
    return [
        {
            "number": str(attempt.get("number", index)),
            "config": str(attempt.get("config", "")),
            "edits": ", ".join(map(_edit_words, _list(attempt.get("edits")))),
            "findings": ", ".join(map(_finding_words, _list(attempt.get("findings")))),
            "loss": number(loss) if isinstance(loss := attempt.get("best_val_loss"), int | float) else "-",
            "accepted": {True: "yes", False: "no"}.get(attempt.get("accepted"), "-"),  # type: ignore[arg-type]  # any JSON
        }
        for index, attempt in enumerate(known, 1)
    ]


def healing_result(healing: Mapping[str, Any]) -> str:
    """How the healing ended, in a sentence; empty where the history does not say."""
    result = healing.get("result")
    if not isinstance(result, Mapping) or not result.get("verdict"):
        return ""
    attempt = result.get("attempt")
    return f"{result['verdict']}{'' if attempt is None else f', by attempt {attempt}'}"


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _edit_words(edit: object) -> str:
    if not isinstance(edit, Mapping):
        return str(edit)
    was, now = edit.get("from", edit.get("was")), edit.get("to", edit.get("now"))
    return f"{edit.get('parameter', '')} {was} to {now}"


def _finding_words(finding: object) -> str:
    return str(finding.get("name", "")) if isinstance(finding, Mapping) else str(finding)


def _differing(diagnoses: Sequence[Diagnosis]) -> dict[str, list[str]]:
    """Hyperparameter -> its value in each run shown, for those in which the runs differ whose config is known."""
    settings = [one.facts.settings for one in diagnoses[:MOST_IN_FULL]]
    known = [one for one in settings if one]
    names = dict.fromkeys(name for one in known for name in one)
    differing = [name for name in names if len({number(one.get(name)) for one in known}) > 1]
    return {name: [number(one.get(name)) for one in settings] for name in differing}


def _environment() -> Any:
    try:
        from jinja2 import Environment, FunctionLoader, StrictUndefined
    except ImportError as error:
        raise TtsdocError(NEEDED) from error
    environment = Environment(
        autoescape=True,
        loader=FunctionLoader(_text),
        undefined=StrictUndefined,
        finalize=_neutral,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    return environment


NEEDED = "the page needs plotly and jinja2: pip install 'ttsdoc[report]'"


def _neutral(value: Any) -> Any:
    """Text without controls and without characters that reorder it; what we wrote ourselves as it is."""
    return plain(value) if type(value) is str else value


def _trusted(text: str) -> Any:
    from markupsafe import Markup

    return Markup(text)  # noqa: S704 - our own style, scripts and JSON with every `<` escaped


def _text(name: str) -> str:
    return (files("diagnose.report.html") / name).read_text("utf-8")


def _plotly() -> str:
    try:
        from plotly.offline import get_plotlyjs
    except ImportError as error:
        raise TtsdocError(NEEDED) from error
    return str(get_plotlyjs()).replace("</script", "<\\/script")


def _json(content: object) -> str:
    """JSON that ends no script element."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _policy(scripts: Sequence[str], style: str) -> str:
    """Only these scripts and this style; pictures and sounds only from the page itself; no network at all."""
    allowed = " ".join(map(_hash, scripts)) or "'none'"
    styles = f"{_hash(style)} {EMPTY_STYLE}"
    return (
        f"default-src 'none'; script-src {allowed}; style-src {styles}; img-src data: blob:; media-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
