"""Does the model say what it is asked to? Among held-out clips, is each spoken text nearest its own recording?

    ttsdoc train
    python -m benchmarks.trainer.retrieval runs/stable

Distance: mel-cepstral distortion in dB (13 coefficients without the energy, Kubichek 1993) along the best
time alignment. 25 held-out clips: chance is 0.04.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt

from diagnose.cli.train import calm_threads

FloatArray = npt.NDArray[np.float64]

COEFFICIENTS = 13
CLIPS = 25


def cepstra(log_mel: FloatArray) -> FloatArray:
    """Mel cepstra (frames, 13) of log-mel magnitudes (frames, channels): ln|H| = c0 + sum of c_m cos(m w)."""
    channels = log_mel.shape[1]
    orders = np.arange(1, COEFFICIENTS + 1)
    basis = np.cos(np.pi / channels * (np.arange(channels)[:, None] + 0.5) * orders) * 2 / channels
    return np.asarray(log_mel @ basis)


def distortion(one: FloatArray, other: FloatArray) -> float:
    """Mean mel-cepstral distortion in dB along the alignment that makes it least."""
    scale = 10 / np.log(10) * np.sqrt(2)
    cost = scale * np.sqrt(np.maximum(((one[:, None] - other[None]) ** 2).sum(-1), 0))
    return _least_path(cost)


def _least_path(cost: FloatArray) -> float:
    """The mean cost a step of the cheapest monotone path, by dynamic programming over anti-diagonals."""
    rows, columns = cost.shape
    total = np.full((rows + 1, columns + 1), np.inf)
    length = np.zeros((rows + 1, columns + 1))
    total[0, 0] = 0
    for diagonal in range(2, rows + columns + 1):
        i = np.arange(max(1, diagonal - columns), min(rows, diagonal - 1) + 1)
        j = diagonal - i
        before = np.stack([total[i - 1, j - 1], total[i - 1, j], total[i, j - 1]])
        steps = np.stack([length[i - 1, j - 1], length[i - 1, j], length[i, j - 1]])
        choice = before.argmin(0)
        pick = (choice, np.arange(len(i)))
        total[i, j] = before[pick] + cost[i - 1, j - 1]
        length[i, j] = steps[pick] + 1
    return float(total[rows, columns] / length[rows, columns])


def measure(run: Path) -> dict[str, float]:
    """Retrieval and distortion of the run's best checkpoint on its held-out clips."""
    from diagnose.data import audio
    from diagnose.trainer.corpus import load_corpus
    from diagnose.trainer.options import load
    from diagnose.trainer.speak import load_speaker
    from diagnose.trainer.tokens import log_mel

    options = load(run / "config.yaml")
    corpus = load_corpus(run / "data.safetensors", options)
    speaker = load_speaker(run / "checkpoints" / "best.safetensors")
    folder = Path(options.data.dataset_path or "")
    clips = corpus.val[:CLIPS]
    recordings = [audio.read(folder / "wavs" / f"{corpus.names[index]}.wav").samples for index in clips]
    references = [cepstra(log_mel(samples, options.data).double().numpy()) for samples in recordings]
    spoken = [speaker.tokens(corpus.texts[index]) for index in clips]
    sounds = [speaker.codec.decode(tokens) for tokens in spoken]
    said = [cepstra(log_mel(sound, options.data).double().numpy()) for sound in sounds]
    table = np.array([[distortion(one, other) for other in references] for one in said])
    own = np.eye(len(clips), dtype=bool)
    return {
        "clips": len(clips),
        "retrieval": float((table.argmin(1) == np.arange(len(clips))).mean()),
        "own_db": float(table[own].mean()),
        "other_db": float(table[~own].mean()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("run", type=Path, nargs="+")
    calm_threads()
    for run in parser.parse_args().run:
        print(run, {name: round(value, 3) for name, value in measure(run).items()})


if __name__ == "__main__":
    main()
