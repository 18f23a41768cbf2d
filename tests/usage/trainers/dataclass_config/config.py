from dataclasses import dataclass, field, fields

import yaml


@dataclass
class TrainConfig:
    learning_rate: float = 1e-4
    max_steps: int = 1000
    warmup_steps: int = 4000
    grad_clip: float = 1.0
    batch_size: int = 16


@dataclass
class DataConfig:
    path: str = "data"
    shuffle: bool = True


@dataclass
class Config:
    train: TrainConfig = field(default_factory=TrainConfig)
    data: DataConfig = field(default_factory=DataConfig)

    @classmethod
    def load(cls, path):
        raw = yaml.safe_load(open(path))
        known = {f.name for f in fields(DataConfig)}
        return cls(
            train=TrainConfig(**raw.get("train", {})),
            data=DataConfig(**{k: v for k, v in raw.get("data", {}).items() if k in known}),
        )
