"""The doctor as a tracker of Accelerate: `Accelerator(log_with=[DoctorTracker()])`, fed by `accelerator.log`.

A tracker cannot stop a loop. On one process ask `tracker.doctor.should_stop`; on several let the main process call
`accelerator.set_trigger()` then, and leave the loop on all of them when `accelerator.check_trigger()` says so.
"""

from __future__ import annotations

from typing import Any

from accelerate.tracking import GeneralTracker

from diagnose.integrations.loop import Doctor


class DoctorTracker(GeneralTracker):
    """Feeds what `accelerator.log` gets to a `Doctor`, whose options it takes; `end_training` writes the report."""

    name = "ttsdoc"
    requires_logging_directory = False

    def __init__(self, doctor: Doctor | None = None, **options: Any) -> None:
        super().__init__()
        self.doctor = doctor or Doctor(**options)
        self._calls = 0

    @property
    def tracker(self) -> Doctor:
        """What `accelerator.get_tracker("ttsdoc", unwrap=True)` gives."""
        return self.doctor

    def store_init_configuration(self, values: dict[str, Any]) -> None:
        """Take the hyperparameters given to `accelerator.init_trackers`."""
        self.doctor.configure_by_default(values)

    def log(self, values: dict[str, Any], step: int | None = None, **_: Any) -> None:
        """Note the scalars among `values`; without a step the calls are counted."""
        self._calls += 1
        self.doctor.log(self._calls if step is None else step, values, epoch=values.get("epoch"))

    def finish(self) -> None:
        """Judge the whole run and write the report."""
        self.doctor.finish()
