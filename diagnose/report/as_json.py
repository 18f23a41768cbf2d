"""Diagnoses as JSON: the contract with other people's scripts. Strict: NaN and inf become null."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np

from diagnose import __version__
from diagnose.clean import json_text
from diagnose.finding import Diagnosis, Edit, Finding, Operation
from diagnose.plan import Plan
from diagnose.report.shown import answer
from diagnose.run import Curve

SCHEMA_VERSION = 1


def envelope(**content: Any) -> dict[str, Any]:
    """`content` behind the keys that every JSON answer of ttsdoc begins with."""
    return {"schema_version": SCHEMA_VERSION, "tool": {"name": "ttsdoc", "version": __version__}, **content}


def dumps(content: Any) -> str:
    """Strict JSON, two spaces of indentation, a newline at the end."""
    return json_text(json.dumps(_strict(content), indent=2, allow_nan=False, ensure_ascii=False)) + "\n"


def line(content: Any) -> str:
    """The same on one line, for a stream of objects."""
    return json.dumps(_strict(content), allow_nan=False, ensure_ascii=False) + "\n"


def diagnoses(found: Iterable[Diagnosis]) -> dict[str, Any]:
    """The JSON of `ttsdoc analyze`."""
    return envelope(runs=[_run(diagnosis) for diagnosis in found])


def _run(diagnosis: Diagnosis) -> dict[str, Any]:
    run, made = diagnosis.run, diagnosis.plan
    return {
        "name": run.name,
        "source": run.source,
        "format": run.format,
        "family": diagnosis.facts.family,
        "samples": diagnosis.facts.samples,
        "verdict": diagnosis.verdict.value,
        "answer": asdict(answer(diagnosis, made)),
        "reasons": list(diagnosis.reasons),
        "metrics": {label: _metric(curve) for label, curve in run.labelled.items()},
        "findings": [finding_json(finding) for finding in diagnosis.findings],
        "prescriptions": [
            {key: getattr(one, key) for key in ("title", "safety", "why", "answers", "support", "expected")}
            | {"edits": [_edit(edit, diagnosis, made) for edit in one.edits]}
            for one in diagnosis.prescriptions
        ],
        "plan": plan_json(made),
        "forecast": None if diagnosis.forecast is None else asdict(diagnosis.forecast),
        "stop": None if diagnosis.stop is None else asdict(diagnosis.stop),
        "checkpoints": [asdict(checkpoint) for checkpoint in diagnosis.facts.checkpoints],
        "skipped": [asdict(skipped) for skipped in diagnosis.skipped],
        "crashed": [asdict(crashed) for crashed in diagnosis.crashed],
        "notes": [*run.notes, *diagnosis.facts.notes],
        "input_health": asdict(run.health),
    }


def _metric(curve: Curve) -> dict[str, Any]:
    known = curve.finite.values
    lowest = int(known.argmin()) if len(known) else None
    return {
        "tag": curve.tag,
        "axis": curve.axis.value,
        "counted": curve.counted,
        "points": len(curve),
        "first": curve.values[0] if len(curve) else None,
        "last": curve.values[-1] if len(curve) else None,
        "min": None if lowest is None else known[lowest],
        "min_step": None if lowest is None else curve.finite.steps[lowest],
    }


def finding_json(finding: Finding) -> dict[str, Any]:
    """One finding, as in the `findings` of every answer."""
    plain = ("code", "name", "severity", "confidence", "metric", "first_step", "last_step")
    return {
        **{key: getattr(finding, key) for key in plain},
        "evidence": finding.numbers,
        "evidence_detail": [asdict(evidence) for evidence in finding.evidence],
        **{key: getattr(finding, key) for key in ("message", "advice", "explained_by")},
        **({} if finding.line is None else {"line": finding.line}),
        **({"launch": finding.launch} if finding.launch else {}),
    }


def plan_json(made: Plan) -> dict[str, Any]:
    """What is changed, what is left and why, as `ttsdoc fix` does it."""
    return {"applied": list(map(asdict, made.applied)), "deferred": list(map(asdict, made.deferred))}


def _edit(edit: Edit, diagnosis: Diagnosis, made: Plan) -> dict[str, Any]:
    """`to` is null where the edit is not made, or depends on an old value that is not known."""
    applied = next((one for one in made.applied if one.parameter == edit.parameter), None)
    old = applied.was if applied else diagnosis.facts.settings.get(edit.parameter)
    known = {"parameter": edit.parameter, "from": old, "to": applied.now if applied else None}
    return known if edit.operation is Operation.SET else known | {edit.operation.value: edit.value}


def _strict(value: Any) -> Any:
    """The value in JSON's own types."""
    if isinstance(value, dict):
        return {str(key): _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        # Ten digits are more than any log holds and the same everywhere; the largest of floats would round to infinity.
        rounded = float(f"{value:.10g}")
        return None if not math.isfinite(value) else rounded if math.isfinite(rounded) else value
    return getattr(value, "value", value)
