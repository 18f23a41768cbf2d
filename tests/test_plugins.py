"""Another package brings a check and a reader, a project its own presets: the commands know them like ours."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PYPROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"

[project]
name = "acme-ttsdoc"
version = "1.0"

[project.entry-points."ttsdoc.checks"]
acme = "acme_ttsdoc.checks"

[project.entry-points."ttsdoc.readers"]
acme = "acme_ttsdoc.reader"

[tool.setuptools]
packages = ["acme_ttsdoc"]
"""

CHECK = '''\
from collections.abc import Iterator

from diagnose import Check, Confidence, Evidence, Facts, Finding, Role, Severity


class TooShort(Check):
    """The run has fewer points than we want.

    ## Why it matters
    Acme pays by the night.

    ## How it is detected
    By counting.

    ## What to do
    Train longer.

    ## Blind spots
    None.
    """

    code = "ACM001"
    name = "acme-too-short"
    needs = (Role.TRAIN_LOSS,)

    fewest: int = 500
    """Points. Source: Acme's policy."""

    def check(self, facts: Facts) -> Iterator[Finding]:
        points = len(self.curve(facts, Role.TRAIN_LOSS))
        if points < self.fewest:
            evidence = [Evidence("points", points, self.fewest)]
            yield self.finding(Severity.ERROR, Confidence.HIGH, "train_loss", f"{points} points.", evidence=evidence)
'''

READER = """\
import numpy as np

from diagnose import Curve, Run, Source


def sniff(source: Source) -> int:
    return 100 if source.head(5) == b"ACME!" else 0


def read(source: Source) -> Run:
    values = np.array([float(word) for word in source.open().read().split()[1:]])
    return Run(source.label, source.name, "acme", {"loss": Curve("loss", np.arange(len(values)), values)})
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the package was installed by pip."""
    source, target = tmp_path_factory.mktemp("acme"), tmp_path_factory.mktemp("site")
    (source / "acme_ttsdoc").mkdir()
    (source / "pyproject.toml").write_text(PYPROJECT)
    (source / "acme_ttsdoc" / "__init__.py").write_text("")
    (source / "acme_ttsdoc" / "checks.py").write_text(CHECK)
    (source / "acme_ttsdoc" / "reader.py").write_text(READER)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", str(target), str(source)], check=True, capture_output=True)
    return target


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "run.acme"
    path.write_text("ACME! " + " ".join(f"{5 - n / 20:.3f}" for n in range(60)))
    return path


def ttsdoc(site: Path | None, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    paths = [str(path) for path in (site, Path(__file__).resolve().parents[1]) if path]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    command = [sys.executable, "-m", "diagnose", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=cwd, check=False)


def test_a_reader_of_another_package_reads_its_logs(installed: Path, log: Path) -> None:
    done = ttsdoc(installed, "analyze", str(log), "--format", "json")
    assert json.loads(done.stdout)["runs"][0]["format"] == "acme"


def test_a_check_of_another_package_judges_them(installed: Path, log: Path) -> None:
    done = ttsdoc(installed, "analyze", str(log), "--format", "json")
    assert "ACM001" in [finding["code"] for finding in json.loads(done.stdout)["runs"][0]["findings"]]
    assert done.returncode == 1


def test_explain_knows_it(installed: Path) -> None:
    done = ttsdoc(installed, "explain", "ACM001")
    assert "Acme pays by the night" in done.stdout


def test_select_and_ignore_know_it(installed: Path, log: Path) -> None:
    selected = ttsdoc(installed, "analyze", str(log), "--select", "acme-too-short", "--format", "json")
    assert {finding["code"] for finding in json.loads(selected.stdout)["runs"][0]["findings"]} == {"ACM001"}
    ignored = ttsdoc(installed, "analyze", str(log), "--ignore", "ACM", "--format", "json")
    assert "ACM001" not in {finding["code"] for finding in json.loads(ignored.stdout)["runs"][0]["findings"]}


def test_a_project_sets_its_thresholds_and_says_why_it_ignores(installed: Path, log: Path) -> None:
    (log.parent / "ttsdoc.toml").write_text('[thresholds.acme-too-short]\nfewest = 10\n\n[ignore]\nDAT = "not ours"\n')
    done = ttsdoc(installed, "analyze", str(log), "--format", "json", cwd=log.parent)
    codes = {finding["code"] for finding in json.loads(done.stdout)["runs"][0]["findings"]}
    assert not {code for code in codes if code.startswith(("ACM", "DAT"))}


def test_pyproject_serves_as_well(installed: Path, log: Path) -> None:
    (log.parent / "pyproject.toml").write_text('[tool.ttsdoc]\nselect = ["ACM001"]\n')
    done = ttsdoc(installed, "analyze", str(log), "--format", "json", cwd=log.parent)
    assert {finding["code"] for finding in json.loads(done.stdout)["runs"][0]["findings"]} == {"ACM001"}


WRONG = [
    pytest.param("selcet = []\n", "unknown key 'selcet'", id="a key that there is not"),
    pytest.param('select = ["overfiting"]\n', "did you mean overfitting?", id="a check that there is not"),
    pytest.param("[thresholds.overfitting]\nnonsense = 1\n", "no threshold 'nonsense'", id="a threshold"),
    pytest.param("select = [\n", "ttsdoc.toml", id="no TOML"),
    pytest.param("thresholds = 3\n", "ttsdoc.toml", id="a table that is none"),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_a_wrong_project_file_is_one_line(log: Path, text: str, said: str) -> None:
    log.write_text("\n".join(f"step {n} loss {5 - n / 20:.3f}" for n in range(60)))
    (log.parent / "ttsdoc.toml").write_text(text)
    done = ttsdoc(None, "analyze", str(log), cwd=log.parent)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


FORMAT = """\
name: acme
lines: ['^ACME (?P<step>\\d+) (?P<loss>{n})$']
roles: {train_loss: [loss]}
marker:
- 'ACME '
"""


def test_a_project_brings_its_own_format_in_any_yaml(tmp_path: Path) -> None:
    """The markers of ours are in one line, which is read without YAML; nobody else needs to know."""
    (tmp_path / "ttsdoc.toml").write_text('presets = "ours"\n')
    (tmp_path / "ours" / "formats").mkdir(parents=True)
    (tmp_path / "ours" / "formats" / "acme.yaml").write_text(FORMAT)
    (tmp_path / "run.log").write_text("ACME 1 3.0\nACME 2 2.5\nACME 3 2.0\n")
    done = ttsdoc(None, "analyze", "run.log", "--format", "json", cwd=tmp_path)
    assert json.loads(done.stdout)["runs"][0]["format"] == "acme"


DIALECT = """\
title: Acme trainer
order: 1
recognise:
- any: [acme]
keys:
  learning_rate: [acme.speed]
  max_epochs: [acme.rounds]
"""


def test_a_project_brings_its_own_dialect(tmp_path: Path) -> None:
    (tmp_path / "ttsdoc.toml").write_text('presets = "ours"\n')
    (tmp_path / "ours" / "dialects").mkdir(parents=True)
    (tmp_path / "ours" / "dialects" / "acme.yaml").write_text(DIALECT)
    (tmp_path / "config.yaml").write_text("acme:\n  speed: 0.001\n  rounds: 12\n")
    done = ttsdoc(None, "config", "show", "config.yaml", "--format", "json", cwd=tmp_path)
    shown = json.loads(done.stdout)
    assert shown["dialect"] == "acme"
    assert shown["values"]["learning_rate"]["value"] == 0.001
