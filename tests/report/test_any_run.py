"""No run, however odd, breaks a report: every renderer, on generated curves of any axis, with NaN, inf and repeats."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnose.engine import examine
from diagnose.facts import Facts
from diagnose.finding import Diagnosis
from diagnose.report import as_json, as_markdown
from diagnose.report.html.page import page
from diagnose.report.line import one_line
from diagnose.report.screen import Screen
from diagnose.report.summary import as_csv, as_table
from diagnose.report.terminal import render
from diagnose.run import Axis, Curve, Role, Run
from tests.report.diagnoses import diagnosis, finding, stop

ROLES = [None, *Role]
VALUES = st.one_of(st.floats(-10, 10), st.floats(width=64), st.sampled_from([0.0, np.nan, np.inf, -np.inf, 1e308]))


@st.composite
def curves(draw: st.DrawFn, tag: str) -> Curve:
    count = draw(st.integers(1, 25))
    values = draw(st.lists(VALUES, min_size=count, max_size=count))
    steps = np.sort(draw(st.lists(st.integers(0, 10**7), min_size=count, max_size=count)))
    timed = draw(st.booleans())
    epochs = np.floor(np.linspace(0, draw(st.integers(0, 9)), count)) if draw(st.booleans()) else None
    return Curve(
        tag,
        steps,
        np.array(values),
        wall_times=np.linspace(0.0, 3600.0, count) if timed else None,
        epochs=epochs,
        role=draw(st.sampled_from(ROLES)),
        axis=draw(st.sampled_from(list(Axis))),
    )


@st.composite
def diagnoses(draw: st.DrawFn) -> Diagnosis:
    made = {f"c{index}": draw(curves(f"c{index}")) for index in range(draw(st.integers(0, 4)))}
    of = Run(draw(st.text(max_size=8)), "/logs/x.csv", "csv", made)
    if draw(st.booleans()):
        return examine(Facts(of))
    metric = draw(st.sampled_from(["val_loss", "train_loss", "grad_norm", "config", "c0"]))
    first = draw(st.integers(0, 10**7))
    seen = finding(metric=metric, first_step=first, last_step=first + draw(st.integers(0, 100)))
    return diagnosis(of, seen, advice=stop(first))


@settings(max_examples=150, deadline=None)
@given(diagnoses(), st.integers(40, 200), st.booleans())
def test_every_renderer_takes_every_run(of: Diagnosis, width: int, unicode: bool) -> None:
    screen = Screen(width, unicode=unicode)
    with np.errstate(all="ignore"):
        text = render(of, screen, verbose=unicode)
        assert max(map(len, text.split("\n")[1:])) <= width  # the first line keeps the name of the run whole
        assert unicode or text.isascii()
        assert len(one_line(of, screen).splitlines()) == 1
        assert as_markdown.render(of)
        assert as_table([of, of], screen)
        assert len(as_csv([of]).splitlines()) == 2
        json.loads(as_json.dumps(as_json.diagnoses([of])), parse_constant=lambda name: 1 / 0)
        assert "<svg" in of._repr_html_() or of.run._repr_html_()


@settings(max_examples=25, deadline=None)
@given(st.lists(diagnoses(), min_size=1, max_size=3))
def test_the_page_takes_every_run(found: list[Diagnosis]) -> None:
    with np.errstate(all="ignore"):
        assert "</html>" in page(found)
