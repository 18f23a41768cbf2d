"""The doctor in Lightning: `Trainer(callbacks=[DoctorCallback()])`. For `lightning` and for `pytorch_lightning`."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from diagnose.integrations.loop import Doctor

# Whichever of the two packages the user imported: their callbacks are different classes.
if TYPE_CHECKING or "pytorch_lightning" not in sys.modules or "lightning.pytorch" in sys.modules:
    from lightning.pytorch import Callback, LightningModule, Trainer
    from lightning.pytorch.loggers import Logger
else:
    from pytorch_lightning import Callback, LightningModule, Trainer
    from pytorch_lightning.loggers import Logger


class DoctorCallback(Callback):
    """Feeds what the module logs (`self.log`) to a `Doctor`; stops through `trainer.should_stop`.

    The options are those of `Doctor`. Without `config` the hyperparameters that the module saved are taken.
    """

    def __init__(self, doctor: Doctor | None = None, **options: Any) -> None:
        self.doctor = doctor or Doctor(**options)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Listen to the trainer as one more logger; only now, for the first logger names the checkpoints' folder."""
        self.doctor.configure_by_default(dict(pl_module.hparams))
        if trainer.is_global_zero:
            trainer.loggers = [*trainer.loggers, _Listener(self.doctor, trainer)]

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Stop at once where one process decides alone; several agree at the end of an epoch or a validation."""
        if trainer.world_size == 1:
            self._stop(trainer)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop where the doctor says so."""
        self._stop(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop where the doctor says so."""
        self._stop(trainer)

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Judge the whole run and write the report."""
        if trainer.is_global_zero:
            trainer.loggers = [logger for logger in trainer.loggers if not isinstance(logger, _Listener)]
            self.doctor.finish()

    def _stop(self, trainer: Trainer) -> None:
        # As in Lightning's EarlyStopping: all processes stop together or none does.
        if trainer.strategy.reduce_boolean_decision(self.doctor.should_stop, all=False):
            trainer.should_stop = True


class _Listener(Logger):
    """Passes everything that the trainer logs, at the trainer's own steps, to the doctor."""

    def __init__(self, doctor: Doctor, trainer: Trainer) -> None:
        self._doctor = doctor
        self._trainer = trainer

    @property
    def name(self) -> str:
        return "ttsdoc"

    @property
    def version(self) -> int:
        return 0

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *_: Any, **__: Any) -> None:
        pass

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        optimizers = self._trainer.optimizers
        rate = {"learning_rate": optimizers[0].param_groups[0]["lr"]} if optimizers else {}
        scalars = rate | {tag: value for tag, value in metrics.items() if tag != "epoch"}
        self._doctor.log(self._trainer.global_step if step is None else step, scalars, epoch=metrics.get("epoch"))
