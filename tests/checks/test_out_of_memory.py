"""RUN002: a log that ends out of memory says so, with a batch that needs less."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from diagnose.engine import examine
from diagnose.facts import Facts
from diagnose.run import Ending, EndingKind
from tests.cases import Case, assert_findings, case, facts_of, table
from tests.curves import descent, noisy, training

LINE = "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.12 GiB"


def ended(kind: EndingKind = EndingKind.OUT_OF_MEMORY, **config: Any) -> Facts:
    return facts_of(replace(training(noisy(descent())), ending=Ending(kind, LINE, 4000)), config=config)


FAULTY = (case("CUDA is out of memory", ended(), "RUN002"),)
HEALTHY = (case("the trainer says that it is done", ended(EndingKind.FINISHED)),)
EDGE = (case("a log without an end", training(noisy(descent()))),)


@pytest.mark.parametrize("one", table(FAULTY, HEALTHY, EDGE))
def test_out_of_memory(one: Case) -> None:
    """A log that ends out of memory says so."""
    assert_findings(one)


@pytest.mark.parametrize(
    ("batch", "edits"),
    [
        pytest.param(8, [("batch_size", 4), ("grad_accumulation_steps", 2.0)], id="half the batch, twice as many"),
        pytest.param(1, [], id="one clip cannot be halved"),
        pytest.param(None, [], id="a batch that nobody knows"),
    ],
)
def test_the_batch_is_halved_and_the_update_stays(batch: int | None, edits: list[tuple[str, float]]) -> None:
    diagnosis = examine(ended(batch_size=batch))
    (finding,) = [one for one in diagnosis.findings if one.code == "RUN002"]
    proposed = [(edit.parameter, edit.value) for cure in finding.prescriptions for edit in cure.edits]
    assert proposed == edits
