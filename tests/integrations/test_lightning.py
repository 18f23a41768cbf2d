"""The doctor in a real Lightning Trainer on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lightning")
torch = pytest.importorskip("torch")

import lightning.pytorch as pl

from diagnose.integrations.lightning import DoctorCallback
from tests.integrations.conftest import ALWAYS

pytestmark = pytest.mark.filterwarnings("ignore")


class Line(pl.LightningModule):
    """y = w x, whose loss breaks from a step on."""

    def __init__(self, learning_rate: float = 1e-2, breaks_at: int = 10**9) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(1, 1)
        self.breaks_at = breaks_at

    def training_step(self, batch: Any, _: int) -> Any:
        loss = ((self.layer(batch[0]) - batch[1]) ** 2).mean()
        loss = loss * float("nan") if self.global_step >= self.breaks_at else loss
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: Any, _: int) -> None:
        self.log("val_loss", ((self.layer(batch[0]) - batch[1]) ** 2).mean())

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=self.hparams["learning_rate"])


def trained(folder: Path, callback: pl.Callback, *, steps: int, **module: Any) -> pl.Trainer:
    x = torch.linspace(0, 1, 64)[:, None]
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, 2 * x), batch_size=64)
    trainer = pl.Trainer(
        max_steps=steps,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        log_every_n_steps=1,
        default_root_dir=folder,
        callbacks=[callback],
    )
    trainer.fit(Line(**module), loader, loader)
    return trainer


def test_the_module_is_judged_by_what_it_logs_and_leaves_a_report(tmp_path: Path) -> None:
    callback = DoctorCallback(report=tmp_path / "report.md")
    trainer = trained(tmp_path, callback, steps=60)
    diagnosis = callback.doctor.diagnosis
    assert diagnosis is not None
    assert len(diagnosis.run.curves["train_loss"]) == 60
    assert len(diagnosis.run.curves["val_loss"]) == 60
    assert diagnosis.run.curves["learning_rate"].values[0] == 1e-2
    assert diagnosis.facts.settings["learning_rate"] == 1e-2
    assert "ttsdoc" in (tmp_path / "report.md").read_text("utf-8")
    assert trainer.loggers == []


@pytest.mark.integration
def test_a_loss_that_stays_nan_stops_the_trainer(tmp_path: Path) -> None:
    trainer = trained(tmp_path, DoctorCallback(stop="error", share=ALWAYS), steps=300, breaks_at=80)
    assert trainer.global_step in range(81, 88)


@pytest.mark.integration
def test_checkpoints_stay_where_they_were(tmp_path: Path) -> None:
    checkpoint = pl.callbacks.ModelCheckpoint()
    x = torch.linspace(0, 1, 16)[:, None]
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, 2 * x), batch_size=64)
    options: dict[str, Any] = {"max_epochs": 1, "accelerator": "cpu", "logger": False, "enable_progress_bar": False}
    pl.Trainer(default_root_dir=tmp_path, callbacks=[checkpoint, DoctorCallback()], **options).fit(Line(), loader)
    assert Path(checkpoint.best_model_path).parent == tmp_path / "checkpoints"
