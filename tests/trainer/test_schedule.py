"""The learning rate of every update."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest

from diagnose.trainer.options import TrainingOptions
from diagnose.trainer.schedule import learning_rate

Name = Literal["constant", "cosine", "exponential", "inverse_sqrt"]
PLAIN = TrainingOptions(learning_rate=1.0, warmup_steps=10)


@pytest.mark.parametrize("name", ["constant", "cosine", "exponential", "inverse_sqrt"])
def test_warm_up_rises_in_equal_steps_to_the_full_rate(name: Name) -> None:
    training = replace(PLAIN, lr_scheduler=name)
    rates = [learning_rate(step, training, 100) for step in range(10)]
    assert rates == pytest.approx([0.1 * (step + 1) for step in range(10)])
    assert learning_rate(10, training, 100) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("name", "step", "rate"),
    [
        pytest.param("constant", 99, 1.0, id="constant stays"),
        pytest.param("cosine", 55, 0.5, id="cosine is at half of the rate at half of the way"),
        pytest.param("cosine", 100, 0.0, id="cosine ends at zero"),
        pytest.param("cosine", 500, 0.0, id="cosine stays at zero"),
        pytest.param("exponential", 12, 0.99**2, id="exponential falls by its factor an update"),
        pytest.param("inverse_sqrt", 40, 0.5, id="inverse square root halves at four times the warm-up"),
    ],
)
def test_a_schedule_has_its_form(name: Name, step: int, rate: float) -> None:
    training = replace(PLAIN, lr_scheduler=name, lr_decay=0.99)
    assert learning_rate(step, training, 100) == pytest.approx(rate, abs=1e-12)


def test_without_warm_up_the_first_update_has_the_full_rate() -> None:
    names: tuple[Name, ...] = ("constant", "cosine", "exponential", "inverse_sqrt")
    for name in names:
        assert learning_rate(0, replace(PLAIN, warmup_steps=0, lr_scheduler=name), 100) == 1.0
