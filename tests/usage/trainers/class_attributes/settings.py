from pathlib import Path

import yaml


class Config:
    LR = 1e-3
    EPOCHS = 10
    CLIP = None


def setup(path):
    for key, value in yaml.safe_load(Path(path).read_text()).items():
        setattr(Config, key, value)
