"""Training, from the config to the last checkpoint, in the order in which things happen."""

from __future__ import annotations

import math
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from diagnose.data import audio
from diagnose.errors import TrainerError
from diagnose.interrupt import Asked, interruptible
from diagnose.trainer import checkpoint
from diagnose.trainer.batches import BatchSampler, fixed_batches
from diagnose.trainer.checkpoint import Checkpoint, Progress
from diagnose.trainer.corpus import Corpus
from diagnose.trainer.distributed import World, joined
from diagnose.trainer.finetune import freeze_rows, pretrained, warm_start
from diagnose.trainer.folder import RunFolder
from diagnose.trainer.log import Log, RunLog
from diagnose.trainer.model import SpeechModel
from diagnose.trainer.optimiser import Meter, clip_gradients, finite, make_optimizer, outlier_factor, update_seed
from diagnose.trainer.options import Options, as_tree
from diagnose.trainer.schedule import learning_rate
from diagnose.trainer.setup import LATEST, claimed, corpus_of, start_of, take_over, total_steps
from diagnose.trainer.speak import Speaker

HOPELESS = 3
"""Logged points without a finite loss after which training stops: weights that are NaN never come back."""


@dataclass(frozen=True)
class Outcome:
    """How training ended."""

    progress: Progress
    reason: str
    signal: int | None = None
    """The signal that ended it."""
    broken: bool = False
    """Whether the loss was lost to NaN or inf."""
    sample_text: str = ""
    """A text that the model can speak."""
    samples: int = 0
    """Clips that were learned from, repetitions counted."""
    held_out_loss: float | None = None
    """Loss of the best checkpoint on the test clips, where the config sets some aside."""


def train(options: Options, folder: RunFolder, world: World, *, resume: str | None = None) -> Outcome:
    """Train in `folder` to the end of the config, or to a signal.

    `resume`: LATEST goes on from the latest checkpoint, and begins where there is none yet; `best`, `last`, a step or
    a file goes on from that one, and what came after it is dropped. Raises ConfigError, DataError where the data set
    cannot be made, TrainerError where the folder or the checkpoint cannot be used.
    """
    try:
        return _train(options, folder, world, resume=resume)
    except OSError as error:
        where = error.filename or folder.path
        advice = "what was saved before is whole: make room or choose another --out, then go on with --resume"
        raise TrainerError(f"{where}: {error.strerror or error}; {advice}") from error


def _train(options: Options, folder: RunFolder, world: World, *, resume: str | None) -> Outcome:
    with folder.locked() if world.is_main else nullcontext():
        saved = start_of(folder, options, resume)
        if world.is_main:
            options = claimed(folder, options, resume=resume)
            if saved is not None and resume not in (None, LATEST):
                take_over(folder, saved, str(resume))
        with joined(world), interruptible(patient=world.size > 1) as stopped:
            return _from_first_to_last(options, folder, world, saved, stopped)


def _from_first_to_last(
    options: Options, folder: RunFolder, world: World, saved: Checkpoint | None, stopped: Asked
) -> Outcome:
    """One trainer's life. Nothing of it is left when this returns, so that the processes can part."""
    trainer = Trainer(options, folder, corpus_of(folder, options, world, saved), world)
    trainer.start_from(saved)
    return trainer.run(stopped)


class Trainer:
    """One process's part in a run: the model, its optimiser, and how far training is."""

    def __init__(self, options: Options, folder: RunFolder, corpus: Corpus, world: World) -> None:
        self.options, self.folder, self.corpus, self.world = options, folder, corpus, world
        self.device = world.device
        self.sampler = BatchSampler(corpus, options, world)
        self.total_steps = total_steps(self.sampler)
        # The same seed gives every process the same weights; DistributedDataParallel makes sure of it.
        torch.manual_seed(options.training.seed)
        self.model = SpeechModel(options.model).to(self.device)
        self.parallel: nn.Module = self.model
        self.optimizer = make_optimizer(self.model, options.training)
        self.progress = Progress()
        self.meter = Meter(self.device)
        self.broken = 0
        self.speaker = Speaker(self.model, corpus.codec, corpus.vocabulary, corpus.longest)

    def start_from(self, saved: Checkpoint | None) -> None:
        """Take up a checkpoint of this run, or a pretrained model, or begin with fresh weights."""
        if saved is not None:
            self._restore(saved)
        elif self.options.finetuning.enabled:
            warm_start(self.model, pretrained(self.options), self.options)
        if self.options.model.freeze_original_embeddings:
            freeze_rows(self.model.text_embedding, len(pretrained(self.options).characters) + 1)
        if self.world.size > 1:
            self.parallel = DistributedDataParallel(self.model)

    def _restore(self, saved: Checkpoint) -> None:
        """Take up where a checkpoint left. Raises TrainerError where it fits another model."""
        try:
            self.model.load_state_dict(saved.weights)
            checkpoint.restore_optimizer(self.optimizer, self.model, saved.optimizer)
        except (LookupError, RuntimeError, TypeError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            message = f"{self.folder.checkpoints}: the checkpoint is damaged or of another model ({reason})"
            raise TrainerError(message) from error
        self.progress = saved.progress

    def run(self, stopped: Asked) -> Outcome:
        """Update until the config, the validation loss, or a signal says stop."""
        torch.set_flush_denormal(True)  # numbers below 1e-38 are slow on a CPU and mean nothing here
        with self._log() as log:
            log.say(self._plan())
            while (reason := self._ended(stopped)) is None:
                self.update()
                self._interval_work(log)
            self._save("last", log)
            log.say(f"stopped after step {self.progress.step}: {reason}")
        sample = next(iter(self.sample_texts()), "")
        samples = self.progress.step * self.sampler.clips_per_update
        held_out = self._held_out_loss() if stopped.signal is None else None
        return Outcome(self.progress, reason, stopped.signal, self.broken >= HOPELESS, sample, samples, held_out)

    def update(self) -> None:
        """One optimiser update from one effective batch."""
        began = time.perf_counter()
        step, training = self.progress.step, self.options.training
        torch.manual_seed(update_seed(training.seed, step, self.world.rank))  # dropout follows from the step, too
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(step, training, self.total_steps)
        losses = self._backward(step)
        norm, clipped = clip_gradients(self.model, training.grad_clip_thresh)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.progress = replace(self.progress, step=step + 1)
        self.meter.add(torch.cat([losses, norm[None], clipped[None]]), time.perf_counter() - began)

    def evaluate(self) -> dict[str, float]:
        """Losses without dropout or token replacement, and how much of the speech follows the text."""
        self.model.eval()
        seen = self.corpus.train[: max(len(self.corpus.val), 1)]
        text, speech = self._mean_loss(self.corpus.val)
        _, misled = self._mean_loss(self.corpus.val, wrong_text=True)
        clean_text, clean_speech = self._mean_loss(seen)
        self.model.train()
        return {
            "val/loss": text + speech,
            "val/loss_text": text,
            "val/loss_speech": speech,
            "val/wrong_text_gap": misled - speech,
            "train/clean_loss": clean_text + clean_speech,
        }

    def _held_out_loss(self) -> float | None:
        """The loss on the test clips of the best checkpoint. The model is that checkpoint afterwards."""
        best = self.folder.checkpoint("best")
        self.world.wait()
        if not self.corpus.test or not best.exists():
            return None
        self.model.load_state_dict(checkpoint.load(best).weights)
        self.model.eval()
        return sum(self._mean_loss(self.corpus.test))

    def _backward(self, step: int) -> Tensor:
        """Gradients of the mean loss over the effective batch; this process's share of it, (text, speech)."""
        update = self.sampler.batches(step)
        factor = self.world.size * outlier_factor(step, self.options.training)
        counts = torch.tensor([update.text_tokens, update.speech_tokens], dtype=torch.float32, device=self.device)
        total = torch.zeros(2, device=self.device)
        for number, batch in enumerate(update.batches, 1):
            with self._gradients_shared(number == len(update.batches)):
                with self._autocast():
                    sums = torch.stack(self.parallel(batch.to(self.device)))
                means = sums / counts
                # DistributedDataParallel averages over the processes; the sum is wanted.
                (means.sum() * factor).backward()  # type: ignore[no-untyped-call]  # torch
            total += means.detach()
        return total

    def _gradients_shared(self, last: bool) -> AbstractContextManager[None]:
        """Between processes, gradients are exchanged once an update, after the last micro-batch."""
        if isinstance(self.parallel, DistributedDataParallel) and not last:
            return self.parallel.no_sync()
        return nullcontext()

    def _autocast(self) -> AbstractContextManager[object]:
        """Bfloat16 where it pays: measured, it gains nothing on a CPU (benchmarks/trainer)."""
        wanted = self.options.training.use_amp and self.device.type == "cuda" and torch.cuda.is_bf16_supported()
        return torch.autocast(self.device.type, torch.bfloat16) if wanted else nullcontext()

    @torch.no_grad()
    def _mean_loss(self, clips: tuple[int, ...], *, wrong_text: bool = False) -> tuple[float, float]:
        """Mean cross-entropies (text, speech) per token, each process taking its share of the clips."""
        sums = torch.zeros(4, dtype=torch.float64)
        batches = list(fixed_batches(self.corpus, clips, self.options, wrong_text=wrong_text))
        for batch in batches[self.world.rank :: self.world.size]:
            with self._autocast():
                text, speech = self.model(batch.to(self.device))
            counts = (len(batch.text_targets), len(batch.speech_targets))
            sums += torch.tensor([float(text), float(speech), *counts], dtype=torch.float64)
        text_sum, speech_sum, text_count, speech_count = self.world.total(sums).tolist()
        return text_sum / max(text_count, 1), speech_sum / max(speech_count, 1)

    def _interval_work(self, log: Log) -> None:
        """Log, evaluate, speak and save, each when its interval has come round."""
        step, training = self.progress.step, self.options.training
        ends = step >= self.total_steps
        if step % training.log_interval == 0 or ends:
            self._log_training(log)
        if self.corpus.val and (step % training.eval_interval == 0 or ends):
            self._judge(self.evaluate(), log)
        if step % training.sample_interval == 0 or ends:
            self._speak_samples(log)
        if step == max(1, training.eval_interval // 2):  # else a run that fails before its first evaluation leaves none
            self._save(f"step-{step}", log)
        if step % training.save_interval == 0:
            self._save(f"step-{step}", log)
            self._save("last", log)
            if self.world.is_main:
                checkpoint.prune(self.folder.checkpoints, training.keep_checkpoints)
        log.advance(step)

    def _log_training(self, log: Log) -> None:
        step = self.progress.step
        measured = self.meter.take(self.world)
        loss = measured.text_loss + measured.speech_loss
        values = {
            "train/loss": loss,
            "train/loss_text": measured.text_loss,
            "train/loss_speech": measured.speech_loss,
            "learning_rate": learning_rate(step - 1, self.options.training, self.total_steps),
            "grad_norm": measured.grad_norm,
            "grad_norm_max": measured.grad_norm_max,
            "clipped_share": measured.clipped_share,
            "step_time": measured.seconds,
        }
        log.scalars(step, self._epoch(), values)
        self.broken = 0 if math.isfinite(loss) else self.broken + 1

    def _judge(self, losses: dict[str, float], log: Log) -> None:
        """Log an evaluation; keep the model if it is the best so far, and count towards early stopping."""
        log.scalars(self.progress.step, self._epoch(), losses)
        progress, loss = self.progress, losses["val/loss"]
        progress = replace(progress, waited=progress.waited + 1)
        if progress.bar is None or loss < progress.bar - self.options.training.min_delta:
            progress = replace(progress, bar=loss if math.isfinite(loss) else None, waited=0)
        best = math.isfinite(loss) and (progress.best_loss is None or loss < progress.best_loss)
        self.progress = replace(progress, best_loss=loss, best_step=progress.step) if best else progress
        if best:
            self._save("best", log)

    def _ended(self, stopped: Asked) -> str | None:
        """Why to stop now, or None. The same answer in every process."""
        if self.world.any(stopped.signal is not None):
            return "a signal asked for it; everything is saved, go on with --resume"
        if self.broken >= HOPELESS:
            return f"the loss has not been a number for {HOPELESS} logged points; lower the learning rate"
        if self.progress.step >= self.total_steps:
            return "the end of the schedule"
        training = self.options.training
        if (
            training.early_stopping
            and self._epoch() >= training.min_epochs
            and self.progress.waited >= training.patience
        ):
            return f"{training.patience} evaluations without improvement since step {self.progress.best_step}"
        return None

    def _speak_samples(self, log: Log) -> None:
        if not self.world.is_main:
            return
        for number, text in enumerate(self.sample_texts(), 1):
            tokens = self.speaker.tokens(text)
            mel = self.corpus.codec.log_mel(torch.tensor(tokens or [0]))
            sound = self.speaker.sound(tokens)
            audio.write(self.folder.samples / f"{number}.wav", sound)
            log.sample(self.progress.step, str(number), text, sound, mel)

    def sample_texts(self) -> tuple[str, ...]:
        """The texts to speak: the config's, else those of the first clips held out."""
        validation = self.options.validation
        held_out = [self.corpus.texts[index] for index in self.corpus.val or self.corpus.train]
        return (validation.sample_texts or tuple(held_out))[: validation.n_samples]

    def _save(self, name: str, log: Log) -> None:
        if not self.world.is_main:
            return
        if not finite(self.model):
            log.say(f"checkpoint {name} is left as it was: the weights are no longer numbers")
            return
        self.checkpoint().save(self.folder.checkpoint(name))

    def checkpoint(self) -> Checkpoint:
        """Everything that training needs to go on from here."""
        return Checkpoint(
            self.model.state_dict(),
            checkpoint.optimizer_tensors(self.optimizer, self.model),
            self.corpus.codec.codebook,
            self.progress,
            as_tree(self.options),
            self.corpus.vocabulary.characters,
            self.corpus.longest,
        )

    def _epoch(self) -> float:
        return self.progress.step / self.sampler.steps_per_epoch

    def _log(self) -> Log:
        if self.world.is_main:
            return RunLog(self.folder, self.options, step=self.progress.step, total_steps=self.total_steps)
        return Log()

    def _plan(self) -> str:
        """What is about to happen, in one line."""
        data, training = self.options.data, self.options.training
        parts = [f"{data.batch_size} clips"]
        parts += [f"{training.grad_accumulation_steps} accumulated"] * (training.grad_accumulation_steps > 1)
        parts += [f"{self.world.size} processes"] * (self.world.size > 1)
        batch = f"{' x '.join(parts)} = {self.sampler.clips_per_update} clips an update"
        size = sum(parameter.numel() for parameter in self.model.parameters()) / 1e6
        return (
            f"{size:.2f} M parameters on {self.device}; {len(self.corpus.train)} clips to train, "
            f"{len(self.corpus.val)} to validate, {self.corpus.minutes:.1f} min in all; {batch}, "
            f"{self.sampler.steps_per_epoch} updates an epoch, {self.total_steps} in all"
            + (f"; going on from step {self.progress.step}" if self.progress.step else "")
        )
