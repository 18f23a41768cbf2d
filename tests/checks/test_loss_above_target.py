"""FIT005: a loss is compared with the band of its family only where the family and the size of the set are known."""

from __future__ import annotations

import numpy as np
import pytest

from diagnose.finding import Confidence, Severity
from diagnose.run import Axis, Role
from diagnose.targets import tables
from tests.cases import Case, assert_findings, case, facts_of, table
from tests.curves import curve, noisy, run

EPOCHS = np.arange(200)


def falling_to(end: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """From 13 down to `end` over 200 epochs, fast enough to be on the path of a healthy T3."""
    return noisy(end + (13.0 - end) * np.exp(-EPOCHS / 8) + 0.001 * EPOCHS, 0.01)


def t3(end: float, samples: int | None = 525) -> Case:
    """A T3 whose loss ends at `end`."""
    loss = curve(Role.TRAIN_LOSS, falling_to(end), axis=Axis.EPOCH)
    return case(f"ends at {end:g} with {samples} clips", facts_of(run(loss, family="t3"), samples=samples))


FAULTY = (case("a T3 that is at 3.5 after 200 epochs", t3(3.5).facts, "FIT005"),)
HEALTHY = (case("a T3 that ends at 1.8", t3(1.8).facts),)
EDGE = (
    case(
        "a family that is not known",
        facts_of(run(curve(Role.TRAIN_LOSS, falling_to(3.5), axis=Axis.EPOCH)), samples=525),
    ),
)


def test_a_band_of_low_confidence_only_informs() -> None:
    loss = curve(Role.TRAIN_LOSS, falling_to(1.0), axis=Axis.EPOCH)
    assert_findings(case("a StyleTTS 2 whose mel loss stays at 1", run(loss, family="styletts2")))
    (found,) = [
        one for one in case("the same", run(loss, family="styletts2")).diagnosis.findings if one.code == "FIT005"
    ]
    assert (found.severity, found.confidence) == (Severity.INFO, Confidence.LOW)


def test_the_advice_is_something_to_do_and_the_source_is_evidence() -> None:
    (found,) = [one for one in FAULTY[0].diagnosis.findings if one.code == "FIT005"]
    first = found.evidence[0]
    assert "Cure first" in found.advice
    assert (first.name, first.threshold) == ("loss", 2.5)
    assert "the training guide" in first.sentence


def test_every_table_names_its_source_whole_and_kin_share_a_table() -> None:
    known = tables()
    assert known["piper"] is known["vits"]
    assert {
        "matcha",
        "styletts2",
        "fastspeech2",
        "hifigan",
        "whisper",
        "speecht5",
        "cosyvoice",
        "orpheus",
    } <= known.keys()
    for name, one in known.items():
        assert len(one.source) > 40, name
        assert one.source.count("(") == one.source.count(")"), name
        assert one.targets[-1][0] == np.inf, name


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_loss_above_target(one: Case) -> None:
    """Exactly these alarms."""
    assert_findings(one)
