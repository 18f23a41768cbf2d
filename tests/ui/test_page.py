"""The page in a real browser with the bundled trainer: start, watch, listen, close, reopen, stop, continue, fix."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import yaml

from tests.browser import CHROMIUM, FLAGS

MISSING = [name for name in ("gradio", "plotly", "playwright", "torch") if find_spec(name) is None]
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(bool(MISSING) or not CHROMIUM.exists(), reason="no Chromium, gradio, playwright or torch here"),
]

PATIENCE = 60_000
"""Milliseconds for what a training does on a busy machine."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a data set and the config of a training that is ill and long enough to be watched."""
    from tests.trainer.tiny import CONFIG, data_set

    data_set(tmp_path / "words")
    config = yaml.safe_load(CONFIG)
    config["data"]["dataset_path"] = str(tmp_path / "words")
    config["training"] |= {
        "learning_rate": 0.03,
        "lr_scheduler": "constant",
        "warmup_steps": 20,
        "max_epochs": 3000,
        "early_stopping": False,
        "save_interval": 50,
        "eval_interval": 12,
    }
    config["logging"]["use_tensorboard"] = True
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(config), "utf-8")
    return tmp_path


@contextmanager
def served(root: Path, *options: str) -> Iterator[str]:
    """The address of `ttsdoc ui` on that folder."""
    command = [sys.executable, "-m", "diagnose", "ui", "--root", str(root), "--port", "0", *options]
    package = str(Path(__file__).resolve().parents[2])
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": package})
    assert process.stdout is not None
    with process, suppress(FileNotFoundError):
        yield process.stdout.readline().split()[-1]
        process.send_signal(signal.SIGINT)
        process.wait(60)
        for training in json.loads((root / ".ttsdoc" / "trainings.json").read_text("utf-8")):
            with suppress(ProcessLookupError):
                os.kill(training["pid"], signal.SIGKILL)


@pytest.fixture
def address(root: Path) -> Iterator[str]:
    with served(root) as address:
        yield address


@pytest.fixture
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield opened
        opened.close()


def opened(browser: Any, address: str, troubles: list[str]) -> Any:
    """A page that notes errors in its console and requests to anywhere else."""
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    page.set_default_timeout(PATIENCE)
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on(
        "request",
        lambda asked: None if asked.url.startswith((address, "data:", "blob:")) else troubles.append(asked.url),
    )
    page.goto(address)
    page.wait_for_selector("#start")
    return page


def test_a_training_is_started_watched_stopped_continued_and_fixed(browser: Any, address: str, root: Path) -> None:
    from playwright.sync_api import expect

    expect.set_options(timeout=PATIENCE)
    troubles: list[str] = []
    page = opened(browser, address, troubles)
    assert page.locator("#config textarea").input_value() == "config.yaml"
    page.locator("#start").click()
    expect(page.locator("#state")).to_contain_text("config is running")
    expect(page.locator("#chart .js-plotly-plot")).to_be_visible()
    expect(page.locator("#answer")).to_contain_text("unhealthy")
    expect(page.locator("#findings")).to_contain_text("overfitting")
    expect(page.locator("#diff")).to_contain_text("+++")
    expect(page.locator("#sample input")).to_have_value(re.compile(r"step \d+"))
    link = page.locator("#player a[download]")
    expect(link).to_be_visible()
    assert page.request.get(link.get_attribute("href")).body().startswith(b"RIFF")

    page.close()  # what runs does not mind
    page = opened(browser, address, troubles)
    expect(page.locator("#state")).to_contain_text("config is running")
    expect(page.locator("#findings")).to_contain_text("overfitting")

    page.locator("#stop").click()
    expect(page.locator("#state")).to_contain_text("config has ended")
    saved = sorted((root / "runs" / "config" / "checkpoints").iterdir())
    assert saved
    page.locator("#resume").click()
    expect(page.locator("#state")).to_contain_text("config is running")

    expect(page.locator("#apply-fix")).to_be_enabled()
    page.locator("#apply-fix").click()
    expect(page.locator("#state")).to_contain_text("config-fixed is running")
    before, fixed = ((root / "runs" / name).read_text("utf-8") for name in ("config/config.yaml", "config-fixed.yaml"))
    assert fixed != before
    assert yaml.safe_load(fixed)["data"]["dataset_path"] == str(root / "words")
    assert troubles == []


def test_any_folder_is_judged_and_a_foreign_path_is_refused(browser: Any, address: str, root: Path) -> None:
    from playwright.sync_api import expect

    (root / "log.csv").write_text("step,loss\n" + "".join(f"{10 * s},{2 + 1 / (s + 1):.4f}\n" for s in range(200)))
    page = opened(browser, address, [])
    page.get_by_role("tab", name="Judge a folder").click()
    page.locator("#folder textarea").fill("log.csv")
    page.locator("#judge").click()
    expect(page.locator("#verdict")).to_contain_text("healthy", timeout=PATIENCE)
    page.locator("#folder textarea").fill("/etc")
    page.locator("#judge").click()
    expect(page.locator("#verdict")).to_contain_text("outside the folder", timeout=PATIENCE)
    expect(page.locator("#verdict")).not_to_contain_text("healthy")  # the answer of the folder before


def test_a_data_set_is_merged_and_counted(browser: Any, address: str, root: Path) -> None:
    from playwright.sync_api import expect

    page = opened(browser, address, [])
    page.get_by_role("tab", name="Data").click()
    page.get_by_text("Merge data sets").click()
    page.locator("#sets textarea").fill("words")
    page.locator("#merge-out textarea").fill("joined")
    page.locator("#merge").click()
    expect(page.locator("#merged")).to_contain_text("30 clips", timeout=PATIENCE)
    page.get_by_text("Statistics").click()
    page.locator("#set textarea").fill("joined")
    page.locator("#stats").click()
    expect(page.locator("#counted")).to_contain_text("30 clips", timeout=PATIENCE)


def status(address: str, **headers: str) -> int:
    try:
        with urlopen(Request(address, headers=headers), timeout=60) as answer:
            return int(answer.status)
    except HTTPError as error:
        error.close()
        return error.code


def test_no_file_of_the_folder_is_served_and_no_other_site_is_answered(address: str, root: Path) -> None:
    assert status(address) == 200
    for path in (root / "config.yaml", Path("/etc/passwd"), root / "words" / ".." / "config.yaml", "config.yaml"):
        for route in ("gradio_api/file=", "file=", "gradio_api/file/"):
            assert status(f"{address}{route}{path}") in (403, 404)
    assert status(address, Host="evil.com") == 403
    assert status(address, Origin="http://evil.com") == 403
    assert status(f"{address}gradio_api/queue/join", Origin="http://evil.com") == 403


def test_with_a_token_the_page_works_for_who_has_it_and_for_nobody_else(browser: Any, root: Path) -> None:
    from playwright.sync_api import expect

    with served(root, "--token", "sesame") as address:
        assert address.endswith("?token=sesame")
        bare = address.partition("?")[0]
        assert status(bare) == status(f"{bare}gradio_api/info") == status(f"{bare}?token=wrong") == 403
        page = browser.new_page()
        page.goto(address)
        expect(page.locator("#state")).to_contain_text("No training was started yet", timeout=PATIENCE)
        assert "sesame" not in page.url


APP = """\
import gradio as gr
from diagnose.ui import build_tab
with gr.Blocks() as app, gr.Tabs():
    with gr.Tab("Mine"):
        gr.Markdown("hello")
    build_tab(".", ["python", "train.py", "--config", "{config}"])
print([part["props"].get("label") for part in app.config["components"] if part["type"] == "tabitem"])
"""


def test_the_tabs_are_in_an_app_of_ones_own(root: Path) -> None:
    package = str(Path(__file__).resolve().parents[2])
    environment = os.environ | {"PYTHONPATH": package}
    done = subprocess.run(
        [sys.executable, "-c", APP], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "['Mine', 'Training Pipeline', 'Judge a folder', 'Data']", done.stderr
