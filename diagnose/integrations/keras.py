"""The doctor in Keras 3: `model.fit(..., callbacks=[DoctorCallback()])`, with any backend."""

from __future__ import annotations

from typing import Any

from keras.callbacks import Callback

from diagnose.integrations.loop import Doctor
from diagnose.run import Axis


class DoctorCallback(Callback):
    """Feeds what Keras logs for each epoch to a `Doctor`; stops through `model.stop_training`.

    Within an epoch Keras reports the mean since its start, which falls back at each new epoch: only whole epochs
    are judged. The options are those of `Doctor`.
    """

    def __init__(self, doctor: Doctor | None = None, **options: Any) -> None:
        super().__init__()
        self.doctor = doctor or Doctor(**({"axis": Axis.EPOCH} | options))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Note the epoch's losses and metrics, and the learning rate."""
        rate = getattr(getattr(self.model, "optimizer", None), "learning_rate", None)
        self.doctor.log(epoch + 1, {"learning_rate": rate} | (logs or {}), epoch=epoch + 1)
        if self.doctor.should_stop:
            self.model.stop_training = True

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Judge the whole run and write the report."""
        self.doctor.finish()
