"""Findings written into the experiment tracker that the training logs to: trackio and MLflow, where installed."""

from __future__ import annotations

from diagnose.clean import plain
from diagnose.finding import Diagnosis, Finding, Severity
from diagnose.report.line import what_to_do


def trackio_alert(finding: Finding) -> None:
    """An alert on the current trackio run: `Doctor(on_finding=trackio_alert)`."""
    import trackio

    level = trackio.AlertLevel
    levels = {Severity.ERROR: level.ERROR, Severity.WARNING: level.WARN, Severity.INFO: level.INFO}
    text = " ".join(filter(None, (plain(finding.message), what_to_do(finding))))
    trackio.alert(f"{finding.code} {finding.name}", text, levels[finding.severity])


def mlflow_report(diagnosis: Diagnosis, run_id: str | None = None) -> None:
    """The verdict and the codes as tags and the report as an artifact of an MLflow run; None: the active one."""
    import mlflow

    from diagnose.report import as_json, as_markdown

    codes = [finding.code for finding in diagnosis.findings if finding.alarming]
    tags = {"ttsdoc.verdict": diagnosis.verdict.value, "ttsdoc.findings": ", ".join(codes)}
    client = mlflow.MlflowClient()
    run = run_id or mlflow.active_run().info.run_id
    for name, value in tags.items():
        client.set_tag(run, name, value)
    client.log_text(run, as_markdown.render(diagnosis), "ttsdoc/report.md")
    client.log_text(run, as_json.dumps(as_json.diagnoses([diagnosis])), "ttsdoc/report.json")
