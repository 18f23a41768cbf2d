import yaml

REQUIRED = ("lr", "epochs", "clip")

cfg = yaml.safe_load(open("config.yaml"))
hp = {}
for key in REQUIRED:
    if key not in cfg:
        raise SystemExit(f"missing {key}")
    hp[key] = cfg[key]
for key in ["decay"]:
    hp[key] = cfg.get(key, 1.0)
for key, value in cfg.items():
    print(key, "=", value)

w = 1.0
for _ in range(hp["epochs"]):
    w -= hp["lr"] * min(w, hp["clip"])
    hp["lr"] *= hp["decay"]
print(w)
