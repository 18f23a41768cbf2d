"""Where a count stands: in brackets far apart, below its block, at the end of a bar, in front of a colon."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from diagnose.readers import read_source
from diagnose.readers.sources import Source
from diagnose.run import Role, Run

LOSS = [3.17, 2.8, 2.49, 2.13, 1.92, 1.69, 1.48, 1.36]
Points = list[tuple[int, float]]


def read_text(text: str) -> Run:
    return read_source(Source("x.log", content=text.encode()))


def points(run: Run, role: Role = Role.TRAIN_LOSS) -> Points:
    curve = run.curve(role)
    assert curve is not None
    assert curve.counted
    return [*zip(curve.steps.tolist(), curve.values.tolist(), strict=True)]


def of(steps: Sequence[int]) -> Points:
    return [*zip(steps, LOSS, strict=True)]


@pytest.mark.parametrize("between", ["]--[", "] - [", "], [", "][", "] | ["])
def test_epoch_and_iteration_in_brackets_may_be_apart(between: str) -> None:
    text = "".join(f"[{n // 4 + 1}/2{between}{n % 4 * 5}/20]\tLoss: {loss}\n" for n, loss in enumerate(LOSS))
    assert points(read_text(text)) == of([20 * (n // 4) + n % 4 * 5 for n in range(8)])


@pytest.mark.parametrize("row", ["Ep{e} B{b}/40 | loss={t}", "  ep{e} b{b}/40 loss {t}", "E{e} B{b}/40 loss: {t}"])
def test_epoch_and_batch_may_be_two_letters(row: str) -> None:
    text = "".join(row.format(e=n // 4, b=n % 4 * 10, t=loss) + "\n" for n, loss in enumerate(LOSS))
    assert points(read_text(text)) == of([40 * (n // 4) + n % 4 * 10 for n in range(8)])


@pytest.mark.parametrize("last", ["| step      | {s}     |", "step: {s}", "global_step = {s}"])
def test_a_count_below_each_block_is_that_of_the_block(last: str) -> None:
    sign = "| loss | {t} |\n| mse | {m} |" if "|" in last else "loss: {t}\nmse: {m}"
    text = "".join(f"---------\n{sign}\n{last}\n".format(t=loss, m=loss / 2, s=10 * n) for n, loss in enumerate(LOSS))
    assert points(read_text(text)) == of([10 * n for n in range(8)])


def test_a_count_above_each_block_stays_there_though_the_paste_begins_within_one() -> None:
    text = "".join(f"step: {10 * n}\nloss: {loss}\nmse: {loss / 2}\n" for n, loss in enumerate(LOSS))
    assert points(read_text(text.split("\n", 2)[2])) == of([10 * n for n in range(8)])[1:]


@pytest.mark.parametrize("row", ["{n}: loss: {t}", "{n}: train loss {t}, lr 0.1", " {n} loss {t}"])
def test_a_number_in_front_counts_where_it_counts_on(row: str) -> None:
    assert points(read_text("".join(row.format(n=n, t=t) + "\n" for n, t in enumerate(LOSS)))) == of(range(8))


def test_passes_are_epochs() -> None:
    text = "".join(f"I0101 trainer.cc:123] pass: {n // 4} batch: {n % 4} cost: {t}\n" for n, t in enumerate(LOSS))
    assert points(read_text(text)) == of(range(8))


def test_a_bar_of_signs_counts_at_its_end_and_a_shorter_one_behind_it_evaluates() -> None:
    bar = " [=====>.....]  Step: 60ms | Tot: 1s20ms | Loss: {t} | Acc: 30.000% (15/50) {i}/{n}\n"
    text = "".join(
        f"\nEpoch: {e}\n"
        + "".join(bar.format(t=LOSS[2 * e + half], i=40 * half + 10, n=80) for half in (0, 1))
        + bar.format(t=9 - e, i=7, n=7)
        for e in range(4)
    )
    run = read_text(text)
    assert points(run) == of([80 * (n // 2) + 40 * (n % 2) + 10 for n in range(8)])
    assert points(run, Role.VAL_LOSS) == [(0, 9.0), (1, 8.0), (2, 7.0), (3, 6.0)]


@pytest.mark.parametrize(
    "parts", ["loss_cls={a} loss_reg={b}", "loc_loss: {a} conf_loss: {b}", "l1_loss {a} kl_loss {b}"]
)
def test_a_total_beside_parts_of_a_loss_is_the_loss(parts: str) -> None:
    text = "".join(f"epoch {n} {parts} total={t}\n".format(a=t / 2, b=t / 2) for n, t in enumerate(LOSS))
    assert points(read_text(text)) == of(range(8))
    timed = "".join(f"epoch {n} loss={t} total={9.5 * n}\n" for n, t in enumerate(LOSS))
    assert points(read_text(timed)) == of(range(8))
