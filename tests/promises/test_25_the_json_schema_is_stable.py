"""Promise 25: what `--format json` writes fits the published schema, whose keys are only ever added to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.promises.commands import ROOT, error_lines, ttsdoc

EXAMPLE = "examples/amharic"
COMMANDS = [
    f"analyze {EXAMPLE} --format json",
    "analyze examples/healthy --format json",
    f"check {EXAMPLE}/config.yaml --format json",
    f"config show {EXAMPLE}/config.yaml --format json",
    f"data stats {EXAMPLE}/data --format json",
    "doctor --format json",
]
# What version 1 promised on its first day. A key may be added anywhere; to take one away needs another version.
RUN = {"name", "source", "format", "verdict", "metrics", "findings", "prescriptions", "plan", "forecast", "stop"}
FINDING = {
    "code",
    "name",
    "severity",
    "confidence",
    "metric",
    "first_step",
    "last_step",
    "evidence",
    "message",
    "advice",
}
EDIT = {"parameter", "from", "to"}


@pytest.fixture(scope="module")
def schema() -> Any:
    return json.loads(ttsdoc("schema").stdout)


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_written_fits_the_schema(schema: Any, command: str) -> None:
    result = ttsdoc(*command.split())
    error_lines(result)
    document = json.loads(result.stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema)
    assert document["schema_version"] == schema["properties"]["schema_version"]["const"] == 1


def test_no_key_of_version_1_is_gone() -> None:
    (run,) = json.loads(ttsdoc("analyze", EXAMPLE, "--format", "json").stdout)["runs"]
    assert run.keys() >= RUN
    assert run["findings"]
    assert all(one.keys() >= FINDING for one in run["findings"])
    edits = [edit for one in run["prescriptions"] for edit in one["edits"]]
    assert edits
    assert all(edit.keys() >= EDIT for edit in edits)


def paths(value: Any, at: str = "") -> Iterator[str]:
    """Every key of a document with its way, members of lists as one. Each check names its evidence as it likes."""
    for key, child in value.items() if isinstance(value, dict) and not at.endswith(".evidence") else ():
        yield f"{at}.{key}"
        yield from paths(child, f"{at}.{key}")
    for child in value if isinstance(value, list) else ():
        yield from paths(child, f"{at}[]")


@pytest.mark.parametrize("example", ["amharic", "healthy", "overfitting"])
def test_the_keys_are_those_of_the_golden_file(example: str) -> None:
    golden = json.loads(Path(ROOT, "examples", example, "report.json").read_text("utf-8"))
    printed_now = json.loads(ttsdoc("analyze", f"examples/{example}", "--format", "json").stdout)
    assert set(paths(golden)) <= set(paths(printed_now))
