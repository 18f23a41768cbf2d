"""RUN001: a log that ends with an error says so, whatever its curves look like."""

from __future__ import annotations

from dataclasses import replace

import pytest

from diagnose.engine import examine
from diagnose.finding import Severity
from diagnose.run import Ending, EndingKind, Run
from tests.cases import Case, assert_findings, case, table
from tests.curves import descent, noisy, training


def ended(kind: EndingKind, line: str) -> Run:
    return replace(training(noisy(descent())), ending=Ending(kind, line, 4000))


FAULTY = (
    case("a traceback ends the log", ended(EndingKind.DIED, "RuntimeError: shapes do not match"), "RUN001"),
    case("a scheduler killed it", ended(EndingKind.KILLED, "slurmstepd: error: DUE TO TIME LIMIT"), "RUN001"),
)
HEALTHY = (
    case("the trainer says that it is done", ended(EndingKind.FINISHED, "Training finished.")),
    case("the log just stops", training(noisy(descent()))),
)
EDGE = (case("Ctrl-C is no error", ended(EndingKind.KILLED, "KeyboardInterrupt")),)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_run_died(one: Case) -> None:
    """A log that ends with an error says so."""
    assert_findings(one)


def test_an_interrupt_by_hand_is_information() -> None:
    (finding,) = [one for one in examine(EDGE[0].facts).findings if one.code == "RUN001"]
    assert finding.severity is Severity.INFO
    assert "KeyboardInterrupt" in finding.message
