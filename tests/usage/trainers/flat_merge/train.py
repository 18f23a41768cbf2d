import copy
import json

import yaml

DEFAULTS = {"train.lr": 1.0, "train.epochs": 1, "train.clip": 5.0}


def flatten(d, prefix=""):
    flat = {}
    for key, value in d.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            flat.update(flatten(value, name + "."))
        else:
            flat[name] = value
    return flat


def main():
    with open("config.yaml") as f:
        raw = yaml.safe_load(f)
    backup = copy.deepcopy(raw)
    params = {**DEFAULTS, **flatten(raw)}
    print(json.dumps(backup, indent=2))
    weights = [1.0] * params["model.width"]
    for _ in range(params["train.epochs"]):
        weights = [w - params["train.lr"] * min(w, params["train.clip"]) for w in weights]
    print(weights)


main()
