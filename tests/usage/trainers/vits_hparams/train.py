import utils
from models import Synthesizer


def run(rank, hps):
    print(hps)
    net = Synthesizer(hps.data.n_speakers, **hps.model)
    lr = hps.train.learning_rate
    for epoch in range(hps.train.epochs):
        for _ in range(0, 4, hps.train.batch_size):
            net.weights = [w - lr * hps.train.betas[0] * w for w in net.weights]
        lr *= hps.train.lr_decay
        if epoch % hps.train.log_interval == 0 and hps.train.fp16_run:
            print(hps.data.sampling_rate, hps.data.training_files, hps.train.seed, hps.model_dir, net.weights)


def main():
    hps = utils.get_hparams()
    run(0, hps)


if __name__ == "__main__":
    main()
