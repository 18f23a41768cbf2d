"""Numbers in a call that printed them, bars, ranks, events that ClearML keeps offline, losses that are none."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from diagnose.engine import examine
from diagnose.errors import LogError
from diagnose.facts import Facts
from diagnose.readers import read_source, runs
from diagnose.readers.sources import Source
from diagnose.run import Role, Run

VALUES = [0.693, 0.62, 0.55, 0.48, 0.41]


def read_text(text: str) -> Run:
    return read_source(Source("paste.txt", content=text.encode()))


def points(run: Run, role: Role = Role.TRAIN_LOSS) -> list[float]:
    curve = run.curve(role)
    return [] if curve is None else curve.values.tolist()


@pytest.mark.parametrize(
    "printed",
    [
        "iter {n}: loss = [array({x}, dtype=float32)]",
        "epoch {n}, cost: [array({x})]",
        "epoch {n} train_loss: array({x}, dtype=float32), lr: array(0.1)",
        "{{'epoch': {n}, 'loss': np.array({x})}}",
        "step {n} loss: np.float32({x})",
        "step {n} loss: float({x})",
    ],
)
def test_a_number_is_read_out_of_the_call_that_printed_it(printed: str) -> None:
    run = read_text("\n".join(printed.format(n=n, x=value) for n, value in enumerate(VALUES)))
    assert points(run) == VALUES


@pytest.mark.parametrize("nan", ["float('nan')", 'float("nan")', "np.nan", "array(nan)", "array(nan, dtype=float32)"])
@pytest.mark.parametrize("printed", ["{{'epoch': {n}, 'loss': {x}}}", "step {n} loss: {x} lr: 0.001"])
def test_nan_as_python_prints_it_is_no_healthy_run(nan: str, printed: str) -> None:
    text = "\n".join(printed.format(n=n, x=value) for n, value in enumerate([0.7, 0.6, nan, nan, nan]))
    run = read_text(text)
    assert points(run)[:2] == [0.7, 0.6]
    assert len(points(run)) == 5
    assert all(map(math.isnan, points(run)[2:]))
    assert "non-finite-loss" in {finding.name for finding in examine(Facts(run)).findings}


def test_of_a_paste_without_an_epochs_end_the_lines_within_it_are_the_loss() -> None:
    line = "2020-11-11 16:41:00 (trainer:486) INFO: {epoch}epoch:train:{batches}batch: forward_time=0.005, loss={x}"
    text = "\n".join(line.format(epoch=8, batches=f"{375 * n + 1}-{375 * (n + 1)}", x=x) for n, x in enumerate(VALUES))
    assert points(read_text(text)) == VALUES


@pytest.mark.parametrize("behind", ["", ", v_num=3"])
@pytest.mark.parametrize("shown", [(20, 50), (10, 30, 50), (25, 26, 49, 50)])
def test_what_a_bar_shows_until_the_next_evaluation_is_one_evaluation(behind: str, shown: tuple[int, ...]) -> None:
    val = [3.1, 2.9, 2.7, 2.5, 2.4, 2.35, 2.3, 2.2, 2.15, 2.1]
    bars = [
        f"Epoch {n}: {2 * done:3d}%|###| {done}/50 [00:10<00:10, 4.9it/s, loss={x - 0.3 - done / 1000:.3f}{behind}"
        + (f", val_loss={val[n - 1]}]" if n else "]")
        for n, x in enumerate(val)
        for done in shown
    ]
    assert points(read_text("\n".join(bars)), Role.VAL_LOSS) == val[:-1]


def test_a_validation_loss_that_stands_still_for_an_epoch_is_evaluated_in_each() -> None:
    val = [3.1, 2.9, 2.7, 2.7, 2.7, 2.6]
    bars = [
        f"Epoch {n}: 100%|###| 50/50 [00:10<00:00, 4.9it/s, loss={x - 0.3:.3f}, val_loss={x}]"
        for n, x in enumerate(val)
    ]
    assert points(read_text("\n".join(bars)), Role.VAL_LOSS) == val


@pytest.mark.parametrize(
    "printed", ["step {n} loss: {x} lr: 0.001", "step {n} loss: {x}", "{{'step': {n}, 'loss': {x}}}"]
)
def test_lines_that_say_there_is_no_loss_are_counted_and_one_is_shown(printed: str) -> None:
    lines = [printed.format(n=n, x=x) for n, x in enumerate([0.9, 0.8, 0.7, 0.6, None, None, None])]
    run = read_text("\n".join(lines))
    assert points(run) == [0.9, 0.8, 0.7, 0.6]
    assert (run.health.unread_lines, run.health.unread_example) == (3, lines[4])


def test_a_setting_of_none_is_no_loss_that_was_lost() -> None:
    lines = ["loss_type=None,", "use_loss_scale: null", *(f"step {n} loss {x}" for n, x in enumerate(VALUES))]
    assert not read_text("\n".join(lines)).health.unread_lines


def test_an_epoch_that_was_not_evaluated_is_no_line_that_was_lost() -> None:
    lines = [f"Epoch {n}: train_loss: {x} val_loss: {x if n % 2 else None}" for n, x in enumerate(VALUES)]
    run = read_text("\n".join(lines))
    assert points(run, Role.VAL_LOSS) == VALUES[1::2]
    assert not run.health.unread_lines


HISTORY = [{"epoch": n, "loss": x, "step": 10 * n} for n, x in enumerate(VALUES)]


@pytest.mark.parametrize("begin", [0, 1, 2, 3])
@pytest.mark.parametrize(
    "end", ["", "\n", ",\n", ',\n  {\n    "epoch": 5,\n    "lo', ',\n  {\n    "epoch": 5,\n    "loss": ']
)
def test_a_history_that_is_torn_within_an_object_loses_no_number_that_is_there(begin: int, end: str) -> None:
    lines = json.dumps(HISTORY, indent=2).removesuffix("\n]").splitlines()[begin:]
    assert points(read_text("\n".join(lines) + end)) == VALUES


def test_the_split_is_known_behind_the_letter_of_what_was_measured() -> None:
    header = "epoch  RMSE_Ftrain  RMSE_Ftest  RMSE_Etrain  RMSE_Etest"
    rows = [f"{n:5d}  {x:.4f}  {x + 0.1:.4f}  {3 * x:.4f}  {3 * x + 0.1:.4f}" for n, x in enumerate(VALUES)]
    run = read_text("\n".join([header, *rows]))
    assert points(run) == VALUES
    assert points(run, Role.VAL_LOSS) == pytest.approx([x + 0.1 for x in VALUES])


@pytest.mark.parametrize(
    "line",
    [
        "{{'epoch': {n}, 'rec_avg_loss': '{a:.4f}', 'icl_avg_loss': '{b:.4f}', 'joint_avg_loss': '{c:.4f}'}}",
        "epoch {n} pose_loss {a:.4f} combined_loss {c:.4f} shape_loss {b:.4f}",
        "step {n}: loss_ab={c:.4f} loss_a={a:.4f} loss_b={b:.4f} lr=0.001",
    ],
)
def test_the_sum_of_the_other_losses_is_the_total_whatever_it_is_called(line: str) -> None:
    run = read_text("\n".join(line.format(n=n, a=x, b=0.3 * x, c=1.3 * x) for n, x in enumerate(VALUES)))
    assert points(run) == pytest.approx([1.3 * x for x in VALUES], rel=1e-3)
    assert any("the sum of the others" in note for note in run.notes)


@pytest.mark.parametrize(
    "line",
    [
        "iter:{n}, epoch:7(total:2000), obj:{x}",
        "epoch {n} done: 10, total: 400, loss: {x}",
        "[{n}/9] total: 12 objective: {x}",
    ],
)
def test_a_total_of_whole_numbers_counts_and_is_no_loss(line: str) -> None:
    assert points(read_text("\n".join(line.format(n=n, x=x) for n, x in enumerate(VALUES)))) == VALUES


def test_a_total_beside_its_parts_is_the_loss() -> None:
    lines = [f"step {n} | total {x + 1.5:.3f} | mel {x:.3f} | stop 1.500" for n, x in enumerate(VALUES)]
    assert points(read_text("\n".join(lines))) == pytest.approx([x + 1.5 for x in VALUES])


@pytest.mark.parametrize(("generator", "discriminator"), [(0, 1), (1, 0)])
def test_of_coqui_the_generator_is_judged_whichever_number_its_optimizer_has(
    generator: int, discriminator: int
) -> None:
    block = (
        "  --> STEP: {n}/270 -- GLOBAL_STEP: {n}\n     | > loss_mel: {x:.5f}  (16.5)\n"
        "     | > loss_{g}: {total:.5f}  (20.2)\n"
        "     | > loss_disc: {d:.5f}  (3.6)\n     | > loss_{a}: {d:.5f}  (3.6)\n"
    )
    totals = [20 + x for x in VALUES]
    text = "\n".join(
        block.format(n=25 * n, x=16 + x, total=20 + x, d=2 + n % 2, g=generator, a=discriminator)
        for n, x in enumerate(VALUES)
    )
    assert points(read_text(text)) == pytest.approx(totals)


@pytest.mark.parametrize(
    "line", ["e{e:02d} s{s:04d} loss {x}", "e{e} i{s:05d} | loss {x} | lr 0.1", "E{e} S{s} loss={x}"]
)
def test_counts_behind_single_letters_count_and_name_nothing(line: str) -> None:
    text = "\n".join(line.format(e=e, s=s, x=2.5 - e / 10 - s / 1000) for e in (1, 2, 3) for s in (50, 100, 150))
    assert len(points(read_text(text))) == 9


def write_ranks(folder: Path, name: str, numbers: list[int], lost: int = -1) -> None:
    folder.mkdir(exist_ok=True)
    for rank in numbers:
        path = folder / name.format(rank)
        path.parent.mkdir(exist_ok=True)
        loss = [2.5 * 0.97**n + 0.003 * ((n * 7 + rank * 3) % 5) for n in range(40)]
        rows = [f"step {10 * n} loss {'nan' if rank == lost and n > 20 else f'{x:.4f}'}" for n, x in enumerate(loss)]
        path.write_text("\n".join(rows) + "\n")


@pytest.mark.parametrize("name", ["rank_{}.log", "train_rank{}.txt", "rank-{}/stdout.log"])
def test_the_logs_of_all_processes_are_one_run_that_names_them(tmp_path: Path, name: str) -> None:
    write_ranks(tmp_path / "logs", name, [*range(12)])
    (run,) = runs(tmp_path)
    assert len(points(run)) == 40
    assert any("one training" in note for note in run.notes)


def test_logs_that_are_numbered_by_the_rank_of_an_adapter_are_runs_of_their_own(tmp_path: Path) -> None:
    write_ranks(tmp_path, "lora_rank{}.log", [4, 8, 16])
    assert len([*runs(tmp_path)]) == 3


def test_what_became_nan_in_one_process_is_not_hidden_by_the_others(tmp_path: Path) -> None:
    write_ranks(tmp_path, "rank_{}.log", [0, 1, 2], lost=1)
    (run,) = runs(tmp_path)
    assert any(map(math.isnan, points(run)))


def test_lists_of_events_a_line_are_series_named_by_title_and_series(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    events = [
        [{"iter": n, "metric": "loss", "variant": variant, "value": x + shift, "timestamp": 1700000000000 + n}]
        for n, x in enumerate(VALUES)
        for variant, shift in (("train", 0.0), ("val", 0.1))
    ]
    path.write_text("\n".join(map(json.dumps, events)) + "\n")
    (run,) = runs(path)
    assert points(run) == VALUES
    assert points(run, Role.VAL_LOSS) == [x + 0.1 for x in VALUES]


def test_rows_of_a_count_and_lists_are_not_one_long_loss() -> None:
    rows = [
        f"{1000 * n}     [{x}, 6.3, 4.8, 1.2, 0.3]    [{x / 2}, 4.1, 0.0, 0.0, 0.0]    []" for n, x in enumerate(VALUES)
    ]
    with pytest.raises(LogError):
        read_text("\n".join(rows))
