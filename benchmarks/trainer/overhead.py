"""What do our loop, its logs and its checkpoints cost, beside a plain torch loop of the same model?

    python -m benchmarks.trainer.overhead [--preset stable] [--blocks 12]

Blocks of updates alternate between the two, on the same batches, so that a busy machine slows both alike;
the ratio is that of the CPU times (on a GPU: wall times) of the fastest halves of the blocks.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from diagnose.cli.train import calm_threads

calm_threads()

import torch  # noqa: E402 - after the thread settings

from diagnose.trainer.corpus import Corpus, Vocabulary  # noqa: E402 - as above
from diagnose.trainer.distributed import World  # noqa: E402 - as above
from diagnose.trainer.folder import RunFolder  # noqa: E402 - as above
from diagnose.trainer.log import RunLog  # noqa: E402 - as above
from diagnose.trainer.loop import Trainer  # noqa: E402 - as above
from diagnose.trainer.model import SpeechModel  # noqa: E402 - as above
from diagnose.trainer.options import Options, load  # noqa: E402 - as above
from diagnose.trainer.tokens import Codec  # noqa: E402 - as above

LETTERS = "abcdefghijklmnopqrstuvwxyz "


def corpus(options: Options, clips: int) -> Corpus:
    """Random clips as long as those of the demonstration data: 16 letters, 50 tokens."""
    random = np.random.default_rng(0)
    texts = tuple("".join(random.choice(list(LETTERS), random.integers(10, 23))) for _ in range(clips))
    speech = tuple(random.integers(0, options.model.n_speech_tokens, random.integers(35, 66)) for _ in range(clips))
    width = options.data.frames_per_token * options.data.n_mel_channels
    codec = Codec(options.data, torch.zeros(options.model.n_speech_tokens, width))
    held_out = clips // 10
    names = tuple(str(number) for number in range(clips))
    train, val = tuple(range(held_out, clips)), tuple(range(held_out))
    return Corpus(names, texts, speech, train, val, (), Vocabulary(LETTERS), codec, clips * 1.7 / 60)


def plain_loop(trainer: Trainer) -> Callable[[int], None]:
    """The loop that one would write by hand: the same model, batches, optimiser and clipping, and nothing else."""
    options, device = trainer.options, trainer.device
    model = SpeechModel(options.model).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=device.type == "cuda")

    def update(step: int) -> None:
        (batch,) = trainer.sampler.batches(step).batches
        with torch.autocast(device.type, torch.bfloat16, enabled=options.training.use_amp and device.type == "cuda"):
            text, speech = model(batch.to(device))
        loss = text / len(batch.text_targets) + speech / len(batch.speech_targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), options.training.grad_clip_thresh or float("inf"))
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return update


def seconds(trainer: Trainer, work: Callable[[], None]) -> float:
    """How long `work` takes: of the CPU, or, where a GPU does it, by the clock."""
    gpu = trainer.device.type == "cuda"
    clock = time.perf_counter if gpu else time.process_time
    began = clock()
    work()
    if gpu:
        torch.cuda.synchronize()
    return clock() - began


def compare(options: Options, folder: Path, blocks: int, size: int) -> dict[str, float]:
    """Milliseconds an update of both, their ratio, and tokens a second of ours."""
    trainer = Trainer(options, RunFolder(folder), corpus(options, 600 + 2 * blocks * size), World())
    trainer.folder.write_config(options)
    trainer.start_from(None)
    plain = plain_loop(trainer)
    both: tuple[list[float], list[float]] = ([], [])
    with RunLog(trainer.folder, options, step=0, total_steps=trainer.total_steps) as log:

        def ours() -> None:
            for _ in range(size):
                trainer.update()
                trainer._interval_work(log)

        def by_hand() -> None:
            for step in range(size):
                plain(step)

        for block in range(blocks + 1):
            for times, work in zip(both, (ours, by_hand), strict=True):
                spent = seconds(trainer, work)
                if block:  # the first one warms up
                    times.append(spent / size)
    fast = [float(np.mean(sorted(times)[: max(1, len(times) // 2)])) for times in both]
    tokens = options.data.batch_size * (16 + 51)
    return {
        "ours_ms": 1e3 * fast[0],
        "plain_ms": 1e3 * fast[1],
        "ratio": fast[0] / fast[1],
        "tokens_s": tokens / fast[0],
    }


def main() -> None:
    from dataclasses import replace
    from importlib.resources import files

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--preset", default="stable")
    parser.add_argument("--blocks", type=int, default=12)
    asked = parser.parse_args()
    options = load(Path(str(files("diagnose.presets") / f"{asked.preset}.yaml")))
    # Evaluating and speaking are work of their own, as long as one asks for; they are not the loop's overhead.
    training = replace(
        options.training, eval_interval=10**6, sample_interval=10**6, max_epochs=10**6, save_interval=100
    )
    with tempfile.TemporaryDirectory() as name:
        result = compare(replace(options, training=training), Path(name) / "run", asked.blocks, 20)
    print({key: round(value, 3) for key, value in result.items()})


if __name__ == "__main__":
    main()
