"""What other programs read of a diagnosis: annotations, SARIF, JUnit, the schema; nothing in a log can forge them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from diagnose.engine import examine
from diagnose.facts import Facts
from diagnose.finding import Diagnosis
from diagnose.gather import facts_of_config
from diagnose.report.formats import github, junit, sarif
from diagnose.run import Curve, Role, Run
from tests import curves

HOSTILE = "loss\n::set-env name=A::b\r\n%0A::error::x\x1b[2J\x00\x0b\ufffe]]><script>&\u202e,a:b"
COMMAND = re.compile(r"::(error|warning|notice) (?:file=[^,:]+,line=\d+,)?title=[^:,\n]+::[^\n\r]*")


@pytest.fixture
def story(root: Path) -> Diagnosis:
    return examine(facts_of_config(root / "examples" / "amharic" / "config.yaml"))


@pytest.fixture
def hostile() -> Diagnosis:
    """A run whose name, tag and source are written by an enemy."""
    values = curves.turned(curves.noisy(curves.descent()))
    steps = curves.curve(Role.TRAIN_LOSS, values).steps
    curve = Curve(HOSTILE, steps, values, role=Role.TRAIN_LOSS)
    return examine(Facts(Run(HOSTILE, HOSTILE, "synthetic", {HOSTILE: curve})))


def ttsdoc(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "diagnose", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", cwd=cwd, check=False)


def test_each_finding_is_one_annotation_on_the_line_to_change(story: Diagnosis, root: Path) -> None:
    lines = github.render([story]).splitlines()
    assert len(lines) == len(story.findings)
    assert all(COMMAND.fullmatch(line) for line in lines)
    text = (root / "examples" / "amharic" / "config.yaml").read_text("utf-8").splitlines()
    (rate,) = [line for line in lines if "OPT001" in line]
    place = re.search(r"file=([^,]+),line=(\d+)", rate)
    assert place is not None
    assert Path(place[1]).name == "config.yaml"
    assert "learning_rate" in text[int(place[2]) - 1]


def test_no_log_can_forge_a_workflow_command(hostile: Diagnosis) -> None:
    lines = github.render([hostile]).split("\n")
    assert hostile.findings
    assert all(COMMAND.fullmatch(line) for line in lines[:-1])
    assert lines[-1] == ""
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", "".join(lines))


def test_what_is_not_sure_is_no_warning(story: Diagnosis) -> None:
    for finding, line in zip(story.findings, github.render([story]).splitlines(), strict=True):
        assert line.startswith("::notice") is not finding.alarming


def test_sarif_names_its_rules_and_places(story: Diagnosis) -> None:
    document = json.loads(sarif.render([story]))
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert document["version"] == "2.1.0"
    assert len(run["results"]) == len(story.findings)
    assert len({rule["id"] for rule in rules}) == len(rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"none", "note", "warning", "error"}
        assert result["message"]["text"]
        (location,) = result["locations"]
        assert location["physicalLocation"]["region"]["startLine"] >= 1


# The parts of the standard's schema that the output uses: required properties, types and allowed values.
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"enum": ["2.1.0"]},
        "runs": {"type": "array", "items": {"$ref": "#/$defs/run"}},
    },
    "additionalProperties": False,
    "$defs": {
        "text": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}},
        "run": {
            "required": ["tool"],
            "properties": {
                "tool": {"required": ["driver"], "properties": {"driver": {"$ref": "#/$defs/driver"}}},
                "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                "results": {"type": "array", "items": {"$ref": "#/$defs/result"}},
            },
            "additionalProperties": False,
        },
        "driver": {
            "required": ["name"],
            "properties": {"rules": {"type": "array", "uniqueItems": True, "items": {"$ref": "#/$defs/rule"}}},
        },
        "rule": {"required": ["id"], "properties": {"shortDescription": {"$ref": "#/$defs/text"}}},
        "result": {
            "required": ["message"],
            "properties": {
                "level": {"enum": ["none", "note", "warning", "error"]},
                "message": {"$ref": "#/$defs/text"},
                "ruleIndex": {"type": "integer", "minimum": -1},
                "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
                "locations": {
                    "type": "array",
                    "items": {
                        "properties": {
                            "physicalLocation": {
                                "anyOf": [{"required": ["address"]}, {"required": ["artifactLocation"]}],
                                "properties": {
                                    "artifactLocation": {"properties": {"uri": {"type": "string"}}},
                                    "region": {"properties": {"startLine": {"type": "integer", "minimum": 1}}},
                                },
                            }
                        }
                    },
                },
            },
        },
    },
}


def test_sarif_has_what_the_standard_requires(story: Diagnosis, hostile: Diagnosis) -> None:
    document = json.loads(sarif.render([story, hostile]))
    jsonschema.validate(document, SARIF)
    uris = [
        location["physicalLocation"]["artifactLocation"]["uri"]
        for result in document["runs"][0]["results"]
        for location in result.get("locations", [])
    ]
    assert all(re.fullmatch(r"[\w.~/%-]+", uri) for uri in uris)
    assert unquote(uris[-1]) == Path(HOSTILE).as_posix()


def test_a_sarif_without_findings_is_valid() -> None:
    jsonschema.validate(json.loads(sarif.render([])), SARIF)


def test_the_fingerprint_of_a_finding_survives_other_numbers(story: Diagnosis) -> None:
    again = examine(story.facts.until(3))
    marks = [
        {
            result["ruleId"]: result["partialFingerprints"]
            for result in json.loads(sarif.render([d]))["runs"][0]["results"]
        }
        for d in (story, again)
    ]
    common = marks[0].keys() & marks[1].keys()
    assert common
    assert all(marks[0][code] == marks[1][code] for code in common)


def test_junit_counts_what_failed_and_what_could_not_be_judged(story: Diagnosis) -> None:
    root = ET.fromstring(junit.render([story]))
    cases = root.findall("testsuite/testcase")
    failed = {finding.code for finding in story.findings if finding.alarming}
    assert root.get("tests") == str(len(cases))
    assert root.get("failures") == str(len(failed)) == str(len(root.findall(".//failure")))
    assert root.get("skipped") == str(len(story.skipped))
    assert all(len(case.findall("failure")) <= 1 for case in cases)
    assert any(len(case) == 0 for case in cases)


def test_no_log_can_break_the_xml(hostile: Diagnosis) -> None:
    text = junit.render([hostile])
    assert "set-env" in "".join(ET.fromstring(text).itertext()) + str(
        [case.attrib for case in ET.fromstring(text).iter()]
    )
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff\u202e]", text)


@pytest.mark.parametrize("form", ["github", "sarif", "junit"])
def test_the_command_line_writes_each_form_and_keeps_the_exit_status(root: Path, form: str) -> None:
    done = ttsdoc("analyze", "examples/amharic", "--format", form, cwd=root)
    assert done.returncode == 1
    assert "OPT001" in done.stdout
    checked = ttsdoc("check", "examples/amharic/config.yaml", "--format", form, cwd=root)
    assert "CFG003" in checked.stdout


def test_a_check_only_says_whether_the_config_would_change(root: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_bytes((root / "examples" / "amharic" / "config.yaml").read_bytes())
    logs = root / "examples" / "amharic" / "logs"
    done = ttsdoc("fix", config, "--logs", logs, "--check", cwd=root)
    assert (done.returncode, done.stdout) == (1, "")
    assert "learning_rate" in done.stderr
    fixed = ttsdoc("fix", config, "--logs", logs, "--samples", "525", cwd=root).stdout
    config.write_text(fixed, "utf-8")
    assert ttsdoc("fix", config, "--logs", logs, "--samples", "525", "--check", cwd=root).returncode == 0
    assert config.read_text("utf-8") == fixed


@pytest.fixture(scope="module")
def schema(root: Path) -> Any:
    return json.loads(ttsdoc("schema", cwd=root).stdout)


@pytest.mark.parametrize(
    ("command", "kind"),
    [
        (["analyze", "examples"], "analyze"),
        (["check", "examples/amharic/config.yaml"], "check"),
        (["config", "show", "examples/amharic/config.yaml"], "config"),
        (["data", "stats", "examples/amharic/data"], "dataset"),
        (["doctor"], "doctor"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_real_output_fits_the_schema(root: Path, schema: Any, command: list[str], kind: str) -> None:
    document = json.loads(ttsdoc(*command, "--format", "json", cwd=root).stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema)
    jsonschema.validate(document, {**schema, "anyOf": [{"$ref": f"#/$defs/{kind}"}]})


def unknown(value: Any, schema: Any, definitions: Any, path: str = "") -> list[str]:
    """Keys of a document that its schema does not describe."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].rpartition("/")[2]]
    options = [option for kind in ("anyOf", "allOf") for option in schema.get(kind, ()) if option.get("type") != "null"]
    if options:
        return [] if value is None else unknown(value, options[0], definitions, path)
    if isinstance(value, list):
        return [key for item in value for key in unknown(item, schema.get("items", {}), definitions, f"{path}[]")]
    if not isinstance(value, dict) or not (known := schema.get("properties")):
        return []
    here = [f"{path}.{key}" for key in value.keys() - known.keys()]
    inner = [unknown(item, known[key], definitions, f"{path}.{key}") for key, item in value.items() if key in known]
    return here + [key for keys in inner for key in keys]


def test_every_key_of_a_run_is_described(root: Path, schema: Any) -> None:
    document = json.loads(ttsdoc("analyze", "examples", "--format", "json", cwd=root).stdout)
    found = [key for run in document["runs"] for key in unknown(run, {"$ref": "#/$defs/run"}, schema["$defs"], "run")]
    assert sorted(set(found)) == [], "describe them in diagnose/report/output.schema.json"


def test_the_schema_refuses_what_is_no_output(root: Path, schema: Any) -> None:
    document = json.loads(ttsdoc("analyze", "examples/amharic", "--format", "json", cwd=root).stdout)
    document["runs"][0]["verdict"] = "sick"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema)
