def make_model(cfg):
    return [1.0] * cfg["width"]


class Optim:
    def __init__(self, options):
        self.options = options
        self.warmup_steps = 0

    def step(self, model):
        scale = 1.0 if self.warmup_steps == 0 else 0.5
        return [w - scale * self.options["lr"] * self.options["beta"] * w for w in model]
