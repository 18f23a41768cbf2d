"""Before the first update: the data set, the folder, the checkpoint to go on from, and whether all of it fits."""

from __future__ import annotations

import math
import shutil

from diagnose.files import write_whole
from diagnose.trainer import checkpoint
from diagnose.trainer.batches import BatchSampler
from diagnose.trainer.checkpoint import Checkpoint
from diagnose.trainer.corpus import Corpus, load_corpus, prepare, with_data
from diagnose.trainer.distributed import World
from diagnose.trainer.finetune import pretrained
from diagnose.trainer.folder import RunFolder
from diagnose.trainer.log import metrics_until, say
from diagnose.trainer.options import Options, as_tree


def claimed(folder: RunFolder, options: Options, *, resume: str | None) -> Options:
    """The options, data set and all, once they are written to the folder. Raises TrainerError where a run is there."""
    folder.refuse_a_second_run(resume=resume is not None)
    options = with_data(options)
    folder.write_config(options)
    return options


def corpus_of(folder: RunFolder, options: Options, world: World, saved: Checkpoint | None) -> Corpus:
    """The data set as tokens; the leading process makes it, unless `saved` was trained on it, and all read it."""
    if world.is_main and (saved is None or not folder.data.exists()):
        base = pretrained(options) if options.finetuning.enabled else None
        prepare(options, base).save(folder.data)
    world.wait()
    corpus = load_corpus(folder.data, options)
    _check_room(corpus, options)
    return corpus


def _check_room(corpus: Corpus, options: Options) -> None:
    """Raise ConfigError where the model has no room for a text, a recording, or a letter to be spoken."""
    needed = {
        "n_vocab": len(corpus.vocabulary),
        "max_text_tokens": max(map(len, corpus.texts)),
        "max_speech_tokens": corpus.longest,
    }
    for key, need in needed.items():
        room = getattr(options.model, key)
        if need > room:
            raise options.error(f"model.{key}", f"{room}, but the data set needs {need}")
    try:
        corpus.vocabulary.encode("".join(options.validation.sample_texts) or corpus.texts[0])
    except ValueError as error:
        raise options.error("validation.sample_texts", str(error)) from error


LATEST = "latest"
"""Go on from the latest whole checkpoint, or begin where there is none."""


def start_of(folder: RunFolder, options: Options, resume: str | None) -> Checkpoint | None:
    """The checkpoint to go on from; None: begin. Raises ConfigError, TrainerError.

    `resume`: None, LATEST, or `best`, `last`, a step or a file; the file may be that of another run.
    """
    if resume is None:
        return None
    if resume == LATEST:
        saved = checkpoint.newest(folder.checkpoints)
        if saved is None:
            say(f"{folder.path}: no checkpoint to resume from; training begins")
            return None
    else:
        file = checkpoint.named(folder.checkpoints, resume)
        saved = checkpoint.load(file)
    same_run(saved, options)
    return saved


def take_over(folder: RunFolder, saved: Checkpoint, resume: str) -> None:
    """Make the folder one whose run is at `saved`: what came after is dropped, another run's past comes along."""
    folder.checkpoints.mkdir(parents=True, exist_ok=True)
    file = checkpoint.named(folder.checkpoints, resume)
    origin = RunFolder(file.resolve().parent.parent)
    if origin.path != folder.path.resolve():
        if origin.data.is_file() and not folder.data.exists():
            shutil.copyfile(origin.data, folder.data)
        if origin.metrics.is_file() and not folder.metrics.exists():
            write_whole(folder.metrics, metrics_until(origin.metrics, saved.progress.step))
    checkpoint.forget_after(folder.checkpoints, saved.progress.step)
    saved.save(folder.checkpoint("last"))


CHANGEABLE = {"batch_size", "demo_clips", "p_dropout"}
"""What of the model and data sections may change within a run."""


def same_run(saved: Checkpoint, options: Options) -> None:
    """Raise ConfigError where the config describes another model or data set than those of the run."""
    for section in ("model", "data"):
        for key, now in as_tree(options)[section].items():
            was = saved.options[section][key]
            spoken = key == "dataset_path" and now is None
            if now != was and key not in CHANGEABLE and not spoken:
                problem = f"{now}, but the run began with {was}; begin a new run for that"
                raise options.error(f"{section}.{key}", problem)


def total_steps(sampler: BatchSampler) -> int:
    """How many updates the config asks for. Raises ConfigError where its intervals do not fit into them."""
    options, training = sampler.options, sampler.options.training
    if not sampler.steps_per_epoch:
        problem = f"{sampler.clips_per_update} clips an update, but only {len(sampler.corpus.train)} to train on"
        raise options.error("data.batch_size", problem)
    total = min(training.max_steps or math.inf, training.max_epochs * sampler.steps_per_epoch)
    for key in ("warmup_steps", "eval_interval", "log_interval"):
        if getattr(training, key) >= total:
            problem = f"{getattr(training, key)} updates, but training ends after {total}"
            raise options.error(f"training.{key}", problem)
    return int(total)
