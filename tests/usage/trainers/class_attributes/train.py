import settings
from settings import Config


def clip(g):
    return min(g, Config.CLIP) if Config.CLIP else g


def main():
    settings.setup("config.yaml")
    w = 1.0
    for epoch in range(Config.EPOCHS):
        w -= Config.LR * clip(w)
        if epoch % Config.SAVE_EVERY == 0:
            print(w)


main()
