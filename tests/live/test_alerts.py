"""Alerts, received by a real web server on this machine."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("apprise")

from diagnose.engine import examine
from diagnose.errors import TtsdocError
from diagnose.facts import Facts
from diagnose.finding import Diagnosis
from diagnose.live.alerts import Alerts
from diagnose.run import Curve, Role
from tests import curves

pytestmark = pytest.mark.filterwarnings("ignore")
SECRET = "s3cr3t-t0ken"


class Webhook:
    """What was posted to a port of this machine."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.status = 200
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                hook.paths.append(self.path)
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"json://user:{SECRET}@127.0.0.1:{self.server.server_port}/{SECRET}"


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    hook = Webhook()
    thread = threading.Thread(target=hook.server.serve_forever)
    thread.start()
    yield hook
    hook.server.shutdown()
    thread.join()
    hook.server.server_close()


@pytest.fixture
def unhealthy() -> Diagnosis:
    values = curves.turned(curves.noisy(curves.descent()))
    return examine(Facts(curves.training(values)))


def test_each_new_finding_is_one_message_with_its_step_and_what_to_do(webhook: Webhook, unhealthy: Diagnosis) -> None:
    alerts = Alerts([webhook.url])
    finding = next(finding for finding in unhealthy.findings if finding.alarming)
    assert alerts.finding(unhealthy.run, finding) == []
    assert alerts.finding(unhealthy.run, replace(finding, message="the same with other numbers")) == []
    (message,) = webhook.received
    assert finding.code in message["title"]
    assert finding.message in message["message"]
    assert f"{finding.first_step:,}" in message["message"]
    assert "What to do: " in message["message"]
    assert message["type"] in {"failure", "warning"}
    assert webhook.paths == [f"/{SECRET}"]


def test_the_end_says_the_verdict_and_the_best_step(webhook: Webhook, unhealthy: Diagnosis) -> None:
    assert Alerts([webhook.url]).end(unhealthy) == []
    (message,) = webhook.received
    assert unhealthy.verdict.value in message["title"]
    assert unhealthy.stop is not None
    assert f"{unhealthy.stop.best_step:,}" in message["message"]


def test_a_healthy_end_is_a_success(webhook: Webhook) -> None:
    Alerts([webhook.url]).end(examine(Facts(curves.training(curves.noisy(curves.descent())))))
    assert webhook.received[0]["type"] == "success"


def test_no_secret_is_said_when_a_message_is_refused(
    webhook: Webhook, unhealthy: Diagnosis, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    webhook.status = 403
    with caplog.at_level(logging.DEBUG):
        failed = Alerts([webhook.url]).end(unhealthy)
    assert failed == ["alert 1 (JSON) could not be delivered"]
    assert SECRET not in caplog.text + "".join(failed) + "".join(capfd.readouterr())


def test_no_secret_is_said_when_nobody_listens(unhealthy: Diagnosis, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        failed = Alerts([f"json://user:{SECRET}@127.0.0.1:9/{SECRET}"]).end(unhealthy)
    assert len(failed) == 1
    assert SECRET not in caplog.text + failed[0]


def test_an_address_that_is_none_is_refused_without_repeating_it(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(TtsdocError, match="address 2") as refused:
        Alerts(["json://127.0.0.1:9", f"nonsense://{SECRET}"])
    assert SECRET not in caplog.text + str(refused.value)


def test_the_name_of_a_run_is_only_text(webhook: Webhook) -> None:
    hostile = "x\x1b[2J\n@everyone <!channel>\u202e"
    values = curves.turned(curves.noisy(curves.descent()))
    curve = Curve(hostile, curves.curve(Role.TRAIN_LOSS, values).steps, values, role=Role.TRAIN_LOSS)
    run = replace(curves.run(curve), name=hostile)
    diagnosis = examine(Facts(run))
    Alerts([webhook.url]).end(diagnosis)
    text = webhook.received[0]["title"] + webhook.received[0]["message"]
    assert "everyone" in text
    assert not any(mark in text for mark in ("\x1b", "\u202e", "@everyone", "<!channel"))


def test_watch_sends_what_is_new_and_the_end_and_says_no_address(webhook: Webhook, tmp_path: Path) -> None:
    values = curves.turned(curves.noisy(curves.descent()))
    rows = "".join(f"{10 * step},{value}\n" for step, value in enumerate(values))
    (tmp_path / "log.csv").write_text(f"step,loss\n{rows}")
    command = [sys.executable, "-m", "diagnose", "watch", str(tmp_path / "log.csv"), "--once"]
    environment = os.environ | {"TTSDOC_NOTIFY": webhook.url}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    titles = [message["title"] for message in webhook.received]
    assert any("OPT001" in title for title in titles[:-1]), done.stderr
    assert not any("STB002" in title for title in titles)  # what OPT001 explains
    assert "has ended: unhealthy" in titles[-1]
    assert len(titles) == len(set(titles))
    assert SECRET not in done.stdout + done.stderr


def test_a_bad_address_is_refused_before_the_watch_begins(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "diagnose", "watch", str(tmp_path), "--notify", f"nonsense://{SECRET}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert SECRET not in done.stdout + done.stderr
