import sys

import yaml


class Trainer:
    def __init__(self, path):
        with open(path) as f:
            cfg = yaml.safe_load(f)
        for k, v in cfg.items():
            if k == "model":
                self.width = v["width"]
                continue
            if v is not None:
                setattr(self, k, v)

    def train(self):
        weights = [1.0] * self.width
        for _ in range(self.epochs):
            weights = [w - self.lr * w for w in weights]
        print(weights)


Trainer(sys.argv[1]).train()
