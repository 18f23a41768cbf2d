"""Several trainings that write into one log at once, and what only looks like that."""

from __future__ import annotations

from itertools import chain, zip_longest

import pytest

from diagnose.readers import read_source
from diagnose.readers.sources import Source
from diagnose.run import Role, Run

EPOCHS = 30
ROWS = (
    "epoch {n} train_loss {t} val_loss {v}\n",
    "epoch {n} train_loss {t}\nepoch {n} val_loss {v}\n",
    "Epoch: {n}\n  train_loss: {t}\n  val_loss: {v}\n",
    "step {k}, train_loss: {t}, val_loss: {v}\n",
    "Epoch [{n}/30], Step [10/10], train_loss: {t}, val_loss: {v}\n",
)


def rows_of(row: str, factor: float, count: int = EPOCHS) -> list[str]:
    losses = [round(factor * (3 * 0.9**n + 0.4), 4) for n in range(count)]
    return [row.format(n=n + 1, k=100 * (n + 1), t=t, v=round(t + 0.2, 4)) for n, t in enumerate(losses)]


def read_in_turns(*writers: list[str], behind: int) -> Run:
    late = [[""] * (behind * number) + rows for number, rows in enumerate(writers)]
    text = "".join(chain.from_iterable(zip_longest(*late, fillvalue="")))
    return read_source(Source("nohup.out", content=text.encode()))


def points(run: Run, role: Role) -> int:
    curve = run.curve(role)
    return 0 if curve is None else len(curve)


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("behind", [3, 11])
def test_of_trainings_in_turns_the_longest_is_judged_and_the_others_are_told(row: str, behind: int) -> None:
    run = read_in_turns(rows_of(row, 1, 20), rows_of(row, 2), behind=behind)
    assert (points(run, Role.TRAIN_LOSS), points(run, Role.VAL_LOSS)) == (EPOCHS, EPOCHS)
    train = run.curve(Role.TRAIN_LOSS)
    assert train is not None
    assert train.values.tolist() == [round(2 * (3 * 0.9**n + 0.4), 4) for n in range(EPOCHS)]
    assert any("2 trainings write into this log in turns" in note for note in run.notes)


def test_three_trainings_are_three() -> None:
    run = read_in_turns(*(rows_of(ROWS[0], factor) for factor in (1, 2, 3)), behind=4)
    assert points(run, Role.TRAIN_LOSS) == EPOCHS
    assert any("3 trainings" in note for note in run.notes)


@pytest.mark.parametrize("row", ROWS)
def test_processes_of_one_training_are_one(row: str) -> None:
    """They are at the same step, give or take one; so is a training alone, and one that began anew."""
    for run in (
        read_in_turns(rows_of(row, 1), rows_of(row, 1.01), behind=0),
        read_in_turns(rows_of(row, 1), behind=0),
        read_in_turns(rows_of(row, 1) + rows_of(row, 2), behind=0),
    ):
        assert not any("in turns" in note for note in run.notes)
