import yaml

cfg = yaml.safe_load(open("config.yaml"))
stage = cfg[cfg["stage"]]
w = 1.0
for _ in range(stage["epochs"]):
    w -= stage["lr"] * w
print(w)
