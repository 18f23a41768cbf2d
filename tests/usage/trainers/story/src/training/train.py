"""A trainer in the shape of the story's."""

import argparse
import sys
from pathlib import Path

import torch
import yaml

sys.path.append(str(Path(__file__).parent.parent))

from models.tts import SimpleTTS


torch.manual_seed(0)


class AmharicTrainer:
    def __init__(self, config_path: str):
        with open(config_path, encoding="utf-8") as f:
            self.config = yaml.safe_load(f)
        self.training = self.config["training"]
        self.setup()

    def setup(self):
        self.model = SimpleTTS(self.config["model"])
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(),
            lr=self.training["learning_rate"],
            betas=tuple(self.training["betas"]),
            eps=self.training["eps"],
            weight_decay=self.training["weight_decay"],
        )
        self.scheduler = torch.optim.lr_scheduler.ExponentialLR(self.optimizer, gamma=self.training["lr_decay"])
        tokens = torch.arange(16).reshape(8, 2)
        self.batches = torch.utils.data.DataLoader(
            tokens,
            batch_size=self.config["training"].get("batch_size", 16),
            num_workers=self.config["data"].get("num_workers", 2),
        )
        self.log_dir = Path(self.config["logging"]["log_dir"])
        print("data", self.config["data"]["dataset_path"], self.training["use_amp"])

    def train_step(self, batch):
        self.optimizer.zero_grad()
        loss = self.model(batch).pow(2).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.training["grad_clip_thresh"])
        self.optimizer.step()
        return loss.item()

    def train(self):
        step = 0
        for epoch in range(self.training["max_epochs"]):
            for batch in self.batches:
                loss = self.train_step(batch)
                step += 1
                if step % self.training["save_interval"] == 0:
                    self.save(step)
            self.scheduler.step()
            print(f"epoch {epoch} loss {loss:.4f}")

    def save(self, step):
        torch.save({"step": step, "optimizer": self.optimizer.state_dict(), "config": self.config}, "x.pt")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=str, default="config/training_config.yaml")
    args = parser.parse_args()
    AmharicTrainer(args.config).train()


if __name__ == "__main__":
    main()
