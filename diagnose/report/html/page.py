"""The page: what a diagnosis says, in a template that escapes every word of it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from diagnose import __version__
from diagnose.clean import plain
from diagnose.errors import TtsdocError
from diagnose.finding import Diagnosis
from diagnose.report.html.figures import comparison, run_figures
from diagnose.report.shown import command, shown
from diagnose.report.summary import counts, names, run_rows
from diagnose.report.table import loss_table
from diagnose.report.words import number, place_of, title
from diagnose.run import Attachment, Run

MOST_SOUNDS = 12
MOST_BYTES = 2_000_000
"""Of one sound: 45 s of 16-bit mono at 22 kHz."""
MOST_BYTES_IN_ALL = 8_000_000
KINDS = ((b"RIFF", "audio/wav"), (b"OggS", "audio/ogg"), (b"fLaC", "audio/flac"), (b"ID3", "audio/mpeg"))


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound of a step."""

    tag: str
    step: int
    content: bytes

    @property
    def mime(self) -> str | None:
        """The kind by the first bytes; None for what no browser plays."""
        return next((mime for start, mime in KINDS if self.content.startswith(start)), None)

    @property
    def address(self) -> str:
        """A data address."""
        return f"data:{self.mime};base64,{base64.b64encode(self.content).decode('ascii')}"


def wanted(run: Run, best_step: int | None) -> list[Attachment]:
    """For each tag the last sound and the one nearest to the best step, in the order of tags and steps."""
    tags: dict[str, list[Attachment]] = {}
    for attachment in run.attachments:
        if attachment.kind == "audio":
            tags.setdefault(attachment.tag, []).append(attachment)
    chosen: list[Attachment] = []
    for sounds in tags.values():
        near = sounds[-1] if best_step is None else min(sounds, key=lambda sound: abs(sound.step - best_step))
        chosen += sorted({id(one): one for one in (near, sounds[-1])}.values(), key=lambda sound: sound.step)
    return chosen[:MOST_SOUNDS]


def playable(attachments: Iterable[Attachment]) -> Iterator[Sound]:
    """The sounds that a page can hold and a browser can play. Reads them; what is gone is left out."""
    total = 0
    for attachment in attachments:
        try:
            sound = Sound(attachment.tag, attachment.step, attachment.load())
        except OSError:
            continue
        size = len(sound.content)
        if sound.mime is not None and size <= MOST_BYTES and total + size <= MOST_BYTES_IN_ALL:
            total += size
            yield sound


# Runs shown in full; the table has all.
MOST_IN_FULL = 8
# Styles that plotly would add for maps, which are not drawn here; it leaves out those whose element is there.
UNUSED_STYLE = re.compile(r'getElementById\("([0-9a-f]{32,})"\)\)\{var \w+=document\.createElement\("style"\)')
# An empty style element, which plotly makes and fills by script.
EMPTY_STYLE = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
NO_MARKUP = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})
"""For JSON that must end no script element."""


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
    drawn = {figure.name: figure.content for figure in figures}
    contents = json.dumps(drawn, separators=(",", ":"), allow_nan=False)
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
            contents=_trusted(contents.translate(NO_MARKUP)),
        )
    )


def _run_context(diagnosis: Diagnosis, name: str, index: int, extras: Extras) -> dict[str, Any]:
    what = shown(diagnosis)
    run, health, stop = diagnosis.run, diagnosis.run.health, diagnosis.stop
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
        "moments": stop.listen if stop else (),
        "places": [place_of(run, stop.metric, moment.step) for moment in stop.listen] if stop else [],
        "sounds": extras.sounds,
        "healing": healing_rows(extras.healing),
        "healed": healing_result(extras.healing),
        "skipped": diagnosis.skipped,
        "crashed": diagnosis.crashed,
        "notes": [f"{run.source} ({run.format})", *damage, *run.notes, *diagnosis.facts.notes],
    }


def healing_rows(healing: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The attempts of a `heal.json`, each with its edits in words; malformed entries are left out."""
    attempts = healing.get("attempts", ())
    known = [attempt for attempt in _list(attempts) if isinstance(attempt, Mapping)]
    return [
        {
            "number": str(attempt.get("number", index)),
            "config": str(attempt.get("config", "")),
            "edits": ", ".join(map(_edit_words, _list(attempt.get("edits")))),
            "findings": ", ".join(
                str(one.get("name", "") if isinstance(one, Mapping) else one) for one in _list(attempt.get("findings"))
            ),
            "loss": number(loss) if isinstance(loss := attempt.get("best_val_loss"), int | float) else "-",
            "accepted": ("yes" if accepted else "no") if isinstance(accepted := attempt.get("accepted"), bool) else "-",
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
        # Text without controls and without characters that reorder it; what we wrote ourselves as it is.
        finalize=lambda value: plain(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    return environment


NEEDED = "the page needs plotly and jinja2: pip install 'ttsdoc[report]'"


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


def _policy(scripts: Sequence[str], style: str) -> str:
    """Only these scripts and this style; pictures and sounds only from the page itself; no network at all."""
    allowed = " ".join(map(_hash, scripts)) or "'none'"
    fixed = "img-src data: blob:; media-src data:; base-uri 'none'; form-action 'none'"
    return f"default-src 'none'; script-src {allowed}; style-src {_hash(style)} {EMPTY_STYLE}; {fixed}"


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
