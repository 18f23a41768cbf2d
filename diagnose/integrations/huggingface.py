"""The doctor in a Hugging Face `Trainer`, and in TRL, which builds on it.

`Trainer(..., callbacks=[DoctorCallback()])`. The `Trainer` replaces a NaN loss in its log by the mean of the steps
before unless `TrainingArguments(logging_nan_inf_filter=False)` is set: the doctor cannot see what is not logged.
"""

from __future__ import annotations

from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from diagnose.integrations.loop import Doctor

# The summary that ends a training: means over the whole run, points of no curve.
SUMMARY = "train_runtime"


class DoctorCallback(TrainerCallback):
    """Feeds what the `Trainer` logs to a `Doctor`; stops through `should_training_stop` where the doctor is set to.

    The options are those of `Doctor`. Without `config` the `TrainingArguments` are taken.
    """

    def __init__(self, doctor: Doctor | None = None, **options: Any) -> None:
        self.doctor = doctor or Doctor(**options)

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Take the hyperparameters from the arguments of the trainer."""
        self.doctor.configure_by_default({key: value for key, value in args.to_dict().items() if value is not None})

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        """Note what was logged. All processes come here at the same steps, so that they can agree to stop."""
        if not logs or SUMMARY in logs:
            return
        if state.is_world_process_zero:
            self.doctor.log(state.global_step, {k: v for k, v in logs.items() if k != "epoch"}, epoch=state.epoch)
        if _agreed(self.doctor.should_stop, args):
            control.should_training_stop = True

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Judge the whole run and write the report."""
        if state.is_world_process_zero:
            self.doctor.finish()


def _agreed(stop: bool, args: TrainingArguments) -> bool:
    """What the first process decided: one that stops alone leaves the others waiting for ever."""
    if args.world_size <= 1:
        return stop
    from accelerate.utils import broadcast_object_list

    return bool(broadcast_object_list([stop])[0])
