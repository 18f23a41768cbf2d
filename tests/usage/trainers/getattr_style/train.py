import argparse

import yaml


def sgd(w, lr, clip):
    return w - lr * min(w, clip)


def adam(w, lr, clip):
    return w - lr


OPTIMIZERS = {"sgd": sgd, "adam": adam}


def main(cfg):
    step = OPTIMIZERS[getattr(cfg, "optimizer", "adam")]
    w = 1.0
    for name in ("lr", "clip"):
        assert hasattr(cfg, name)
    for _ in range(getattr(cfg, "epochs", 1)):
        w = step(w, getattr(cfg, "lr"), getattr(cfg, "clip", 5.0))
    print(w, getattr(cfg, "log_every", 10))


with open("config.yaml") as f:
    main(argparse.Namespace(**yaml.safe_load(f)))
