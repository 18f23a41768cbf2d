import hydra
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf


@hydra.main(version_base=None, config_path=".", config_name="config")
def main(cfg: DictConfig) -> None:
    print(OmegaConf.to_yaml(cfg))
    net = instantiate(cfg.model)
    for _ in range(cfg.training.epochs):
        net.weights = [w - cfg.optimizer.lr * w for w in net.weights]
    print(net.weights)


if __name__ == "__main__":
    main()
