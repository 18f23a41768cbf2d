"""Findings in TensorBoard: read back with TensorBoard's own reader, never with ours, and seen in a browser."""

from __future__ import annotations

import re
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from diagnose import analyze
from diagnose.errors import LogError
from diagnose.finding import Diagnosis
from diagnose.integrations.tensorboard import write_back
from tests import curves
from tests.browser import CHROMIUM, FLAGS
from tests.promises.commands import refused, ttsdoc
from tests.readers.events import scalar, version, write

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    values = curves.turned(curves.noisy(curves.descent()))
    write(tmp_path / "exp", [version(), *(scalar("train/loss", 10 * i, v, 1.7e9 + i) for i, v in enumerate(values))])
    return tmp_path / "exp"


def diagnosed(folder: Path) -> Diagnosis:
    (diagnosis,) = analyze(folder)
    return diagnosis


def read_back(folder: Path) -> dict[str, Any]:
    """Run below `folder` -> what TensorBoard's own reader finds in it."""
    found = {}
    for place in sorted({file.parent for file in folder.rglob("*tfevents*")}):
        accumulator = EventAccumulator(str(place), size_guidance={"scalars": 0, "tensors": 0})
        accumulator.Reload()
        found[str(place.relative_to(folder))] = accumulator
    return found


def test_each_cause_is_a_run_over_its_stretch_of_the_curve(logs: Path) -> None:
    diagnosis = diagnosed(logs)
    write_back(diagnosis)
    found = read_back(logs)
    cause = next(f for f in diagnosis.findings if f.alarming and f.explained_by is None and f.first_step is not None)
    points = found[f"ttsdoc/{cause.code} {cause.name}"].Scalars("train/loss")
    steps = [point.step for point in points]
    assert steps[0] >= cause.first_step
    assert steps[-1] <= (cause.last_step or cause.first_step)
    logged = {point.step: point.value for point in found["."].Scalars("train/loss")}
    assert all(logged[point.step] == pytest.approx(point.value) for point in points)


def test_each_finding_is_a_text_and_the_report_comes_first(logs: Path) -> None:
    diagnosis = diagnosed(logs)
    write_back(diagnosis)
    found = read_back(logs)
    (report,) = found["ttsdoc"].Tensors("ttsdoc/0 report")
    assert diagnosis.verdict.value in report.tensor_proto.string_val[0].decode()
    for finding in diagnosis.findings:
        (text,) = found[f"ttsdoc/{finding.code} {finding.name}"].Tensors(f"ttsdoc/{finding.code} {finding.name}")
        assert finding.code in text.tensor_proto.string_val[0].decode()


def test_the_users_files_stay_and_ttsdoc_does_not_read_its_own(logs: Path) -> None:
    before = {file: file.read_bytes() for file in logs.rglob("*") if file.is_file()}
    first = diagnosed(logs)
    write_back(first)
    again = diagnosed(logs.parent)
    assert all(file.read_bytes() == content for file, content in before.items())
    assert [f.message for f in again.findings] == [f.message for f in first.findings]
    assert set(again.run.curves) == set(first.run.curves)


def test_a_second_diagnosis_replaces_the_first_and_nothing_else(logs: Path) -> None:
    mine = logs / "ttsdoc" / "notes.txt"
    mine.parent.mkdir()
    mine.write_text("mine")
    for _ in range(2):
        write_back(diagnosed(logs))
    assert mine.read_text() == "mine"
    assert all(len(list(place.parent.glob("*.ttsdoc"))) == 1 for place in logs.rglob("*.ttsdoc"))


def test_hostile_tags_are_only_text(tmp_path: Path) -> None:
    tag = "loss <script>alert(1)</script> [x](javascript:alert(1))"
    values = curves.turned(curves.noisy(curves.descent()))
    write(tmp_path, [version(), *(scalar(tag, i, v) for i, v in enumerate(values))])
    write_back(diagnosed(tmp_path))
    texts = [
        tensor.tensor_proto.string_val[0].decode()
        for run in read_back(tmp_path / "ttsdoc").values()
        for name in run.Tags()["tensors"]
        for tensor in run.Tensors(name)
    ]
    assert texts
    assert any("script" in text for text in texts)
    bare = [re.sub(r"`[^`]*`", "", text) for text in texts]  # in a code span nothing is markup
    assert not any(re.search(r"(?<!\\)(<script|\]\()", text) for text in bare)


def test_a_log_that_is_none_of_tensorboards_is_refused_in_one_line(tmp_path: Path) -> None:
    steps = np.arange(100)
    (tmp_path / "log.csv").write_text("step,loss\n" + "".join(f"{s},{1 / (s + 1)}\n" for s in steps))
    with pytest.raises(LogError, match="no event files"):
        write_back(diagnosed(tmp_path / "log.csv"))


def test_the_command_line_writes_it_and_says_where(logs: Path) -> None:
    command = [sys.executable, "-m", "diagnose", "analyze", str(logs), "--write-tensorboard"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert str(logs / "ttsdoc") in done.stderr
    assert (logs / "ttsdoc").is_dir()


@pytest.fixture
def tensorboard(logs: Path) -> Iterator[str]:
    """The address of a real TensorBoard that shows what was written back."""
    write_back(diagnosed(logs))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logs.parent), "--port", str(port)]
    process = subprocess.Popen([*command, "--load_fast=false"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(300):
        with socket.socket() as door:
            if door.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.2)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait()


def test_where_there_is_no_room_it_is_one_line_and_nothing_is_left(logs: Path) -> None:
    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))  # bytes of a file

    refused(ttsdoc("analyze", logs, "--write-tensorboard", preexec_fn=no_room), str(logs), "too large")
    assert not list(logs.rglob("*.ttsdoc"))


@pytest.mark.integration
@pytest.mark.skipif(find_spec("playwright") is None or not CHROMIUM.exists(), reason="no Chromium here")
def test_a_real_tensorboard_shows_the_findings(tensorboard: str) -> None:
    from playwright.sync_api import expect, sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.goto(f"{tensorboard}/#text")
        expect(page.get_by_text("What to do:").first).to_be_visible(timeout=60_000)
        expect(page.get_by_text("ttsdoc explain STB002").first).to_be_visible()
        page.goto(f"{tensorboard}/#timeseries")
        page.reload()
        expect(page.get_by_text("exp/ttsdoc/").first).to_be_visible(timeout=60_000)
        browser.close()
