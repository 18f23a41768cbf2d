import yaml


def read_config(path):
    """The config as a dict."""
    with open(path) as stream:
        config = yaml.safe_load(stream)
    return config or {}


def read_warmup(cfg):
    return cfg["optim"]["warmup_steps"]
