import sys

import parts  # noqa: F401 - registers the models
import yaml
from registry import MODELS, OPTIMIZERS


def main(path):
    cfg = yaml.safe_load(open(path))
    model = MODELS.build(cfg["model"]["name"], cfg["model"])
    optim = cfg["optimizer"]
    step = OPTIMIZERS[optim.pop("type")]
    for _ in range(cfg["epochs"]):
        model.weights = step(model.weights, optim["lr"])
    print(model.weights)


main(sys.argv[1])
