"""Each role goes to the one curve that means it, and nothing that an adversary or a timer logs is judged."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from diagnose.errors import LogError
from diagnose.readers.roles import NOTE, assign_roles
from diagnose.run import Axis, Curve, Role, Run


def run_with(*tags: str, points: Mapping[str, int] | None = None, family: str | None = None) -> Run:
    counts = {tag: (points or {}).get(tag, 50) for tag in tags}
    curves = {tag: Curve(tag, np.arange(count) * 10, np.linspace(2, 1, count)) for tag, count in counts.items()}
    return Run("r", "r.log", "test", curves, family)


def tags_of(run: Run) -> tuple[str | None, str | None]:
    pair = [run.curve(role) for role in (Role.TRAIN_LOSS, Role.VAL_LOSS)]
    return (pair[0].tag if pair[0] else None, pair[1].tag if pair[1] else None)


CASES = [
    pytest.param(["train/loss", "eval/loss", "train/train_loss"], ("train/loss", "eval/loss"), id="HF trainer"),
    pytest.param(
        ["train/box_om", "train/cls_om", "train/box_oo", "val/box_om", "metrics/recall(B)"],
        ("train/box_om", "val/box_om"),
        id="YOLOv10, two heads",
    ),
    pytest.param(["loss", "val_loss", "accuracy", "val_accuracy"], ("loss", "val_loss"), id="Keras"),
    pytest.param(["train_loss_step", "val_loss", "epoch"], ("train_loss_step", "val_loss"), id="Lightning"),
    pytest.param(
        ["train/pitch_loss", "train/duration_loss", "train/spec_loss"], ("train/spec_loss", None), id="speech"
    ),
    pytest.param(["energy_loss", "mel_loss", "gate_loss"], ("mel_loss", None), id="speech, without a split"),
    pytest.param(["loss/g/total", "loss/d/total", "loss/g/mel", "loss/g/kl"], ("loss/g/mel", None), id="VITS"),
    pytest.param(
        ["TrainIterStats/loss_0", "TrainIterStats/loss_1", "TrainEpochStats/avg_loss_1", "EvalStats/avg_loss_1"],
        ("TrainEpochStats/avg_loss_1", "EvalStats/avg_loss_1"),
        id="Coqui GAN",
    ),
    pytest.param(
        [
            "TrainEpochStats/avg_loss",
            "EvalStats/avg_loss",
            "TrainEpochStats/avg_loss_mel_ce",
            "EvalStats/avg_loss_mel_ce",
        ],
        ("TrainEpochStats/avg_loss_mel_ce", "EvalStats/avg_loss_mel_ce"),
        id="XTTS divides only its training loss by the accumulation",
    ),
    pytest.param(
        ["train/mel_loss", "train/gen_loss", "train/d_loss", "eval/mel_loss", "eval/dur_loss"],
        ("train/mel_loss", "eval/mel_loss"),
        id="StyleTTS 2",
    ),
    pytest.param(
        ["t_loss", "t_mel_loss", "val_loss", "val_mel_loss"],
        ("t_mel_loss", "val_mel_loss"),
        id="NeMo FastPitch sums other losses on validation",
    ),
    pytest.param(
        ["training/gen_loss_total", "training/mel_spec_error", "validation/mel_spec_error"],
        ("training/mel_spec_error", "validation/mel_spec_error"),
        id="HiFi-GAN",
    ),
    pytest.param(
        ["Loss/train_total", "Loss/validation", "Loss/train_mel"], ("Loss/train_total", "Loss/validation"), id="T3"
    ),
    pytest.param(["D_A", "G_A", "cycle_A", "cycle_B"], ("cycle_A", None), id="CycleGAN"),
    pytest.param(
        ["train_loss", "train_loss_ce", "train_loss_bbox", "test_loss", "test_loss_ce"],
        ("train_loss", "test_loss"),
        id="DETR: the sum, not its parts",
    ),
    pytest.param(["total_loss", "loss_cls", "loss_box_reg"], ("total_loss", None), id="detectron2"),
    pytest.param(
        ["Train Perplexity", "Val Perplexity", "Train Energy"], ("Train Perplexity", "Val Perplexity"), id="no loss"
    ),
    pytest.param(["loss_scale", "grad_norm", "lr", "samples_per_second"], (None, None), id="nothing to judge"),
    pytest.param(
        ["d_loss", "loss_disc", "loss/d/total", "discriminator_loss"], (None, None), id="a discriminator alone"
    ),
    pytest.param(["val_loss"], (None, "val_loss"), id="validation alone"),
    pytest.param(["Train Loss", "Vali Loss", "Test Loss"], ("Train Loss", "Vali Loss"), id="vali"),
    pytest.param(["ppl", "xent", "valid perplexity"], ("ppl", "valid perplexity"), id="perplexity and ppl"),
    pytest.param(["L", "L_crf", "L_rel"], ("L", None), id="a letter for the loss"),
    pytest.param(["loss", "L"], ("loss", None), id="a loss before a letter"),
    pytest.param(["训练损失", "验证集损失", "学习率"], ("训练损失", "验证集损失"), id="Chinese"),
    pytest.param(["D loss", "G loss"], (None, None), id="a GAN's adversarial losses"),
    pytest.param(["Loss_D", "Loss_G"], (None, None), id="a GAN's adversarial losses, the other way round"),
    pytest.param(["critic_loss", "gen_loss", "val_gen_loss"], (None, None), id="a critic and its generator"),
    pytest.param(["d_loss", "g_loss", "g_l1"], ("g_l1", None), id="a GAN's reconstruction loss"),
    pytest.param(["d_real", "d_fake", "g_adv", "g_l1", "l1_w"], ("g_l1", None), id="a GAN without the word loss"),
    pytest.param([], (None, None), id="nothing at all"),
]


@pytest.mark.parametrize(("tags", "pair"), CASES)
def test_the_losses_of_each_family_are_found(tags: list[str], pair: tuple[str | None, str | None]) -> None:
    assert tags_of(assign_roles(run_with(*tags))) == pair


@pytest.mark.parametrize(("tags", "pair"), CASES)
def test_assigning_again_changes_nothing(tags: list[str], pair: tuple[str | None, str | None]) -> None:
    once = assign_roles(run_with(*tags))
    twice = assign_roles(once)
    assert (tags_of(twice), twice.notes) == (pair, once.notes)


def test_no_two_curves_have_one_label() -> None:
    run = assign_roles(
        run_with("loss", "train_loss", "avg_loss", "val_loss", "valid_loss", "lr", "learning_rate", "gnorm")
    )
    labels = [curve.label for curve in run.curves.values() if curve.role is not None]
    assert len(labels) == len(set(labels))


@pytest.mark.parametrize(
    ("train", "val"),
    [
        pytest.param("loss", "val_bpb", id="bits per byte"),
        pytest.param("loss", "val_ppl", id="perplexity"),
        pytest.param("loss", "val_mel_loss", id="a part beside a total"),
        pytest.param("loss", "val_l1_loss", id="a part that is named by a letter"),
    ],
)
def test_a_validation_in_other_units_is_reported_and_not_compared(train: str, val: str) -> None:
    run = assign_roles(run_with(train, val))
    assert tags_of(run) == (train, None)
    assert f"`{val}` is in other units" in run.notes[-1]


@pytest.mark.parametrize(
    "val",
    [
        "eval_clean_loss",
        "val_clean/loss",
        "val/clean_loss",
        "val_loss_clean",
        "val_loss/clean",
        "val_loss/dataloader_idx_0",
    ],
)
@pytest.mark.parametrize("train", ["loss", "train/loss"])
def test_a_held_out_loss_may_bear_the_name_of_its_set(train: str, val: str) -> None:
    run = assign_roles(run_with(train, val, val.replace("clean", "other").replace("0", "1"), "learning_rate"))
    assert tags_of(run) == (train, val)
    assert "also there: " in run.notes[-1]


def test_a_named_set_whose_loss_is_far_from_the_training_loss_is_not_compared() -> None:
    run = run_with("loss", "eval_clean_loss")
    far = Curve("eval_clean_loss", run.curves["loss"].steps, 3 * run.curves["loss"].values)
    assert tags_of(assign_roles(Run("r", "r", "test", {**run.curves, far.tag: far}))) == ("loss", None)


def test_a_part_that_was_logged_on_both_sides_is_the_headline_before_a_total_without_validation() -> None:
    run = assign_roles(run_with("loss", "loss_clean", "val_loss_clean"))
    assert tags_of(run) == ("loss_clean", "val_loss_clean")
    assert "it has a validation loss in its unit, `loss` has none" in run.notes[-1]


def test_the_part_that_was_logged_on_both_sides_is_paired_with_the_asked_one() -> None:
    run = assign_roles(run_with("loss", "loss_mel", "val_loss", "val_loss_mel"), train_tag="loss_mel")
    assert tags_of(run) == ("loss_mel", "val_loss_mel")


def test_the_user_may_name_a_tag_by_a_pattern() -> None:
    run = assign_roles(run_with("a/Loss_Total", "b/loss_dev", "loss"), train_tag="*loss_total", val_tag="b/*")
    assert tags_of(run) == ("a/Loss_Total", "b/loss_dev")


def test_a_tag_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(LogError, match=r"r\.log: no curve is called 'los'; there are: loss, lr"):
        assign_roles(run_with("loss", "lr"), train_tag="los")


def test_one_curve_cannot_be_both_losses() -> None:
    with pytest.raises(LogError, match="both"):
        assign_roles(run_with("loss"), train_tag="loss", val_tag="loss")


def test_epoch_means_are_preferred_where_there_are_enough_of_them() -> None:
    tags = ("train_loss_step", "train_loss_epoch")
    many = assign_roles(run_with(*tags, points={"train_loss_step": 5000, "train_loss_epoch": 100}))
    few = assign_roles(run_with(*tags, points={"train_loss_step": 5000, "train_loss_epoch": 3}))
    assert (tags_of(many)[0], tags_of(few)[0]) == ("train_loss_epoch", "train_loss_step")


def test_a_family_is_judged_by_its_steps_while_its_epochs_are_few() -> None:
    tags = ("TrainEpochStats/avg_loss", "TrainIterStats/loss", "EvalStats/avg_loss")
    run = assign_roles(run_with(*tags, points={"TrainEpochStats/avg_loss": 3, "EvalStats/avg_loss": 3}))
    assert tags_of(run) == ("TrainIterStats/loss", "EvalStats/avg_loss")


def test_a_lone_final_mean_is_not_the_training_loss() -> None:
    run = assign_roles(run_with("train_loss", "loss", points={"train_loss": 1, "loss": 500}))
    assert tags_of(run)[0] == "loss"


def test_the_generators_gradient_and_rate_come_before_the_discriminators() -> None:
    run = assign_roles(run_with("current_lr_0", "current_lr_1", "grad_norm_0", "grad_norm_1", "loss"))
    rate, norm = run.curve(Role.LEARNING_RATE), run.curve(Role.GRAD_NORM)
    assert rate is not None
    assert norm is not None
    assert (rate.tag, norm.tag) == ("current_lr_1", "grad_norm_1")


@pytest.mark.parametrize(
    "tag", ["lr", "Learning_Rate", "train/learning_rate", "lr-AdamW/pg1", "optim0_lr0", "lrate", "lr/pg0"]
)
def test_learning_rates_are_known_by_their_many_names(tag: str) -> None:
    rate = assign_roles(run_with("loss", tag)).curve(Role.LEARNING_RATE)
    assert rate is not None
    assert rate.tag == tag


@pytest.mark.parametrize(
    "tag", ["grad_norm", "train/grad_norm", "grad.norm", "gradient_norm", "gnorm", "grad norm", "norm"]
)
def test_gradient_norms_are_known_by_their_many_names(tag: str) -> None:
    norm = assign_roles(run_with("loss", tag)).curve(Role.GRAD_NORM)
    assert norm is not None
    assert norm.tag == tag


def test_the_model_family_is_known_by_its_tags_and_the_users_word_counts_more() -> None:
    assert assign_roles(run_with("loss/g/total", "loss/g/mel")).family == "vits"
    assert assign_roles(run_with("loss/g/total", "loss/g/mel", family="mine")).family == "mine"
    assert assign_roles(run_with("loss")).family is None


def test_an_evaluation_that_counts_epochs_is_put_on_the_epoch_axis() -> None:
    run = assign_roles(run_with("train/mel_loss", "train/gen_loss", "train/d_loss", "eval/mel_loss"))
    axes = [curve.axis for role in (Role.TRAIN_LOSS, Role.VAL_LOSS) if (curve := run.curve(role)) is not None]
    assert axes == [Axis.STEP, Axis.EPOCH]


def test_what_a_gan_should_log_is_reported_and_its_nan_is_not_hidden() -> None:
    run = run_with("D loss", "G loss")
    assert "log the generator's reconstruction loss" in assign_roles(run).notes[-1]
    broken = Curve("G loss", np.arange(3), np.array([1, np.nan, np.nan]))
    assert tags_of(assign_roles(Run("r", "r", "test", {**run.curves, "G loss": broken})))[0] == "G loss"


def test_the_note_says_what_was_taken_and_what_else_was_there() -> None:
    run = assign_roles(run_with("loss", "loss_mel", "val_loss", "lr"))
    assert run.notes == (
        NOTE
        + "training loss is `loss` (the others are parts of it or in other units); "
        + "validation loss is `val_loss`; also there: loss_mel",
    )


def test_a_role_that_the_format_set_is_kept() -> None:
    run = run_with("loss", "odd")
    odd = Curve("odd", run.curves["odd"].steps, run.curves["odd"].values, role=Role.TRAIN_LOSS)
    assert tags_of(assign_roles(Run("r", "r", "test", {**run.curves, "odd": odd}))) == ("odd", None)


def test_a_validation_loss_of_zeros_is_none() -> None:
    """YOLO with `val=False` logs zeros; the training loss keeps its role."""
    steps, values = np.arange(1, 21), np.linspace(3.0, 1.0, 20)
    zeros = Curve("val/box_loss", steps, np.zeros(20))
    run = assign_roles(
        Run("run", "run", "csv", {"train/box_loss": Curve("train/box_loss", steps, values), zeros.tag: zeros})
    )
    assert run.curve(Role.VAL_LOSS) is None
    assert run.curve(Role.TRAIN_LOSS) is not None
    assert any("all zeros, ignored: val/box_loss" in note for note in run.notes)


@pytest.mark.parametrize("tag", ["loss/g/kl", "gen_loss_dur", "generator/pitch_loss", "loss_g_commit"])
def test_a_named_part_of_a_generators_loss_is_judged_by_itself(tag: str) -> None:
    run = assign_roles(run_with(tag, "loss/g/mel", "loss/g/total", "loss/d/total"))
    assert [name for name, curve in run.curves.items() if curve.adversarial] == ["loss/g/total", "loss/d/total"]


@pytest.mark.parametrize(
    "names",
    [
        ("system.gpu.0.gpu", "system.gpu.0.memoryAllocatedBytes"),
        ("GPU Util (%)", "GPU Memory (MB)"),
        ("gpu_utilization(percent)", "max mem (GiB)"),
    ],
)
def test_what_is_measured_of_the_machine_is_known_with_dots_and_with_units(names: tuple[str, str]) -> None:
    run = assign_roles(run_with("train/loss", *names))
    assert {curve.role for curve in run.curves.values()} == {Role.TRAIN_LOSS, Role.GPU_UTIL, Role.MEMORY}


def test_time_is_that_of_an_iteration_only_beside_the_time_of_loading() -> None:
    assert assign_roles(run_with("loss", "time", "data_time")).curve(Role.STEP_TIME) is not None
    assert assign_roles(run_with("loss", "time")).curve(Role.STEP_TIME) is None


def test_no_validation_loss_is_claimed_where_none_is_there() -> None:
    run = assign_roles(run_with("train_mel_loss_after", "train_duration_loss", "train_f0_loss"))
    assert not any("validation" in note for note in run.notes)


@pytest.mark.parametrize("values", [[-5.0, -3.0, -1.0], [4.0, 8.0, 11.0], [-2.0, 3.0, 9.0], [9.0, 8.0, 7.0]])
def test_a_ratio_that_rises_or_is_above_zero_is_a_score(values: list[float]) -> None:
    curve = Curve("valid/si_snr", np.arange(3), np.array(values))
    found = assign_roles(Run("r", "r.log", "test", {curve.tag: curve})).curves[curve.tag]
    assert found.role is Role.SCORE
