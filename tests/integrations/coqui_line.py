"""A Coqui training of y = w x in a process of its own, whose loss is NaN from a step on: FOLDER STEP."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from trainer import Trainer, TrainerArgs, TrainerConfig, TrainerModel

from diagnose.integrations.coqui import callbacks
from diagnose.integrations.loop import Doctor

FOLDER, BREAKS_AT = Path(sys.argv[1]), int(sys.argv[2])


@dataclass
class LineConfig(TrainerConfig):
    optimizer: str = "SGD"
    lr: float = 1e-2
    epochs: int = 80
    batch_size: int = 64
    print_step: int = 1
    plot_step: int = 1
    save_step: int = 10_000
    optimizer_params: dict[str, Any] = field(default_factory=dict)


class Line(TrainerModel):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
        self.steps = 0

    def forward(self, x: Any) -> Any:
        return self.layer(x)

    def train_step(self, batch: Any, criterion: Any) -> Any:
        self.steps += self.training
        loss = criterion(self.layer(batch["x"]), batch["y"])
        return {"out": loss}, {"loss": loss * float("nan") if self.steps >= BREAKS_AT else loss}

    def eval_step(self, batch: Any, criterion: Any) -> Any:
        loss = criterion(self.layer(batch["x"]), batch["y"])
        return {"out": loss}, {"loss": loss}

    def get_criterion(self) -> Any:
        return torch.nn.MSELoss()

    def get_data_loader(self, *_: Any, **__: Any) -> Any:
        points = [{"x": torch.tensor([i / 64]), "y": torch.tensor([i / 32])} for i in range(64)]
        return torch.utils.data.DataLoader(points, batch_size=64)  # type: ignore[arg-type]  # a list is a data set too


if __name__ == "__main__":
    doctor = Doctor(stop="error" if BREAKS_AT < 1000 else None, share=1e9, report=FOLDER / "report.json")
    hooks = callbacks(doctor)
    config = LineConfig(output_path=str(FOLDER), run_eval=True)
    Trainer(TrainerArgs(), config, str(FOLDER), model=Line(), parse_command_line_args=False, callbacks=hooks).fit()
