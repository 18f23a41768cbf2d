import argparse
import random

import yaml


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", required=True)
    parser.add_argument("--batch_size", type=int, default=32)
    parser.add_argument("--resume", default=None)
    return parser.parse_args()


def main():
    args = parse()
    cfg = yaml.load(open(args.config), Loader=yaml.FullLoader)
    random.seed(cfg.get("seed", 0))
    w = 1.0
    for epoch in range(int(cfg["epochs"])):
        for _ in range(0, 8, args.batch_size):
            g = max(-cfg["clip"], min(cfg["clip"], w))
            w -= float(cfg["lr"]) * (g + cfg["weight_decay"] * w)
        print(epoch, w)


if __name__ == "__main__":
    main()
