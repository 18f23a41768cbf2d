import yaml
from speechkit.engine import fit

cfg = yaml.safe_load(open("config.yaml"))
print(cfg["model"]["width"])
fit(cfg["train"])
