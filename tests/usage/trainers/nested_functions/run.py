import json
import sys


def load(path):
    with open(path) as handle:
        return json.load(handle)


def build(cfg):
    def layer(i):
        return [0.1 * i] * cfg["model"]["width"]

    return [layer(i) for i in range(cfg["train"].get("depth", 6))]


def train(cfg):
    weights = build(cfg)
    t = cfg["train"]
    velocity = 0.0

    def schedule(step):
        return t["lr"] * t["decay"] ** step

    def step(i):
        nonlocal velocity
        velocity = t["momentum"] * velocity + weights[0][0]
        weights[0][0] -= schedule(i) * velocity

    def evaluate():
        print(sum(map(sum, weights)))

    for i in range(t["steps"]):
        step(i)
        if i % cfg["eval"]["every"] == 0:
            evaluate()


if __name__ == "__main__":
    train(load(sys.argv[1]))
