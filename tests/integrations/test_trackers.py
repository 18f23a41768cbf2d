"""Findings in real experiment trackers on this machine."""

from __future__ import annotations

import math
import os
import sqlite3
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from diagnose.engine import examine
from diagnose.facts import Facts
from diagnose.integrations.loop import Doctor
from diagnose.integrations.trackers import mlflow_report, trackio_alert
from tests import curves
from tests.integrations.conftest import ALWAYS, falling

pytestmark = pytest.mark.filterwarnings("ignore")


def alert_in_trackio() -> None:
    """What a user's training does; in a process of its own, for trackio starts a server."""
    import trackio

    trackio.init(project="mine", name="one", embed=False)
    with Doctor(share=ALWAYS, on_finding=trackio_alert) as doctor:
        for step, loss in enumerate(falling(120), 1):
            doctor.log(step, loss=math.nan if step > 100 else loss)
    trackio.finish()


@pytest.mark.integration
@pytest.mark.skipif(find_spec("trackio") is None, reason="trackio is not installed")
def test_a_confirmed_finding_is_an_alert_in_trackio(root: Path, tmp_path: Path) -> None:
    code = "from tests.integrations.test_trackers import alert_in_trackio as run; run()"
    environment = os.environ | {"TRACKIO_DIR": str(tmp_path), "PYTHONPATH": str(root), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (database,) = tmp_path.glob("*.db")
    with sqlite3.connect(database) as connection:
        rows = connection.execute("select title, level from alerts").fetchall()
    assert ("NUM001 non-finite-loss", "error") in rows


@pytest.mark.integration
@pytest.mark.skipif(find_spec("mlflow") is None, reason="mlflow is not installed")
def test_the_verdict_and_the_report_are_in_the_mlflow_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    import mlflow

    mlflow.set_tracking_uri((tmp_path / "store").as_uri())
    mlflow.set_experiment("mine")
    diagnosis = examine(Facts(curves.training(curves.turned(curves.noisy(curves.descent())))))
    with mlflow.start_run() as run:
        mlflow_report(diagnosis)
    kept = mlflow.get_run(run.info.run_id)
    assert kept.data.tags["ttsdoc.verdict"] == "unhealthy"
    assert "STB002" in kept.data.tags["ttsdoc.findings"]
    assert {file.name for file in tmp_path.rglob("ttsdoc/*")} == {"report.md", "report.json"}
