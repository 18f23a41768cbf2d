import argparse

import pytorch_lightning as pl
import torch
import yaml
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class TTS(pl.LightningModule):
    def __init__(self, lr=1e-3, hidden=32, warmup_steps=1000, dropout=0.1):
        super().__init__()
        self.save_hyperparameters()
        self.net = nn.Sequential(nn.Linear(4, self.hparams.hidden), nn.Linear(hidden, 1))

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = (self.net(x) - y).pow(2).mean()
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)


class Data(pl.LightningDataModule):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg

    def train_dataloader(self):
        return DataLoader(TensorDataset(torch.randn(8, 4), torch.randn(8, 1)), batch_size=self.cfg["batch_size"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-c", "--config", default="config.yaml")
    args = parser.parse_args()
    with open(args.config) as f:
        cfg = yaml.safe_load(f)
    model = TTS(**cfg["model"])
    data = Data(cfg["data"])
    trainer = pl.Trainer(
        max_epochs=cfg["trainer"]["max_epochs"],
        gradient_clip_val=cfg["trainer"].get("gradient_clip_val"),
    )
    trainer.fit(model, data)


if __name__ == "__main__":
    main()
