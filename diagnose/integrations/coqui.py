"""The doctor in the Coqui Trainer (XTTS, VITS, Glow-TTS, ...): `Trainer(..., callbacks=callbacks())`.

The trainer has no way to end early but an interrupt: it then saves a checkpoint and leaves with status 130, as on
Ctrl-C. With several GPUs nothing is stopped: one process that leaves alone would keep the others waiting.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from diagnose.integrations.loop import Doctor

if TYPE_CHECKING:
    from trainer import Trainer


def callbacks(doctor: Doctor | None = None, **options: Any) -> dict[str, Callable[[Trainer], None]]:
    """The hooks for `Trainer(callbacks=...)`. The options are those of `Doctor`."""
    hooks = _Hooks(doctor or Doctor(**options))
    return {
        "on_init_end": hooks.listen,
        "on_train_step_end": hooks.stop,
        "on_epoch_end": hooks.epoch,
        "on_keyboard_interrupt": hooks.finish,
    }


class _Hooks:
    def __init__(self, doctor: Doctor) -> None:
        self._doctor = doctor

    def listen(self, trainer: Trainer) -> None:
        """Sit between the trainer and its dashboard, and take the config that it trains with."""
        self._doctor.configure_by_default(trainer.config.to_dict())
        trainer.dashboard_logger = _Listener(trainer.dashboard_logger, self._doctor)

    def stop(self, trainer: Trainer) -> None:
        if self._doctor.should_stop and trainer.num_gpus <= 1:
            raise KeyboardInterrupt

    def epoch(self, trainer: Trainer) -> None:
        self.stop(trainer)
        if trainer.epochs_done + 1 >= trainer.config.epochs:
            self.finish(trainer)

    def finish(self, _: Trainer) -> None:
        self._doctor.finish()


class _Listener:
    """The trainer's dashboard, whose numbers the doctor receives too, under the tags that TensorBoard would get."""

    def __init__(self, dashboard: Any, doctor: Doctor) -> None:
        self._dashboard = dashboard
        self._doctor = doctor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dashboard, name)

    def train_step_stats(self, step: int, stats: dict[str, Any]) -> None:
        self._pass_on("train_step_stats", "TrainIterStats", step, stats)

    def train_epoch_stats(self, step: int, stats: dict[str, Any]) -> None:
        self._pass_on("train_epoch_stats", "TrainEpochStats", step, stats)

    def eval_stats(self, step: int, stats: dict[str, Any]) -> None:
        self._pass_on("eval_stats", "EvalStats", step, stats)

    def _pass_on(self, method: str, scope: str, step: int, stats: dict[str, Any]) -> None:
        getattr(self._dashboard, method)(step, stats)
        self._doctor.log(step, {f"{scope}/{key}": value for key, value in stats.items()})
