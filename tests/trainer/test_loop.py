"""Training: the loss falls, nothing is lost, and what was interrupted goes on as if it had not been."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch

from diagnose.data.audio import read
from diagnose.errors import ConfigError, TrainerError
from diagnose.trainer import checkpoint
from diagnose.trainer.distributed import World
from diagnose.trainer.folder import RunFolder, run_folder
from diagnose.trainer.loop import Trainer, train
from diagnose.trainer.options import Options, load
from diagnose.trainer.schedule import learning_rate
from tests.trainer.tiny import data_set, options

if TYPE_CHECKING:
    from typing_extensions import Self

Weights = dict[str, torch.Tensor]


def trained(folder: Path, tiny: Options, *, resume: str | None = None) -> Weights:
    """The weights after training in `folder`."""
    train(tiny, RunFolder(folder), World(), resume=resume)
    return checkpoint.load(folder / "checkpoints" / "last.safetensors").weights


def metrics(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def equal(one: Weights, other: Weights) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, data: Path) -> Path:
    """A finished run with everything logged."""
    folder = tmp_path_factory.mktemp("runs") / "full"
    trained(folder, options(data, logging={"use_tensorboard": True}, training={"max_epochs": 10}))
    return folder


def test_the_loss_falls(run: Path) -> None:
    losses = [row["train/loss"] for row in metrics(run) if "train/loss" in row]
    assert losses[0] > math.log(16) + math.log(34) - 0.5
    assert losses[-1] < 0.75 * losses[0]


def test_the_run_folder_is_the_contract(run: Path) -> None:
    names = {path.name.split(".")[0] for path in run.iterdir()}
    assert {"config", "metrics", "train", "events", "data", "checkpoints", "samples"} <= names
    assert {path.stem for path in (run / "checkpoints").iterdir()} >= {"best", "last"}
    assert read(run / "samples" / "1.wav").rate == 8000


def test_the_effective_config_can_be_trained_again(run: Path, data: Path) -> None:
    """It holds every key that counts, and names the data set."""
    effective = load(run / "config.yaml")
    assert effective.data.dataset_path == str(data)
    assert effective.training.max_epochs == 10


def test_every_figure_is_logged_under_its_name(run: Path) -> None:
    rows = metrics(run)
    update = {"loss", "loss_text", "loss_speech"}
    logged = {f"train/{name}" for name in update} | {"learning_rate", "grad_norm", "clipped_share", "step_time"}
    assert logged <= rows[0].keys()
    evaluation = next(row for row in rows if "val/loss" in row)
    judged = {f"val/{name}" for name in update} | {"val/wrong_text_gap", "train/clean_loss"}
    assert judged <= evaluation.keys()
    assert rows[-1]["train/loss"] if "train/loss" in rows[-1] else rows[-1]["val/loss"]
    for row in rows:
        if "train/loss" in row:
            assert row["train/loss"] == pytest.approx(row["train/loss_text"] + row["train/loss_speech"])


def test_tensorboard_reads_what_metrics_jsonl_holds(run: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run)).Reload()
    for tag in ("train/loss", "val/loss", "learning_rate", "grad_norm"):
        expected = {row["step"]: row[tag] for row in metrics(run) if tag in row}
        assert {event.step: event.value for event in events.Scalars(tag)} == pytest.approx(expected, rel=1e-6)
    assert events.Tags()["audio"] == ["sample/1", "sample/2"]
    assert events.Tags()["images"] == ["sample/1/mel", "sample/2/mel"]


def test_the_logged_rate_is_that_of_the_schedule(run: Path) -> None:
    effective, rows = load(run / "config.yaml"), metrics(run)
    total = rows[-1]["step"]
    for row in rows:
        if "learning_rate" in row:
            rate = learning_rate(int(row["step"]) - 1, effective.training, int(total))
            assert row["learning_rate"] == pytest.approx(rate)


def test_two_half_batches_make_the_update_of_a_whole_one(data: Path, tmp_path: Path) -> None:
    """The halves hold different numbers of tokens, so a mean of means would not do."""
    still = {"model": {"p_dropout": 0.0}, "training": {"max_steps": 8, "token_replacement": 0.0}}
    whole = trained(tmp_path / "whole", options(data, **still))
    still["training"]["grad_accumulation_steps"] = 2
    halves = trained(tmp_path / "halves", options(data, **still, data={"batch_size": 2}))
    for name, weight in whole.items():
        assert torch.allclose(weight, halves[name], atol=1e-4), name


@pytest.mark.parametrize("stop", [1, 7, 12, 16])
def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(data: Path, tmp_path: Path, stop: int) -> None:
    """Dropout, token replacement, the shuffled order, the schedule and AdamW's moments all go on."""
    tiny = options(data)
    straight = trained(tmp_path / "straight", tiny)
    folder = RunFolder(tmp_path / "broken")
    signal = SignalAfter(stop)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("diagnose.trainer.loop.interruptible", lambda patient: signal)
        outcome = train(tiny, folder, World(), resume=None)
    assert outcome.progress.step == stop
    assert equal(trained(folder.path, tiny, resume="latest"), straight)
    steps = [(row["step"], "val/loss" in row) for row in metrics(folder.path)]
    assert len(steps) == len(set(steps)), "no line twice"


class SignalAfter:
    """A signal that comes after so many updates."""

    def __init__(self, updates: int) -> None:
        self._left = updates

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    @property
    def signal(self) -> int | None:
        self._left -= 1
        return 15 if self._left < 0 else None


def test_resuming_where_nothing_was_saved_begins(data: Path, tmp_path: Path) -> None:
    tiny = options(data, training={"max_steps": 6})
    assert equal(trained(tmp_path / "new", tiny, resume="latest"), trained(tmp_path / "plain", tiny))


def test_a_second_run_does_not_overwrite_the_first(run: Path, data: Path) -> None:
    with pytest.raises(TrainerError, match="holds a run already; go on with --resume"):
        train(options(data), RunFolder(run), World(), resume=None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"model": {"n_layers": 2}}, r"model\.n_layers: 2, but the run began with 1", id="another model"),
        pytest.param({"data": {"dataset_path": "x"}}, r"data\.dataset_path: x, but the run began", id="other data"),
    ],
)
def test_a_run_cannot_go_on_as_another(run: Path, data: Path, changes: dict[str, Any], message: str) -> None:
    before = (run / "config.yaml").read_bytes()
    with pytest.raises(ConfigError, match=message):
        train(options(data, **changes), RunFolder(run), World(), resume="latest")
    assert (run / "config.yaml").read_bytes() == before


def test_early_stopping_waits_as_long_as_configured(data: Path, tmp_path: Path) -> None:
    """With a min_delta that nothing can reach, only the first evaluation counts as better."""
    patient = {"patience": 3, "min_delta": 100.0, "eval_interval": 2, "max_epochs": 20}
    outcome = train(options(data, training=patient), RunFolder(tmp_path / "a"), World(), resume=None)
    assert outcome.progress.step == 2 * (1 + 3)
    assert "3 evaluations without improvement" in outcome.reason
    patient["min_epochs"] = 3
    outcome = train(options(data, training=patient), RunFolder(tmp_path / "b"), World(), resume=None)
    assert outcome.progress.step == 15  # five updates an epoch


def test_a_loss_that_is_no_number_ends_the_run_and_spares_the_checkpoints(data: Path, tmp_path: Path) -> None:
    hot = {"learning_rate": 1e6, "warmup_steps": 4, "grad_clip_thresh": None, "max_epochs": 50, "save_interval": 1}
    unstable = options(data, model={"norm": "none", "n_layers": 2}, training=hot)
    outcome = train(unstable, RunFolder(tmp_path / "nan"), World(), resume=None)
    assert outcome.broken
    assert math.isnan(metrics(tmp_path / "nan")[-1].get("train/loss", math.nan))
    for path in (tmp_path / "nan" / "checkpoints").iterdir():
        assert all(weight.isfinite().all() for weight in checkpoint.load(path).weights.values())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param(
            {"training": {"warmup_steps": 99}}, "warmup_steps: 99 updates, but training ends after 20", id="w"
        ),
        pytest.param({"training": {"eval_interval": 99}}, "eval_interval: 99 updates, but", id="never evaluated"),
        pytest.param({"data": {"batch_size": 99}}, "99 clips an update, but only 23 to train on", id="batch"),
        pytest.param({"model": {"n_vocab": 4}}, "model.n_vocab: 4, but the data set needs 6", id="vocabulary"),
        pytest.param({"model": {"max_speech_tokens": 3}}, "max_speech_tokens: 3, but", id="long clips"),
        pytest.param({"validation": {"sample_texts": ("xyz",)}}, "the model knows no 'x' 'y' 'z'", id="letters"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused_before_the_first_update(
    data: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        train(options(data, **changes), RunFolder(tmp_path / "run"), World(), resume=None)
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


def tuning(run: Path, **model: Any) -> dict[str, Any]:
    return {
        "finetuning": {"enabled": True, "pretrained_model": str(run / "checkpoints" / "best.safetensors")},
        "model": model,
        "training": {"max_steps": 6},
    }


def test_a_new_language_gets_rows_of_its_own_and_frozen_ones_stay(run: Path, tmp_path: Path) -> None:
    """The story's case: new letters behind the old ones, whose embeddings must not move."""
    other = data_set(tmp_path / "other", letters="abcdeabcde"[2:5])
    changes = tuning(run, n_vocab=20, original_vocab_size=16, freeze_original_embeddings=True)
    tuned = trained(tmp_path / "tuned", options(other, **changes))
    before = checkpoint.load(run / "checkpoints" / "best.safetensors")
    known = len(before.characters) + 1
    assert torch.equal(tuned["text_embedding.weight"][:known], before.weights["text_embedding.weight"][:known])
    assert tuned["text_embedding.weight"].shape[0] == 20
    assert not torch.equal(tuned["speech_head.weight"], before.weights["speech_head.weight"])
    assert torch.equal(checkpoint.load(tmp_path / "tuned/checkpoints/last.safetensors").codebook, before.codebook)


def test_a_warm_start_begins_below_a_cold_one(run: Path, data: Path, tmp_path: Path) -> None:
    trained(tmp_path / "warm", options(data, **tuning(run)))
    trained(tmp_path / "cold", options(data, training={"max_steps": 6}))
    assert metrics(tmp_path / "warm")[0]["train/loss"] < 0.9 * metrics(tmp_path / "cold")[0]["train/loss"]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        pytest.param({"n_vocab": 8}, "model.n_vocab: 8, but the pretrained model has 16 rows", id="fewer rows"),
        pytest.param({"original_vocab_size": 9}, "original_vocab_size: 9, but the pretrained", id="another model"),
        pytest.param({"n_layers": 2}, "the pretrained model is built otherwise", id="layers"),
        pytest.param({"hidden_channels": 32}, r"\(16, 16\) in the pretrained model, \(16, 32\) by this", id="width"),
    ],
)
def test_a_pretrained_model_that_does_not_fit_is_refused(
    run: Path, data: Path, tmp_path: Path, model: dict[str, int], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        trained(tmp_path / "tuned", options(data, **tuning(run, **model)))


def test_each_run_gets_a_folder_of_its_own(tmp_path: Path, data: Path) -> None:
    tiny = options(data, logging={"log_dir": str(tmp_path)})

    def name(resume: bool) -> str:
        return run_folder(tiny, "stable", resume=resume).path.name

    assert (name(False), name(True)) == ("stable", "stable")
    for taken in ("stable", "stable-2"):
        RunFolder(tmp_path / taken).write_config(tiny)
    assert (name(False), name(True)) == ("stable-3", "stable-2")


def test_evaluation_changes_nothing_in_training(data: Path, tmp_path: Path) -> None:
    often = trained(tmp_path / "often", options(data, training={"eval_interval": 1, "max_steps": 6}))
    seldom = trained(tmp_path / "seldom", options(data, training={"eval_interval": 5, "max_steps": 6}))
    assert equal(often, seldom)


def test_a_trainer_that_follows_the_text_is_hurt_by_a_wrong_one(run: Path, data: Path) -> None:
    trainer = Trainer(load(run / "config.yaml"), RunFolder(run), _corpus(run), World())
    trainer.start_from(checkpoint.load(run / "checkpoints" / "best.safetensors"))
    assert trainer.evaluate()["val/wrong_text_gap"] > 0


def _corpus(run: Path) -> Any:
    from diagnose.trainer.corpus import load_corpus

    return load_corpus(run / "data.safetensors", load(run / "config.yaml"))
