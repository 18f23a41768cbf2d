import argparse
import json
from types import SimpleNamespace


def get_hparams():
    parser = argparse.ArgumentParser()
    parser.add_argument("-c", "--config", type=str)
    args = parser.parse_args()
    with open(args.config) as f:
        return json.loads(f.read(), object_hook=lambda d: SimpleNamespace(**d))


def run(hps):
    weights = [1.0] * hps.model.hidden
    size = getattr(hps.train, "batch_size", 4)
    b1, b2 = hps.train.betas
    for epoch in range(hps.train.epochs):
        weights = [w - hps.train.lr * b1 * w / size for w in weights]
        if epoch % hps.train.log_interval == 0:
            print(hps.data.rate, sum(weights))


run(get_hparams())
