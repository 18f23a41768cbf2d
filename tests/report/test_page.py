"""The page, opened in a real browser: no error, no request, no word of a log that acts, small whatever the run."""

from __future__ import annotations

import io
import json
import re
import wave
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from diagnose.finding import Diagnosis
from diagnose.report.html.figures import alt_text, digits, run_figures
from diagnose.report.html.page import MOST_SOUNDS, Extras, Sound, healing_result, healing_rows, page, playable, wanted
from diagnose.report.panels import panels
from diagnose.run import Attachment, Curve, Role, Run
from tests.browser import CHROMIUM, FLAGS
from tests.report.diagnoses import curve, diagnosis, finding, overfit, run, stop
from tests.test_cli import ttsdoc

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM.exists():
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield opened
        opened.close()


@contextmanager
def opened(browser: Browser, text: str, tmp_path: Path, *, width: int = 1200, dark: bool = False) -> Iterator[Page]:
    """The page in a tab; fails where the browser reports an error or the page asks for anything."""
    path = tmp_path / "report.html"
    path.write_text(text, "utf-8")
    tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light")
    troubles: list[str] = []
    tab.on("console", lambda message: troubles.append(message.text))
    tab.on("pageerror", lambda error: troubles.append(str(error)))
    tab.on("request", lambda request: troubles.append(request.url) if request.url.startswith("http") else None)
    tab.goto(path.as_uri())
    tab.wait_for_selector("html[data-ready=yes]")
    yield tab
    assert troubles == []
    tab.close()


def unhealthy() -> Diagnosis:
    return diagnosis(overfit(floor=0.01), finding(), advice=stop())


def test_the_answer_is_before_the_curves_and_every_curve_has_words(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, page([unhealthy()]), tmp_path) as tab:
        assert tab.inner_text("h1").split() == ["ttsdoc:", "run", "unhealthy"]
        assert [term.inner_text() for term in tab.query_selector_all("dl.answer dt")] == ["Problem", "Do now", "Keep"]
        labels = [chart.get_attribute("aria-label") or "" for chart in tab.query_selector_all(".chart")]
        assert len(labels) == 2
        assert all("Validation loss starts at" in label and "FIT002" in label for label in labels)
        assert tab.locator(".chart .scatterlayer .trace").count() == 3
        assert tab.locator("dl.answer").bounding_box()["y"] < tab.locator(".chart").first.bounding_box()["y"]  # type: ignore[index]  # both are shown


def test_a_curve_is_enlarged_by_dragging_and_colours_change_by_a_click(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, page([unhealthy()]), tmp_path) as tab:
        before = tab.evaluate("document.querySelector('.chart').layout.xaxis.range")
        box = tab.locator(".chart .nsewdrag").first.bounding_box()
        assert box is not None
        tab.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 40)
        tab.mouse.down()
        tab.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 45, steps=5)
        tab.mouse.up()
        after = tab.evaluate("document.querySelector('.chart').layout.xaxis.range")
        assert after[1] - after[0] < 0.6 * (before[1] - before[0])
        ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        tab.click("#theme")
        assert tab.evaluate("getComputedStyle(document.body).backgroundColor") != ground
        assert tab.inner_text("#theme") == "Light colours"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_has_the_contrast_that_wcag_asks_for(browser: Browser, tmp_path: Path, dark: bool) -> None:
    with opened(browser, page([unhealthy()]), tmp_path, dark=dark) as tab:
        low = tab.evaluate(CONTRAST)
        assert low == []


def test_nothing_is_wider_than_a_phone(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, page([unhealthy(), unhealthy()]), tmp_path, width=360) as tab:
        assert tab.evaluate("document.documentElement.scrollWidth") <= 360
        assert not tab.locator(".modebar").first.is_visible()  # it would cover the legend


def test_headings_are_nested_without_a_gap(browser: Browser, tmp_path: Path) -> None:
    for shown in ([unhealthy()], [unhealthy(), unhealthy()]):
        with opened(browser, page(shown), tmp_path) as tab:
            levels = [
                int(tag) for tag in tab.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(h=>h.tagName[1])")
            ]
            assert levels.count(1) == 1
            assert all(after - before <= 1 for before, after in pairwise(levels)), levels


HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">\u202e\x1b[2J"


def test_text_from_a_log_is_shown_and_never_acted_on(browser: Browser, tmp_path: Path) -> None:
    curves = {one.tag + HOSTILE: one for one in overfit().curves.values()}
    parts = curve(f"loss/{HOSTILE}", Role.TRAIN_COMPONENT, list(range(1, 41)), [1.0] * 40)
    named = Run(HOSTILE, HOSTILE, "csv", curves | {parts.tag: parts}, notes=(HOSTILE,))
    of = diagnosis(named, finding(message=HOSTILE, advice=HOSTILE, examples=(HOSTILE,)), advice=stop(file=HOSTILE))
    healing = {"attempts": [{"config": HOSTILE, "edits": [HOSTILE], "findings": [{"name": HOSTILE}]}]}
    text = page([of], {0: Extras((Sound(HOSTILE, 1, sound()),), healing)})
    with opened(browser, text, tmp_path) as tab:
        assert "owned" not in tab.title().replace("'owned'", "")
        assert tab.locator("img").count() == 0
        assert "\u202e" not in tab.content()


def test_a_run_of_a_million_points_stays_below_a_megabyte(browser: Browser, tmp_path: Path) -> None:
    steps = np.arange(1_000_000)
    rng = np.random.default_rng(0)
    curves = [curve("loss", Role.TRAIN_LOSS, steps.tolist(), (2 + rng.random(len(steps))).tolist())]
    curves += [
        curve(f"loss/{part}", Role.TRAIN_COMPONENT, steps.tolist(), rng.random(len(steps)).tolist())
        for part in "abcdef"
    ]
    curves[0].values.flags.writeable = False
    text = page([diagnosis(run(*curves))])
    content = re.search(r'<script type="application/json" id="figures">(.*?)</script>', text)
    assert content is not None
    assert len(content.group(1)) < 500_000
    with opened(browser, text, tmp_path) as tab:
        assert tab.locator(".chart").count() == 2


def test_sounds_can_be_played(browser: Browser, tmp_path: Path) -> None:
    text = page([unhealthy()], {0: Extras((Sound("sample/a", 1200, sound()),))})
    with opened(browser, text, tmp_path) as tab:
        tab.wait_for_function("document.querySelector('audio').readyState > 0")
        assert tab.evaluate("document.querySelector('audio').duration") == pytest.approx(0.1, abs=0.01)
        assert tab.get_attribute("audio", "aria-label") == "sample/a, step 1200"


def test_runs_are_compared_in_a_table_and_a_chart(browser: Browser, tmp_path: Path) -> None:
    other = diagnosis(run(*overfit(best=39).curves.values(), name="better"), settings={"learning_rate": 1e-4})
    first = diagnosis(run(*overfit().curves.values(), name="worse"), finding(), settings={"learning_rate": 2e-4})
    with opened(browser, page([first, other]), tmp_path) as tab:
        assert tab.inner_text("h1").split("\n")[0] == "ttsdoc: 2 runs: 1 unhealthy, 1 healthy"
        assert tab.locator("#compared .trace").count() == 2
        assert "2.0e-04" in tab.content() or "0.0002" in tab.inner_text("main")
        tab.click("text=better")
        assert tab.evaluate("location.hash") == "#run-1"


def test_attempts_to_heal_are_shown_and_odd_ones_left_out() -> None:
    attempt = {
        "config": "a.yaml",
        "edits": [{"parameter": "learning_rate", "from": 2e-4, "to": 5e-5}],
        "findings": [{"name": "divergence"}],
        "best_val_loss": 1.23456,
        "accepted": True,
    }
    rows = healing_rows({"attempts": [attempt, "odd", {"findings": 3, "accepted": [True]}]})
    assert rows[0] == {
        "number": "1",
        "config": "a.yaml",
        "edits": "learning_rate 0.0002 to 5e-05",
        "findings": "divergence",
        "loss": "1.235",
        "accepted": "yes",
    }
    assert [row["accepted"] for row in rows] == ["yes", "-"]
    assert healing_rows({"attempts": "none"}) == []
    assert healing_result({"result": {"attempt": 2, "verdict": "cured"}}) == "cured, by attempt 2"
    assert healing_result({"result": "odd"}) == ""


def sound(seconds: float = 0.1) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\0" * int(8000 * seconds))
    return out.getvalue()


def attachments(steps: Sequence[int], content: bytes, tag: str = "a") -> tuple[Attachment, ...]:
    return tuple(Attachment("audio", tag, step, 0.0, lambda: content) for step in steps)


def test_of_many_sounds_the_best_and_the_last_of_each_tag_are_kept() -> None:
    of = Run("", "", "", {}, attachments=attachments([100, 200, 300], sound()) + attachments([300], sound(), "b"))
    assert [(one.tag, one.step) for one in wanted(of, 190)] == [("a", 200), ("a", 300), ("b", 300)]
    many = tuple(one for index in range(40) for one in attachments([1], sound(), f"t{index}"))
    assert len(wanted(Run("", "", "", {}, attachments=many), None)) == MOST_SOUNDS


def test_sounds_that_no_browser_plays_or_that_are_too_large_are_left_out() -> None:
    large = b"RIFF" + bytes(3_000_000)
    made = attachments([1], b"<html>") + attachments([2], large) + attachments([3], sound())
    assert [one.step for one in playable(made)] == [3]


def test_numbers_take_few_bytes_and_whole_ones_stay_whole() -> None:
    assert digits(np.array([1.0, 0.123456789, 1e20])) == [1, 0.123457, 1e20]


def test_the_words_of_a_chart_name_start_lowest_end_and_marks() -> None:
    text = alt_text(panels(unhealthy())[0])
    assert "Validation loss starts at" in text
    assert "FIT002 (overfitting) at epoch 10." in text


def test_the_command_writes_the_page_whole_and_says_where(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    done = ttsdoc("report", root / "examples" / "amharic", "-o", out)
    assert done.returncode == 0
    assert done.stdout == ""
    assert str(out) in done.stderr
    text = out.read_text("utf-8")
    assert "Content-Security-Policy" in text
    assert "unsafe" not in text[: text.index("<style>")]


def test_a_path_without_a_log_writes_nothing(tmp_path: Path) -> None:
    done = ttsdoc("report", tmp_path, "-o", tmp_path / "page.html")
    assert done.returncode == 2
    assert len(done.stderr.strip().split("\n")) == 1
    assert not (tmp_path / "page.html").exists()


def test_the_history_beside_a_log_is_shown(root: Path, tmp_path: Path) -> None:
    log = tmp_path / "metrics.csv"
    log.write_bytes((root / "examples" / "healthy" / "metrics.csv").read_bytes())
    history: dict[str, Any] = {
        "attempts": [{"config": "attempt_1.yaml", "edits": [], "findings": [], "accepted": True}]
    }
    (tmp_path / "heal.json").write_text(json.dumps(history), "utf-8")
    assert ttsdoc("report", log, "-o", tmp_path / "page.html").returncode == 0
    assert "attempt_1.yaml" in (tmp_path / "page.html").read_text("utf-8")


# Text nodes whose colour and the first opaque ground behind it differ by less than WCAG 2 AA asks for.
CONTRAST = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = (c) => {
    const linear = (v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
    const [r, g, b] = c.slice(0, 3).map((v) => linear(v / 255));
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const ground = (element) => {
    for (; element; element = element.parentElement) {
      const c = parse(getComputedStyle(element).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const low = [];
  for (const element of document.querySelectorAll("main *, header *, footer, .chart text")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || element.offsetParent === null && !element.ownerSVGElement) continue;
    const style = getComputedStyle(element);
    const colour = parse(element.ownerSVGElement ? style.fill : style.color);
    const [a, b] = [light(colour), light(ground(element))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) low.push([element.textContent.trim().slice(0, 40), ratio.toFixed(2)]);
  }
  return low;
}"""


def test_a_score_that_is_judged_alone_is_drawn_once() -> None:
    scores = np.linspace(0.1, 0.8, 30)
    judged = Curve("val/acc", np.arange(1, 31), scores, role=Role.SCORE, held_out=True)
    other = Curve("test/acc", np.arange(1, 31), scores - 0.05, role=Role.SCORE, held_out=True)
    figures = run_figures(diagnosis(Run("r", "r", "csv", {one.tag: one for one in (judged, other)})), "r")
    assert [figure.title for figure in figures] == ["Val/acc by step", "Error rates and scores by step"]
    assert [len(figure.content["data"]) for figure in figures] == [1, 1]
