"""More kinds of logs, each in three layouts: long tables, sample folders, rows without steps, ranks, redrawn bars."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from diagnose.gather import facts_of_run
from diagnose.readers import read, read_source, runs
from diagnose.readers.sources import Source
from diagnose.report.words import place_of
from diagnose.run import Role, Run

TRAIN = np.round(2.0 * 0.93 ** np.arange(40) + 0.1, 4)


def read_lines(lines: Sequence[str]) -> Run:
    return read_source(Source("x.log", content="\n".join(lines).encode() + b"\n"))


def steps(run: Run, role: Role = Role.TRAIN_LOSS) -> list[int]:
    curve = run.curve(role)
    return [] if curve is None else curve.steps.tolist()


def points(run: Run) -> list[float]:
    curve = run.curve(Role.TRAIN_LOSS)
    return [] if curve is None else curve.values.tolist()


LONG = {
    "mlflow export": ("run_id,key,value,step,timestamp", "a1,{tag},{value},{step},{ms}"),
    "mlflow database": ("key,value,timestamp,run_uuid,step,is_nan", "{tag},{value},{ms},a1,{step},0"),
    "mlflow page": ("Run,Run ID,metric,step,timestamp,value", "fox,a1,{tag},{step},2026-01-01T10:00:00,{value}"),
    "data frame": ("run,tag,step,value", "a1,{tag},{step},{value}"),
}


NO_HEADER = {
    "bars and seconds": "{name} | {value} | {step} | {seconds}",
    "tabs": "{name}\t{step}\t{value}",
    "commas": "{name},{value},{step}",
    "semicolons, a clock first": "{name};{seconds};{step};{value}",
}


@pytest.mark.parametrize("layout", NO_HEADER)
def test_rows_of_a_name_its_value_and_its_step_need_no_header(layout: str, tmp_path: Path) -> None:
    rows = [
        NO_HEADER[layout].format(name=name, value=value + more, step=10 * n, seconds=18.5 + 91.3 * n)
        for n, value in enumerate(TRAIN)
        for name, more in (("train loss", 0.0), ("train loss mel", -0.05), ("valid loss", 0.1))
    ]
    (tmp_path / "log_value.txt").write_text("\n".join(rows) + "\n")
    run = read(tmp_path / "log_value.txt")
    val = run.curve(Role.VAL_LOSS)
    assert points(run) == pytest.approx(TRAIN.tolist())
    assert steps(run) == [10 * n for n in range(len(TRAIN))]
    assert val is not None
    assert len(val) == len(TRAIN)


@pytest.mark.parametrize("layout", LONG)
def test_a_table_with_one_number_a_row_is_series(tmp_path: Path, layout: str) -> None:
    header, row = LONG[layout]
    rows = [
        row.format(tag=tag, value=value, step=10 * n, ms=1_700_000_000_000 + n)
        for tag, shift in (("train_loss", 0.0), ("val_loss", 0.2))
        for n, value in enumerate(np.round(TRAIN + shift, 4))
    ]
    path = tmp_path / "metrics.csv"
    path.write_text("\n".join([header, *rows, "torn,row"]) + "\n")
    run = read(path)
    assert points(run) == TRAIN.tolist()
    assert steps(run, Role.VAL_LOSS) == [10 * n for n in range(40)]
    assert run.health.bad_records == 1


def test_of_several_runs_in_a_long_table_the_longest_is_read_and_the_others_are_named(tmp_path: Path) -> None:
    rows = [f"{name},loss,{n},{TRAIN[n]}" for name, count in (("a", 5), ("b", 40)) for n in range(count)]
    path = tmp_path / "metrics.csv"
    path.write_text("\n".join(["run_id,key,step,value", *rows]) + "\n")
    run = read(path)
    assert points(run) == TRAIN.tolist()
    assert any("2 runs in one table" in note for note in run.notes)


def test_a_forgotten_step_is_no_step(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("run_id,key,value,step,timestamp\n" + "".join(f"a,loss,{v},0,{n}\n" for n, v in enumerate(TRAIN)))
    curve = read(path).curve(Role.TRAIN_LOSS)
    assert curve is not None
    assert not curve.counted
    assert curve.unit == "point"


@pytest.mark.parametrize(
    ("files", "sounds"),
    [
        (
            ("samples/update_100_gen.wav", "samples/update_100_ref.wav"),
            {("samples/gen", 100), ("samples/reference", 100)},
        ),
        (("eval/step_500/0.wav", "eval/step_500/1.wav"), {("eval/0", 500), ("eval/1", 500)}),
        (("samples/000200_0.wav", "samples/LJ001-0001.wav"), {("samples/0", 200)}),
        (("wavs/LJ001-0001.wav", "audio/step_3.wav"), set()),
    ],
    ids=["F5-TTS", "a folder a step", "bare numbers", "a data set"],
)
def test_the_sounds_that_a_trainer_writes_are_beside_its_log(
    tmp_path: Path, files: Sequence[str], sounds: set[tuple[str, int]]
) -> None:
    (tmp_path / "train.log").write_text("".join(f"step {100 * n} loss {v}\n" for n, v in enumerate(TRAIN)))
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"RIFF0000WAVE")
    (run,) = runs(tmp_path)
    assert {(sound.tag, sound.step) for sound in run.attachments} == sounds
    assert all(sound.load() == b"RIFF0000WAVE" for sound in run.attachments)


@pytest.mark.parametrize(("folders", "found"), [(["mine"], 1), (["mine", "other"], 0), (["F5TTS_Base", "other"], 1)])
def test_the_sounds_of_f5_tts_are_with_its_checkpoints(tmp_path: Path, folders: list[str], found: int) -> None:
    log = tmp_path / "runs" / "F5TTS_Base" / "train.log"
    log.parent.mkdir(parents=True)
    log.write_text("".join(f"step {100 * n} loss {v}\n" for n, v in enumerate(TRAIN)))
    for folder in folders:
        (tmp_path / "ckpts" / folder / "samples").mkdir(parents=True)
        (tmp_path / "ckpts" / folder / "samples" / "update_100_gen.wav").write_bytes(b"RIFF0000WAVE")
    assert [(sound.tag, sound.step) for sound in read(log).attachments] == [("samples/gen", 100)] * found


ROWS = [f"{{'loss': {v}, 'learning_rate': 1e-05, 'epoch': {n / 12.7:.2f}}}" for n, v in enumerate(TRAIN, 1)]


@pytest.mark.parametrize(
    ("above", "expected"),
    [
        (["logging_steps=10,"], 10),
        (["  Num Epochs = 4", "  Total optimization steps = 508"], 10),
        (["***** Running training *****", "  Num Epochs = 4", "  Total optimization steps = 1,016"], 20),
    ],
    ids=["logging_steps", "the announced end", "with a comma"],
)
def test_rows_with_an_epoch_count_steps_where_the_interval_is_known(above: list[str], expected: int) -> None:
    run = read_lines([*above, *ROWS])
    assert steps(run) == [expected * n for n in range(1, 41)]


def test_an_infinite_epoch_is_damage_and_no_noise() -> None:
    rows = [row.replace("'epoch': 1.1", "'epoch': 1e999, 'was': 1.1") for row in ROWS]
    assert len(steps(read_lines(["logging_steps=10,", *rows]))) >= 38


@pytest.mark.parametrize("above", [[], ["  Num Epochs = 4", "  Total optimization steps = 450"]])
def test_row_numbers_are_never_called_steps(above: list[str]) -> None:
    """The second: an end that was asked for in steps, whose epochs are rounded up."""
    run = read_lines([*above, *ROWS])
    curve = run.curve(Role.TRAIN_LOSS)
    assert curve is not None
    assert not curve.counted
    assert place_of(run, "train_loss", int(curve.steps[20])) == "epoch 1.65"


@pytest.mark.parametrize("prefix", ["10.0.0.{}: ", "worker-{}: ", "[rank{}]:", "(Worker pid=10{}) ", "[1,{}]<stdout>:"])
def test_rows_of_several_processes_are_averaged(prefix: str) -> None:
    rows = [
        prefix.format(rank) + f"{{'loss': {value + rank / 10:.4f}, 'epoch': {n / 12.7:.2f}}}"
        for n, value in enumerate(TRAIN, 1)
        for rank in (1, 2)
    ]
    assert points(read_lines(rows)) == pytest.approx((TRAIN + 0.15).tolist(), abs=1e-6)


@pytest.mark.parametrize("end", ["\n", "\r"])
def test_the_last_drawing_of_a_bar_counts(end: str) -> None:
    """tqdm draws the bar with the loss before, then again with the new one."""
    drawn, before = [], 3.0
    for n, value in enumerate(TRAIN, 1):
        bar = f"Training:  {n}%|##   | {n}/100 [00:01<00:09,  5.2s/it, loss={{}}]"
        drawn += [bar.format(before), bar.format(value)]
        before = value
    run = read_source(Source("x.log", content=end.join(drawn).encode() + b"\n"))
    assert points(run) == TRAIN.tolist()


def test_settings_come_from_the_log_where_no_config_is_near(tmp_path: Path) -> None:
    rows = ", ".join(f'{{"loss": {v}, "learning_rate": 0.1, "step": {10 * n}}}' for n, v in enumerate(TRAIN))
    path = tmp_path / "trainer_state.json"
    path.write_text(f'{{"train_batch_size": 8, "num_train_epochs": 3, "max_steps": 400, "log_history": [{rows}]}}')
    settings = facts_of_run(read(path)).settings
    assert (settings["batch_size"], settings["max_epochs"]) == (8, 3)
    assert "learning_rate" not in settings  # it is logged, not configured
