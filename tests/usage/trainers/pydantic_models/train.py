import sys

import yaml
from pydantic import BaseModel, Field


class Train(BaseModel):
    lr: float = 1e-3
    epochs: int = 1
    warmup: int = 0
    batch_size: int = Field(8, gt=0)

    def scaled(self):
        return self.lr / self.batch_size


class Data(BaseModel):
    path: str


class Config(BaseModel):
    train: Train = Train()
    data: Data


cfg = Config.model_validate(yaml.safe_load(open(sys.argv[1])))
w = 1.0
for _ in range(cfg.train.epochs):
    w -= cfg.train.scaled() * w
print(w, cfg.data.path)
