import argparse

import yaml

config_parser = argparse.ArgumentParser(add_help=False)
config_parser.add_argument("-c", "--config", default="")

parser = argparse.ArgumentParser()
group = parser.add_argument_group("optimizer")
group.add_argument("--lr", type=float, default=0.5)
group.add_argument("--momentum", type=float, default=0.0)
group.add_argument("--epochs", type=int, default=1)
group.add_argument("--gradient-clip", type=float, default=None)


def _parse_args():
    args_config, remaining = config_parser.parse_known_args()
    if args_config.config:
        with open(args_config.config) as f:
            cfg = yaml.safe_load(f)
            parser.set_defaults(**cfg)
    args = parser.parse_args(remaining)
    args_text = yaml.safe_dump(args.__dict__, default_flow_style=False)
    return args, args_text


def main():
    args, text = _parse_args()
    w, v = 1.0, 0.0
    for _ in range(args.epochs):
        v = args.momentum * v + w
        w -= args.lr * v
    print(w)


main()
