"""The healthy reference, the faults, the healthy controls, and small sizes of them: all chosen before the runs."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

Tree = dict[str, dict[str, Any]]

REFERENCE: Tree = {
    "model": {"p_dropout": 0.1},
    "data": {"demo_clips": 280, "val_ratio": 0.1, "test_ratio": 0.1, "batch_size": 16},
    "training": {
        "learning_rate": 4.0e-3,
        "lr_scheduler": "constant",
        "warmup_steps": 14,
        "max_epochs": 8,
        "grad_clip_thresh": 5.0,
        "token_replacement": 0.0,
        "early_stopping": False,
        "eval_interval": 7,
        "log_interval": 2,
        "save_interval": 500,
        "sample_interval": 5000,
    },
    "logging": {"use_tensorboard": False},
    "validation": {"n_samples": 0},
}
"""About 112 updates, ten seconds of one processor. The rate is that of the preset `stable`."""

LARGER: Tree = {"model": {"hidden_channels": 128, "filter_channels": 512, "n_layers": 4}}
"""A second size: 1.1 million parameters."""

FEW: Tree = {
    "model": {"p_dropout": 0.0},
    "data": {"demo_clips": 120, "val_ratio": 0.1, "batch_size": 8},
    "training": {"max_epochs": 15, "warmup_steps": 24, "eval_interval": 12, "log_interval": 4},
}
"""96 clips, seen fifteen times."""


def rate(factor: float) -> Tree:
    """The reference at a multiple of its rate."""
    return {"training": {"learning_rate": 4.0e-3 * factor}}


def decay(factor: float) -> Tree:
    """An exponential decay that is applied at every update."""
    return {"training": {"lr_scheduler": "exponential", "lr_decay": factor}}


@dataclass(frozen=True)
class Fault:
    """One way in which a training goes wrong."""

    name: str
    changes: tuple[Tree, ...]
    ours: bool = True
    cure: str = "gap"
    """`gap`: closes four fifths of the gap to the reference; `best`: keeps the best checkpoint and ends in time."""
    reference: tuple[Tree, ...] = field(default=())
    """What else the reference has: the same model, without the fault."""


NO_NORM: Tree = {"model": {"norm": "none"}, "training": {"grad_clip_thresh": None, "max_epochs": 16}}
"""Without norms the model needs twice the updates: after eight epochs the reference is in the middle of its fall."""

LONG: Tree = {"training": {"max_epochs": 24, "eval_interval": 24}}
"""So long that it memorises: after fifteen epochs the validation loss has risen by a tenth, after 24 by a quarter."""

FAULTS: tuple[Fault, ...] = (
    Fault("rate x5", (rate(5),)),
    Fault("rate x10", (rate(10),)),
    Fault("rate x30", (rate(30),)),
    Fault("rate /20", (rate(1 / 20),)),
    Fault("rate /100", (rate(1 / 100),)),
    Fault("no warm-up at x4", (rate(4), {"training": {"warmup_steps": 0}})),
    Fault("decay .93 an update", (decay(0.93),)),
    Fault("decay .80 an update", (decay(0.80),)),
    Fault("outlier batches", ({"training": {"outlier_share": 0.06, "grad_clip_thresh": None}},)),
    Fault(
        "SGD without clipping",
        ({"training": {"optimizer": "sgd", "learning_rate": 0.3, "warmup_steps": 0, "grad_clip_thresh": None}},),
        reference=({"training": {"optimizer": "sgd", "learning_rate": 0.3, "grad_clip_thresh": 1.0}},),
    ),
    Fault("NaN without norms", (NO_NORM, rate(5)), reference=(NO_NORM,)),
    Fault("overfitting", (FEW, LONG), cure="best", reference=(FEW, LONG)),
    Fault("rate x10 and decay .93", (rate(10), decay(0.93))),
    Fault("rate x10 and few clips", (FEW, rate(10)), reference=(FEW,)),
)

RATE_KINDS = ("rate x5", "rate x10", "rate x30", "rate /20", "rate /100")
SECOND_SIZE = ("rate x5", "rate x30", "rate /20", "NaN without norms")


def controls() -> dict[str, Tree]:
    """Fifty healthy trainings, half as long: rates, schedules, batches, dropout and seeds that people use."""
    found: dict[str, Tree] = {}
    for number in range(50):
        found[f"healthy {number:02d}"] = {
            "model": {"p_dropout": (0.0, 0.1, 0.2)[number % 3]},
            "data": {"batch_size": (8, 16)[number % 2]},
            "training": {
                "learning_rate": (1.0e-3, 2.0e-3, 3.0e-3, 4.0e-3)[number % 4],
                "lr_scheduler": ("constant", "cosine", "inverse_sqrt")[number // 2 % 3],
                "warmup_steps": (7, 14, 28)[number // 3 % 3],
                "max_epochs": (4, 5, 6)[number // 5 % 3],
                "grad_clip_thresh": (1.0, 5.0, None)[number // 4 % 3],
                "token_replacement": (0.0, 0.3)[number // 7 % 2],
                "seed": 100 + number,
            },
        }
    return found


def config(*changes: Tree, seed: int | None = None) -> Tree:
    """The reference with changes, later ones over earlier ones."""
    tree = deepcopy(REFERENCE)
    for change in changes:
        for section, values in change.items():
            tree.setdefault(section, {}).update(values)
    if seed is not None:
        tree["training"]["seed"] = seed
    if tree["training"]["lr_scheduler"] != "exponential":
        tree["training"].pop("lr_decay", None)
    return tree


def reference_of(name: str) -> str:
    """The name of the healthy run that a fault (` larger` for the second size) is compared with."""
    size = " larger" if name.endswith(" larger") else ""
    one = fault(name.removesuffix(" larger"))
    return f"reference of {one.name if one.reference else 'most'}{size}"


def fault(name: str) -> Fault:
    """The fault of that name."""
    return next(one for one in FAULTS if one.name == name)
