"""What the steps of a curve count, where only its tag says so."""

from __future__ import annotations

import numpy as np

from diagnose.readers.roles import assign_roles
from diagnose.run import Axis, Curve, Run


def test_a_tag_that_says_epoch_and_counts_one_by_one_is_counted_in_epochs_with_its_companions() -> None:
    steps = np.arange(1, 5)
    curves = [Curve(tag, steps, np.array([13.2, 7.7, 6.9, 9.1])) for tag in ("Loss/train_epoch_avg", "learning_rate")]
    run = assign_roles(Run("r", "r", "tensorboard", {curve.tag: curve for curve in curves}))
    assert {curve.axis for curve in run.curves.values()} == {Axis.EPOCH}


def test_epoch_means_logged_at_their_global_step_are_counted_in_steps() -> None:
    curve = Curve("train_loss_epoch", np.arange(1, 5) * 56, np.array([13.2, 7.7, 6.9, 9.1]))
    run = assign_roles(Run("r", "r", "tensorboard", {curve.tag: curve}))
    assert run.curves[curve.tag].axis is Axis.STEP
