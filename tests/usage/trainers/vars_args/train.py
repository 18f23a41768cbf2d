import argparse

import yaml

parser = argparse.ArgumentParser()
parser.add_argument("--cfg", default="config.yaml")
parser.add_argument("--lr", type=float, default=0.5)
parser.add_argument("--epochs", type=int, default=1)
parser.add_argument("--warmup", type=int, default=100)
args = parser.parse_args()
with open(args.cfg) as f:
    vars(args).update(yaml.safe_load(f))
print("Arguments:")
for name, value in sorted(vars(args).items()):
    print(f"  {name}: {value}")

w = 1.0
for epoch in range(args.epochs):
    w -= args.lr * min(w, args.clip)
print(w)
