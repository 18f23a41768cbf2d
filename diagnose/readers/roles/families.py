"""Model families and trainers by the tags of their logs, and which pair of losses is judged in each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from diagnose.run import Axis, Curve, Role

# Epoch means are judged instead of single steps from this many epochs on: fewer hide the course inside an epoch,
# more are the same course with less noise.
ENOUGH_EPOCHS = 20


@dataclass(frozen=True, slots=True)
class Family:
    """How the logs of one model family or trainer name their curves. Tags may be shell patterns."""

    name: str
    known_by: tuple[str, ...]
    """Tags that together are found in no other family's logs."""
    pairs: tuple[tuple[str, str | None], ...]
    """Training loss and the validation loss in the same units, best first; None: no validation can be compared."""
    model: str | None = None
    """The model family of the loss-target tables, where the tags show it."""
    val_axis: Axis | None = None
    """What the steps of the validation loss count, where that is not what the training loss counts."""


# Sources: the trainers' own `add_scalar` calls and logs, listed in the notes on log formats. Where a family trains
# adversarially the pair is its mel loss: the generator's total rises and falls with the discriminator's strength.
FAMILIES: tuple[Family, ...] = (
    Family("gpt_sovits_s2", ("loss/g/total", "loss/g/kl_ssl"), (("loss/g/mel", None),), "vits"),
    Family("so_vits_svc", ("loss/g/total", "loss/g/lf0"), (("loss/g/mel", None),), "vits"),
    Family("vits", ("loss/g/total", "loss/g/mel"), (("loss/g/mel", None),), "vits"),
    Family("so_vits_diffusion", ("train/loss", "validation/loss", "train/lr"), (("train/loss", "validation/loss"),)),
    Family("gpt_sovits_s1", ("total_loss_step", "top_3_acc_step"), (("total_loss_epoch", None),)),
    # XTTS divides its training loss by the accumulation steps, its evaluation loss not: only the parts compare.
    Family(
        "xtts",
        ("TrainEpochStats/avg_loss_mel_ce",),
        (("TrainEpochStats/avg_loss_mel_ce", "EvalStats/avg_loss_mel_ce"),),
        "xtts",
    ),
    Family(
        "coqui_gan",
        ("TrainIterStats/loss_1", "TrainIterStats/loss_0"),
        (("TrainEpochStats/avg_loss_1", "EvalStats/avg_loss_1"), ("TrainIterStats/loss_1", "EvalStats/avg_loss_1")),
    ),
    Family(
        "coqui",
        ("TrainIterStats/loss",),
        (("TrainEpochStats/avg_loss", "EvalStats/avg_loss"), ("TrainIterStats/loss", "EvalStats/avg_loss")),
    ),
    Family("piper", ("train_mel", "val_mel"), (("train_mel", "val_mel"),), "vits"),
    Family("nemo_vits", ("loss_gen_all", "loss_mel"), (("loss_mel", None),), "vits"),
    Family("piper_old", ("loss_gen_all", "loss_disc_all"), (("loss_gen_all", "val_loss"), ("loss_gen_all", None))),
    Family(
        "styletts2",
        ("train/mel_loss", "train/gen_loss", "train/d_loss"),
        (("train/mel_loss", "eval/mel_loss"),),
        "styletts2",
        Axis.EPOCH,
    ),
    Family("matcha", ("sub_loss/train_dur_loss",), (("loss/train_epoch", "loss/val_epoch"),), "matcha"),
    # The duration loss may rise and the diffusion loss is noise about its level from the first epochs on:
    # the prior loss is the part whose course shows learning.
    Family("grad_tts", ("training/prior_loss", "training/diffusion_loss"), (("training/prior_loss", None),)),
    Family("grad_tts", ("prior loss", "diffusion loss"), (("prior loss", None),)),
    # t_loss holds the alignment losses, val_loss does not: their gap means nothing.
    Family("nemo_fastpitch", ("t_loss", "t_mel_loss"), (("t_mel_loss", "val_mel_loss"), ("t_loss", None))),
    Family("nemo_hifigan", ("g_loss", "g_l1_loss"), (("g_l1_loss", "val_loss"),)),
    Family(
        "espnet_gan",
        ("train/generator_loss", "train/generator_mel_loss"),
        (("train/generator_mel_loss", "valid/generator_mel_loss"),),
    ),
    Family("pwg", ("train/mel_loss", "train/adversarial_loss"), (("train/mel_loss", "eval/mel_loss"),)),
    Family("pwg", ("train/generator_loss", "train/*"), (("train/spectral_convergence_loss", None),)),
    Family(
        "hifigan",
        ("training/gen_loss_total", "training/mel_spec_error"),
        (("training/mel_spec_error", "validation/mel_spec_error"),),
    ),
    Family(
        "tacotron2",
        ("training.loss", "grad.norm"),
        (("training.loss", "validation.loss"),),
        "tacotron2",
    ),
    Family(
        "finetune_hf_vits", ("train_summed_losses", "train_loss_mel"), (("train_loss_mel", "val_loss_mel"),), "vits"
    ),
    Family("chatterbox", ("Loss/train_total",), (("Loss/train_total", "Loss/validation"),), "t3"),
    Family("chatterbox", ("Loss/train_epoch_avg",), (("Loss/train_epoch_avg", "Loss/val_epoch_avg"),), "t3"),
    # Pitch and energy make the validation total of FastSpeech 2 rise in healthy runs: the mel loss is judged.
    Family(
        "fastspeech2",
        ("*Loss/mel_postnet_loss", "*Loss/total_loss"),
        (("train/Loss/mel_postnet_loss", "val/Loss/mel_postnet_loss"), ("*Loss/total_loss", None)),
    ),
    # The box loss of detectors has a floor: learning, and memorisation, show in the class loss.
    Family(
        "ultralytics",
        ("train/box_loss", "train/cls_loss"),
        (("train/cls_loss", "val/cls_loss"), ("train/cls_loss", None)),
    ),
    # With one class the class loss is 0 by design.
    Family("ultralytics", ("train/box_loss", "val/box_loss"), (("train/box_loss", "val/box_loss"),)),
    Family("cyclegan", ("cycle_A", "cycle_B"), (("cycle_A", None),)),
)


def family_of(known: str | None, curves: Mapping[str, Curve]) -> Family | None:
    """The family whose tags are all there; one that the user or the config named comes first."""
    there = [family for family in FAMILIES if all(_match(tag, curves) for tag in family.known_by)]
    named = [family for family in there if known in {family.name, family.model}]
    return next(iter(named or there), None)


def _match(pattern: str, curves: Mapping[str, Curve]) -> str | None:
    # Tables and text logs write loss_g_mel for TensorBoard's loss/g/mel.
    for one in (pattern, pattern.replace("/", "_")):
        if one in curves:
            return one
        if "*" in one and (tag := next((tag for tag in curves if fnmatchcase(tag, one)), None)):
            return tag
    return None


def pair_of(family: Family | None, curves: Mapping[str, Curve]) -> dict[Role, str]:
    """The first of the family's pairs that was logged whole and is long enough to show a course."""
    if family is None:
        return {}
    found = [(_match(train, curves), _match(val, curves) if val else None) for train, val in family.pairs]
    logged = [(train, val) for train, val in found if train is not None]
    whole = [pair for pair in logged if pair[1]] or logged
    enough = min(ENOUGH_EPOCHS, max((len(curves[train]) for train, _ in whole), default=0))
    for train, val in whole:
        if len(curves[train]) >= enough:
            return {Role.TRAIN_LOSS: train} | ({Role.VAL_LOSS: val} if val else {})
    return {}
