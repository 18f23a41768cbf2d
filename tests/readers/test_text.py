"""Text logs of known and unknown formats give the curves that a reader would plot by hand."""

from __future__ import annotations

import io
import random
import time
from contextlib import suppress
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnose.errors import LogError
from diagnose.readers import runs, text
from diagnose.readers.roles import assign_roles
from diagnose.readers.sources import Source
from diagnose.readers.text import lines
from diagnose.readers.text.formats import GUESS, every_format, format_of
from diagnose.readers.text.guess import _heading
from diagnose.readers.text.kinds import names_a_loss
from diagnose.readers.text.table_rows import _row_of_cells
from diagnose.run import Axis, Curve, Role, Run

Points = list[tuple[int, float]]


def read(log: str | bytes, name: str = "train.log") -> Run:
    content = log if isinstance(log, bytes) else log.encode()
    return assign_roles(text.read(Source(name, content=content)))


def points(run: Run, role: Role) -> Points | None:
    curve = run.curve(role)
    return None if curve is None else [(int(s), float(v)) for s, v in zip(curve.steps, curve.values, strict=True)]


def losses(run: Run) -> tuple[Points | None, Points | None]:
    return points(run, Role.TRAIN_LOSS), points(run, Role.VAL_LOSS)


def cases(kind: str) -> dict[str, tuple[str, Points | None, Points | None]]:
    """Name -> a log, its training and its validation losses."""
    found = yaml.safe_load((Path(__file__).parent / "logs.yaml").read_text("utf-8"))[kind]
    return {name: (case["log"], as_points(case["train"]), as_points(case["val"])) for name, case in found.items()}


def as_points(pairs: list[list[float]] | None) -> Points | None:
    return None if pairs is None else [(int(step), float(value)) for step, value in pairs]


FORMATS, GUESSED = cases("known"), cases("guessed")
NAMES = {"so_vits": "vits", "rvc": "vits", "keras_glued": "keras", "tutorial": "styletts"}


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_is_known_by_its_lines_and_read(name: str) -> None:
    log, train, val = FORMATS[name]
    run = read(log)
    assert run.format == NAMES.get(name, name)
    np.testing.assert_equal(losses(run), (train, val))


def test_every_format_in_the_presets_has_its_lines_here() -> None:
    assert {form.name for form in every_format()} == {NAMES.get(name, name) for name in FORMATS}


def test_every_format_says_who_writes_it_and_its_markers_are_in_its_lines() -> None:
    for name, (log, _, _) in FORMATS.items():
        form = format_of(log.encode())
        assert form.about
        assert any(marker in log for marker in form.marker), name


@pytest.mark.parametrize("name", GUESSED)
def test_an_unknown_format_is_read_as_a_person_would(name: str) -> None:
    log, train, val = GUESSED[name]
    run = read(log)
    assert run.format == "text"
    assert "not known" in run.notes[0]
    found = losses(run)
    assert found[0] == train
    if val is not None:
        assert found[1] == val


def test_an_epoch_summary_counts_epochs() -> None:
    curve = read("Epoch 1: 13.18\nEpoch 2: 7.71\n").curve(Role.TRAIN_LOSS)
    assert curve is not None
    assert curve.axis is Axis.EPOCH


def test_an_evaluations_last_running_mean_is_its_value() -> None:
    curve = read(GUESSED["brackets hold running means"][0]).curves["test/Loss"]
    assert list(curve.values) == [3.1]


def test_the_bar_before_a_dict_gives_its_step_and_the_bar_of_an_evaluation_does_not() -> None:
    run = read(
        "  1%|   | 10/900 [00:16<2:14:42,  1.67s/it]\r{'loss': 2.5, 'learning_rate': 9e-05, 'epoch': 0.01}\n"
        " 50%|#  | 4/8 [00:01<00:01,  4.0it/s]\n{'eval_loss': 2.75, 'epoch': 0.01}\n"
        "  2%|   | 20/900 [00:33<2:14:42,  1.67s/it]\r{'loss': 2.25, 'learning_rate': 8e-05, 'epoch': 0.02}\n"
    )
    assert losses(run) == ([(10, 2.5), (20, 2.25)], [(10, 2.75)])
    curve = run.curve(Role.TRAIN_LOSS)
    assert curve is not None
    assert curve.epochs is not None
    assert list(curve.epochs) == [0.01, 0.02]


def test_a_colon_too_many_does_not_hide_a_name() -> None:
    run = read("[Epoch 0/9] [D loss: 0.75] [G loss:: 0.25]\n[Epoch 1/9] [D loss: 0.5] [G loss:: 2.0]\n")
    assert list(run.curves["G loss"].values) == [0.25, 2.0]


def test_a_validation_loss_that_a_bar_repeats_counts_once() -> None:
    bars = "".join(
        f"\rEpoch 0: 1%|# | {n}/90 [00:01<00:09, 2it/s, loss={9 - n / 99}, val_loss={8 - n // 30}]" for n in range(90)
    )
    val = read(bars + "\n").curve(Role.VAL_LOSS)
    assert val is not None
    assert list(val.values) == [8, 7, 6]


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        pytest.param(b"", "binary", id="empty"),
        pytest.param(b"\x7fELF\x02\x01\x01\0\0\0\0" * 999, "binary", id="a program"),
        pytest.param(bytes(range(256)) * 99, "binary", id="all bytes"),
        pytest.param(b"GET /index.html 200\n" * 99, "no training metrics", id="a web server"),
        pytest.param(b"hello\nworld\n", "no training metrics", id="prose"),
        pytest.param(b"loss\nloss\n", "no training metrics", id="the word alone"),
    ],
)
def test_what_is_no_log_is_refused_in_one_line(log: bytes, reason: str) -> None:
    with pytest.raises(LogError, match=reason) as caught:
        read(log)
    assert "\n" not in str(caught.value)


def test_a_refusal_names_the_numbers_and_a_named_tag_is_read() -> None:
    log = b"step 1 PSNR: 30.5\nstep 2 PSNR: 31.5\n"
    with pytest.raises(LogError, match="numbers are named `PSNR`; if one is the loss, say so by --train-tag"):
        text.read(Source("x", content=log))
    run = assign_roles(text.read(Source("x", content=log, tag_named=True)), train_tag="PSNR")
    assert points(run, Role.TRAIN_LOSS) == [(1, 30.5), (2, 31.5)]


def same(one: Run, other: Run) -> bool:
    assert (list(one.curves), one.notes, one.format) == (list(other.curves), other.notes, other.format)
    return all(equal(curve, other.curves[tag]) for tag, curve in one.curves.items())


def equal(one: Curve, other: Curve) -> bool:
    np.testing.assert_array_equal(one.steps, other.steps)
    np.testing.assert_array_equal(one.values, other.values)
    return (one.role, one.axis) == (other.role, other.axis)


@settings(deadline=None)  # a long log that comes byte by byte takes its time
@given(st.sampled_from(sorted({**FORMATS, **GUESSED})), st.randoms(use_true_random=False))
def test_a_log_that_grows_in_any_chunks_ends_as_the_log_read_at_once(name: str, chance: random.Random) -> None:
    data = {**FORMATS, **GUESSED}[name][0].encode()
    log, stream = text.TextLog(), io.BytesIO(data)
    while chunk := stream.read(chance.randrange(1, len(data))):
        log.feed(chunk)
    log.finish()
    assert same(log.run(Source("x")), text.read(Source("x", content=data)))


def ever_new_lines() -> bytes:
    """A training amid lines of which no two are alike, all of them worth a look."""
    words = ("".join(letters) for letters in product("abcdefgh", repeat=4))
    lines = [f"{word}: 0.5" if place % 8 else f"step {place} loss 2.5" for place, word in enumerate(words)]
    return "\n".join(lines).encode()


@pytest.mark.parametrize("size", [1 << 22, 999, 100])
def test_ever_new_lines_use_up_their_budget_but_hide_no_training(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, few in {"_MOST_KINDS": 300, "_FIRST_PARSED": 0, "_RESERVE": 10}.items():
        monkeypatch.setattr(lines, name, few)
    log, stream = text.TextLog(), io.BytesIO(ever_new_lines())
    while chunk := stream.read(size):
        log.feed(chunk)
    log.finish()
    steps = log.run(Source("x")).curves["loss"].steps
    assert steps[-1] == 4088
    assert len(steps) == 503  # each time that the kinds are forgotten the first sight of the training is lost


def test_a_growing_log_can_be_looked_at_before_its_last_line_is_whole() -> None:
    log = text.TextLog()
    log.feed(b"step 1 loss 3\nstep 2 loss 2\nstep 3 lo")
    assert losses(assign_roles(log.run(Source("x"))))[0] == [(1, 3.0), (2, 2.0)]
    log.feed(b"ss 1\n")
    assert losses(assign_roles(log.run(Source("x"))))[0] == [(1, 3.0), (2, 2.0), (3, 1.0)]


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    source = Source("x", content=data)
    assert 0 <= text.sniff(source) <= 100
    with suppress(LogError):
        text.read(source)


def test_a_line_of_a_hundred_megabytes_costs_neither_memory_nor_the_rest_of_the_log() -> None:
    log = text.TextLog()
    log.feed(b"step 1 loss 3\n")
    for _ in range(100):
        log.feed(b"loss: 1.0 " * 100_000)
    log.feed(b"\nstep 2 loss 2\nstep 3 loss 1\n")
    log.finish()
    run = log.run(Source("x"))
    assert losses(assign_roles(run))[0] == [(1, 3.0), (2, 2.0), (3, 1.0)]
    assert run.health.bytes_skipped == 100_000_000


@pytest.mark.parametrize(
    ("train", "val"),
    [
        pytest.param("log.txt", "val_log.txt", id="a prefix"),
        pytest.param("train_loss.log", "val_loss.log", id="a word"),
        pytest.param("train/log.txt", "val/log.txt", id="a folder"),
    ],
)
def test_a_validation_log_beside_the_training_log_is_read_with_it(tmp_path: Path, train: str, val: str) -> None:
    for name, loss in ((train, 1), (val, 2)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"step 1 loss {loss}.5\nstep 2 loss {loss}.25\n", "utf-8")
    source = Source(str(tmp_path / train), tmp_path / train)
    assert losses(assign_roles(text.read(source))) == ([(1, 1.5), (2, 1.25)], [(1, 2.5), (2, 2.25)])
    alone = Source(str(tmp_path / val), tmp_path / val)
    assert losses(assign_roles(text.read(alone))) == (None, [(1, 2.5), (2, 2.25)])
    with pytest.raises(LogError, match="read together with"):
        text.read(Source(alone.name, alone.path, asked=False))


@pytest.mark.parametrize("folder", ["val", "valid", "dev", "eval", "run"])
def test_a_log_that_distinguishes_both_losses_may_be_in_any_folder(tmp_path: Path, folder: str) -> None:
    path = tmp_path / folder / "log.txt"
    path.parent.mkdir()
    path.write_text("step 1 loss 1.5 val_loss 2.5\nstep 2 loss 1.25 val_loss 2.25\n", "utf-8")
    found = losses(assign_roles(text.read(Source(str(path), path))))
    assert found == ([(1, 1.5), (2, 1.25)], [(1, 2.5), (2, 2.25)])


def test_a_second_training_of_one_process_is_a_launch_of_its_own(tmp_path: Path) -> None:
    """Hugging Face prints `train_runtime` when a training is over; its epochs then begin again."""
    first = [f"{{'loss': {3 - epoch:.2f}, 'epoch': {epoch:.2f}}}" for epoch in np.arange(0.25, 2.1, 0.25)]
    second = [f"{{'loss': {9 - epoch:.2f}, 'epoch': {epoch:.2f}}}" for epoch in np.arange(1.0, 5.1, 0.5)]
    over = "{'train_runtime': 31.0, 'train_loss': 9.9, 'epoch': 2.0}"
    log = tmp_path / "a.log"
    log.write_text("\n".join([*first, over, *second, over, ""]))
    (run,) = runs(log)
    assert run.curves["loss"].values.tolist() == [9 - epoch for epoch in np.arange(1.0, 5.1, 0.5)]
    assert any("2 launches in one log" in note for note in run.notes)


@pytest.mark.parametrize("repeated", ["<<: ", "] ", "- ", ": - "])
def test_a_line_of_punctuation_is_read_in_linear_time(repeated: str) -> None:
    before = time.process_time()
    list(_heading(repeated * 10_000))
    assert time.process_time() - before < 1


def test_a_row_of_tabs_is_read_in_linear_time() -> None:
    before = time.process_time()
    _row_of_cells("a | b" + "\t" * 4000 + "1 | 2", "|")
    assert time.process_time() - before < 1


@pytest.mark.parametrize("repeated", ["epoch 1 ", "rank 0 ", "train 1.5 ", "val 2 "])
def test_a_line_of_names_and_numbers_without_signs_is_read_in_linear_time(repeated: str) -> None:
    before = time.process_time()
    list(GUESS.parse(repeated * 2_000))
    assert time.process_time() - before < 1


@pytest.mark.parametrize(
    "before", ["loss", "loss 2.0 step", "step", "train/val loss", "train 1 val", "epoch:", "loss ("]
)
@pytest.mark.parametrize("blank", [" ", "\t"])
def test_a_long_gap_is_read_in_linear_time(before: str, blank: str) -> None:
    line = before + blank * 4_000
    began = time.process_time()
    list(GUESS.parse(line + "x"))
    names_a_loss(line.encode())
    assert time.process_time() - began < 1
