import sys

from config import Config


def main():
    cfg = Config.load(sys.argv[1])
    w = 1.0
    print("reading", cfg.data.path)
    for step in range(cfg.train.max_steps):
        grad = min(cfg.train.grad_clip, w) / cfg.train.batch_size
        w -= cfg.train.learning_rate * grad
    print(w)


if __name__ == "__main__":
    main()
