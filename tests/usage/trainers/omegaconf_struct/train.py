import logging
import sys

from omegaconf import OmegaConf

log = logging.getLogger(__name__)

DEFAULTS = OmegaConf.create({"optim": {"eps": 1e-8}, "trainer": {"log_every": 1}})


def optimiser(cfg):
    b1, b2 = cfg.betas
    return {"lr": cfg.lr, "b1": b1, "b2": b2, "eps": cfg.eps, "wd": cfg.weight_decay}


def main():
    cfg = OmegaConf.merge(DEFAULTS, OmegaConf.load(sys.argv[1]), OmegaConf.from_cli(sys.argv[2:]))
    log.info(OmegaConf.to_yaml(cfg))
    OmegaConf.save(cfg, "used.yaml") if False else None
    opt = optimiser(cfg.optim)
    w = 1.0
    for epoch in range(cfg.trainer.max_epochs):
        w -= opt["lr"] * w
        opt["lr"] *= cfg.sched.gamma
        if epoch % cfg.trainer.log_every == 0:
            print(w, cfg.trainer.precision)


main()
