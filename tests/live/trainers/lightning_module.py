"""A Lightning module with a CSV logger, configured in YAML sections.

python lightning_module.py CONFIG LOG_DIR
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import lightning
import torch
import yaml
from lightning.pytorch.callbacks import LearningRateMonitor
from lightning.pytorch.loggers import CSVLogger
from problem import WIDTH, data
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Module(lightning.LightningModule):
    def __init__(self, lr: float, warmup: int) -> None:
        super().__init__()
        self.linear, self.lr, self.warmup = nn.Linear(WIDTH, 1), lr, warmup

    def loss(self, batch: Any) -> torch.Tensor:
        return nn.functional.mse_loss(self.linear(batch[0]), batch[1])

    def training_step(self, batch: Any, _: int) -> torch.Tensor:
        time.sleep(0.01)
        loss = self.loss(batch)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch: Any, _: int) -> None:
        self.log("val_loss", self.loss(batch))

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), lr=self.lr)
        rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / self.warmup))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": rate, "interval": "step"}}


def main() -> None:
    torch.set_num_threads(1)
    lightning.seed_everything(0)
    config = yaml.safe_load(Path(sys.argv[1]).read_text("utf-8"))
    logger = CSVLogger(sys.argv[2], name="", version="", flush_logs_every_n_steps=2)
    trainer = lightning.Trainer(
        **config["trainer"], logger=logger, callbacks=[LearningRateMonitor("step")], default_root_dir=sys.argv[2],
        enable_progress_bar=False, enable_model_summary=False, accelerator="cpu",
    )  # fmt: skip
    loaders = [DataLoader(TensorDataset(*data(count, seed)), batch_size=32) for count, seed in ((512, 1), (128, 2))]
    trainer.fit(Module(**config["model"]), *loaders)


if __name__ == "__main__":
    main()
