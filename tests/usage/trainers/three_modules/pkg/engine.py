from . import parts
from .parts import make_model


class Engine:
    def __init__(self, config):
        self.loop = config["loop"]
        self.model = make_model(config["model"])
        self.optim = parts.Optim(config["optim"])

    def run(self):
        for epoch in range(self.loop["epochs"]):
            self.model = self.optim.step(self.model)
            if epoch % self.loop["save_every"] == 0:
                print(self.model)
