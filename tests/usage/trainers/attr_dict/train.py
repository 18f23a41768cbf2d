import yaml


class AttrDict(dict):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.__dict__ = self


def to_attr(value):
    if isinstance(value, dict):
        return AttrDict({k: to_attr(v) for k, v in value.items()})
    if isinstance(value, list):
        return [to_attr(v) for v in value]
    return value


cfg = to_attr(yaml.safe_load(open("config.yaml")))
weights = [1.0] * cfg.net.width
if cfg.net.act == "relu":
    weights = [max(0, w) for w in weights]
for _ in range(cfg.run.epochs):
    weights = [w - cfg.opt.lr * (w + cfg.opt["wd"]) for w in weights]
print(weights)
