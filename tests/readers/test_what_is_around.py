"""What is around the numbers of a log: paths, places in an evaluation, records, NaN as others write it, copies."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from diagnose.engine import examine
from diagnose.facts import Facts
from diagnose.finding import Verdict
from diagnose.readers import read_source, runs
from diagnose.readers.sources import Source
from diagnose.run import EndingKind, Role, Run
from tests.readers.events import scalar, write

POINTS = 30
TRAIN = np.round(2.4 * 0.9 ** np.arange(POINTS) + 0.2001, 4)
VAL = np.round(TRAIN + 0.31, 4)
LOST = np.where(np.arange(POINTS) < 20, TRAIN, np.nan)
GONE_AND_BACK = np.where(np.isin(np.arange(POINTS), (11, 14, 19)), np.nan, TRAIN)

Line = Callable[[int, float, float], str]


def text_run(text: str, name: str = "x.log") -> Run:
    return read_source(Source(name, content=text.encode()))


def logged(line: Line, name: str = "x.log", train: np.ndarray[tuple[int], np.dtype[np.float64]] = TRAIN) -> Run:
    return text_run("".join(f"{line(n, float(train[n]), float(VAL[n]))}\n" for n in range(POINTS)), name)


def values(run: Run, role: Role) -> list[float] | None:
    curve = run.curve(role)
    return None if curve is None else curve.values.tolist()


def steps(run: Run, role: Role = Role.TRAIN_LOSS) -> list[int]:
    curve = run.curve(role)
    assert curve is not None
    return [int(step) for step in curve.steps]


PATHS: dict[str, Line] = {
    "run of DDSP-SVC": lambda n, t, _: f"epoch: {n} | exp/ddsp-test | batch/s: 8.51 | loss: {t} | step: {n}",
    "in brackets": lambda n, t, _: f"[runs/eval_v2/model] step {n} | loss: {t} | lr: 1e-4",
    "of Windows": lambda n, t, _: f"C:\\logs\\val-3\\net epoch {n} loss={t} acc=0.5",
    "of a checkpoint": lambda n, t, _: f"saving to ./ckpt/dev_set/last.pt | epoch {n} | loss {t}",
}


@pytest.mark.parametrize("name", PATHS)
def test_a_piece_of_a_path_names_no_split(name: str) -> None:
    run = logged(PATHS[name])
    assert (values(run, Role.TRAIN_LOSS), values(run, Role.VAL_LOSS)) == (TRAIN.tolist(), None)


def test_a_whole_part_of_a_path_names_the_split() -> None:
    run = logged(lambda n, t, v: f"epoch: {n} metrics/val loss: {v}, metrics/train loss: {t}")
    assert (values(run, Role.TRAIN_LOSS), values(run, Role.VAL_LOSS)) == (TRAIN.tolist(), VAL.tolist())


PLACES: dict[str, Line] = {
    "MMEngine": lambda n, t, _: (
        f"Epoch(train) [{n + 1}][100/100]  loss: {t}\nEpoch(val) [{n + 1}][500/500]  mIoU: {30 + n}.5  time: 0.05"
    ),
    "in brackets": lambda n, t, _: f"Train Epoch {n} loss {t}\nTest [250/250]  top1 {50 + n}.25  top5 {60 + n}.12",
    "in round ones": lambda n, t, _: f"epoch {n} train loss: {t}\nValidation (1200/1200) acc: 0.{50 + n}",
}


@pytest.mark.parametrize("name", PLACES)
def test_the_place_in_an_evaluation_is_no_loss(name: str) -> None:
    run = logged(PLACES[name])
    assert (values(run, Role.TRAIN_LOSS), values(run, Role.VAL_LOSS)) == (TRAIN.tolist(), None)


@pytest.mark.parametrize("written", ["1.#QNAN", "-1.#IND", "-1.#IND00", "-nan(ind)", "nan(snan)"])
@pytest.mark.parametrize(
    "line", [lambda n, x: f"epoch {n} loss {x}", lambda n, x: "epoch,loss\n" * (n == 0) + f"{n},{x}"]
)
def test_what_is_no_number_is_nan_as_microsoft_prints_it(written: str, line: Callable[[int, object], str]) -> None:
    run = logged(lambda n, t, _: line(n, written if np.isnan(t) else t), train=LOST)
    np.testing.assert_equal(values(run, Role.TRAIN_LOSS), LOST.tolist())
    assert [finding.name for finding in examine(Facts(run)).findings][:1] == ["non-finite-loss"]


RETURNING: dict[str, tuple[str, Line]] = {
    "detector": (
        "x.log",
        lambda n, t, _: f"Epoch [1][{n}/900] lr: 0.01, loss_rpn: 0.{423 - n}, loss_cls: 0.{881 - n}, loss: {t}",
    ),
    "JSON lines": ("x.jsonl", lambda n, t, _: json.dumps({"step": n, "loss": t, "loss_mel": 0.5, "loss_dur": 0.2})),
    "CSV": ("x.csv", lambda n, t, _: "step,train_loss,l1_loss\n" * (n == 0) + f"{n},{t},0.{500 - n}"),
}


@pytest.mark.parametrize("name", RETURNING)
def test_a_total_that_is_nan_beside_its_parts_and_comes_back_was_nan(name: str) -> None:
    file, line = RETURNING[name]
    run = logged(line, file, GONE_AND_BACK)
    np.testing.assert_equal(values(run, Role.TRAIN_LOSS), GONE_AND_BACK.tolist())
    assert examine(Facts(run)).verdict is Verdict.UNHEALTHY


def test_nan_fills_the_rows_of_the_other_split() -> None:
    def row(n: int, t: float, v: float) -> str:
        return f"{n},{t},nan" + f"\n{n},nan,{v}" * (n % 3 == 2)

    run = text_run("step,loss,val_loss\n" + "\n".join(row(n, TRAIN[n], VAL[n]) for n in range(POINTS)), "x.csv")
    assert (values(run, Role.TRAIN_LOSS), values(run, Role.VAL_LOSS)) == (TRAIN.tolist(), VAL[2::3].tolist())


RATES: dict[str, Line] = {
    "fairseq 0.1": lambda n, t, _: f"| epoch {n:03d} | train loss {t} | s/checkpoint 61 | words/batch    838 | bsz 64",
    "tokens": lambda n, t, _: f"| epoch {n:03d} | loss {t} | samples/step 3584 | tokens/step  {3584 - n} | s/step 0.9",
    "seconds": lambda n, t, _: f"epoch {n}: loss {t} images/batch: 64 sec/batch: 0.212",
    "a folder of tags": lambda n, t, _: f"metrics/step: {n} metrics/loss: {t}",
}


@pytest.mark.parametrize("name", RATES)
def test_a_number_for_each_batch_counts_no_batches(name: str) -> None:
    run = logged(RATES[name])
    assert steps(run) == list(range(POINTS))


COUNTED: dict[str, Line] = {
    "Torch": lambda n, t, _: f"{50 * n}/2000 (epoch {n * 0.13:.3f}), train_loss = {t}, grad/param norm = 4.5e-01",
    "TensorFlow": lambda n, t, _: f"{50 * n}/2000 (epoch {n // 8}), train_loss = {t}, time/batch = 0.123",
    "Kaggle": lambda n, t, _: f"{12 + n}.3s {n + 4} [{50 * n}]\ttraining's rmse: {t}",
    "Kaggle, pasted": lambda n, t, _: f"{131 + n}.7s | {202 + n} | [{50 * n}]\ttraining's rmse: {t}",
}


@pytest.mark.parametrize("name", COUNTED)
def test_the_step_in_front_of_a_line_counts(name: str) -> None:
    assert steps(logged(COUNTED[name])) == [50 * n for n in range(POINTS)]


COSTS: dict[str, Line] = {
    "PaddleClas": lambda n, t, _: (
        f"[Train][Epoch {n}/60]CELoss: {t}, loss: {t}, batch_cost: 0.21s, reader_cost: 0.10, ips: 150.12 samples/s"
    ),
    "PaddleSeg": lambda n, t, _: f"[TRAIN] epoch: {n}, loss: {t}, batch_cost: 0.2512, reader_cost: 0.00112, ips: 15.9",
    "PaddleDetection": lambda n, t, _: f"Epoch: [{n}] loss: {t} batch_cost: 0.4235 data_cost: 0.0002 ips: 4.7",
}


@pytest.mark.parametrize("name", COSTS)
def test_what_a_reader_costs_is_a_time_and_so_are_the_costs_beside_it(name: str) -> None:
    run = logged(COSTS[name])
    roles = {tag: curve.role for tag, curve in run.curves.items() if tag != "loss" and "time" in tag}
    assert set(roles.values()) <= {Role.STEP_TIME, Role.LOADER_TIME}
    assert not [tag for tag in run.curves if "cost" in tag]


def test_a_value_whose_count_was_cut_off_is_one_interval_before_the_first() -> None:
    cut = "3/train/loss=2.9 val/loss=3.1\n"
    run = text_run(
        cut + "".join(f"epoch {200 + 2 * n} train/loss={TRAIN[n]} val/loss={VAL[n]}\n" for n in range(POINTS))
    )
    assert steps(run, Role.VAL_LOSS) == list(range(198, 200 + 2 * POINTS, 2))


@pytest.mark.parametrize(
    "last",
    [
        "Loss is nan, stopping training",
        "Batch 3: Invalid loss, terminating training",
        "ERROR: NaN loss detected at step 600, exiting",
        "loss became non-finite -> aborting run",
    ],
)
def test_a_trainer_that_stops_for_nan_ended_with_an_error(last: str) -> None:
    run = text_run("".join(f"step {n} loss {TRAIN[n]}\n" for n in range(POINTS)) + last)
    assert run.ending is not None
    assert (run.ending.kind, run.ending.line) == (EndingKind.DIED, last)


def test_the_loss_of_a_policy_is_no_headline_beside_another() -> None:
    run = logged(lambda n, t, _: f"| Epoch | {n} |\n| LossPi | {-0.01 + 0.001 * (n % 3):.4f} |\n| LossV | {t} |")
    assert values(run, Role.TRAIN_LOSS) == TRAIN.tolist()


RECORDS: dict[str, Line] = {
    "Docker": lambda n, t, v: json.dumps({"log": f"epoch {n} loss {t}\tval_loss {v}\r\n", "stream": "stdout"}),
    "Docker, in colour": lambda n, t, v: json.dumps({"log": f"\x1b[32mepoch {n}\x1b[0m loss {t} val_loss {v}\n"}),
    "journald": lambda n, t, v: json.dumps(
        {"_PID": "7", "PRIORITY": "6", "MESSAGE": f"step {n}: loss {t}, val loss {v}"}
    ),
    "Google Cloud": lambda n, t, v: json.dumps(
        {"textPayload": f"epoch {n}: loss={t}, val_loss={v}", "severity": "INFO"}
    ),
    "a logger": lambda n, t, v: json.dumps({"lineno": 42, "message": f"Epoch {n} - loss: {t} - val_loss: {v}"}),
    "fields": lambda n, t, v: json.dumps({"message": "train step", "epoch": n, "loss": t, "val_loss": v}),
}


@pytest.mark.parametrize("name", RECORDS)
def test_records_of_what_a_program_printed_are_read_as_what_it_printed(name: str) -> None:
    run = logged(RECORDS[name], "x.json")
    assert (values(run, Role.TRAIN_LOSS), values(run, Role.VAL_LOSS)) == (TRAIN.tolist(), VAL.tolist())
    assert steps(run) == list(range(POINTS))


LEAPING: dict[str, Line] = {
    "plain": lambda n, t, _: f"step {n} loss {t}",
    "Tacotron 2 of NVIDIA": lambda n, t, _: f"Train loss {n} {t:.6f} Grad Norm 1.484264 5.71s/it",
    "Megatron": lambda n, t, _: f" iteration {n}/ 90000 | lm loss: {t:E} | loss scale: 1.0 | grad norm: 1.1 |",
}


@pytest.mark.parametrize("omission", ["...", "[...]", "\u2026.", "<....>"])
@pytest.mark.parametrize("name", LEAPING)
def test_where_lines_were_left_out_the_steps_may_leap(name: str, omission: str) -> None:
    line = LEAPING[name]
    counts = [*range(10), *range(61_000, 61_020)]
    lines = [line(step, float(TRAIN[n]), 0.0) for n, step in enumerate(counts)]
    run = text_run("\n".join([*lines[:10], omission, *lines[10:]]))
    assert steps(run) == counts


@pytest.mark.parametrize("name", ["lossvalue", "losstotal", "train_lossavg"])
def test_a_word_that_is_glued_behind_loss_is_a_word(name: str) -> None:
    run = logged(lambda n, t, _: f"INFO:root:Epoch[0] Batch [{20 * n}]   Speed: 44.82 samples/sec        {name}={t}")
    assert (steps(run), values(run, Role.TRAIN_LOSS)) == ([20 * n for n in range(POINTS)], TRAIN.tolist())


def test_comet_names_its_columns_in_capitals() -> None:
    rows = [
        f"abc,{name},{x},{10 * n},{n}" for n in range(POINTS) for name, x in (("loss", TRAIN[n]), ("val_loss", VAL[n]))
    ]
    run = text_run("experimentKey,metricName,metricValue,step,epoch\n" + "\n".join(rows), "x.csv")
    assert (values(run, Role.TRAIN_LOSS), values(run, Role.VAL_LOSS)) == (TRAIN.tolist(), VAL.tolist())
    assert steps(run) == [10 * n for n in range(POINTS)]


@pytest.mark.parametrize("counter", ["iter", "global_step", "steps"])
def test_a_list_that_counts_in_a_section_counts(counter: str) -> None:
    counts = [50 * n for n in range(POINTS)]
    document = {"meta": {"name": "run"}, "data": {counter: counts, "loss": TRAIN.tolist(), "loss_val": VAL.tolist()}}
    assert steps(text_run(json.dumps(document), "x.json")) == counts


def test_what_a_network_lost_is_no_loss() -> None:
    run = logged(lambda n, t, _: f"ping: 10 packets, {n}.5% packet loss, time 9012ms\nepoch {n} loss {t}")
    assert values(run, Role.TRAIN_LOSS) == TRAIN.tolist()


@pytest.mark.parametrize("power", ["\u00d7 10^-3", "x10^-3", "*10^{-3}"])
def test_a_power_that_is_written_by_hand_belongs_to_its_number(power: str) -> None:
    run = logged(lambda n, t, _: f"epoch {n}: loss = {t}{' ' * (power[1] == ' ')}{power}, lr = 1{power}")
    np.testing.assert_allclose(values(run, Role.TRAIN_LOSS) or [], TRAIN / 1000)


def test_bigvgan_is_judged_by_its_mel_error() -> None:
    """Its second edition writes the lines of HiFi-GAN in other words."""

    def line(n: int, t: float, _: float) -> str:
        return f"Steps: {n}, Gen Loss Total: {40 + t:.3f}, Mel Error: {t}, s/b: 0.512 lr: 0.0001 grad_norm_g: 50.1"

    run = logged(line)
    assert (run.format, values(run, Role.TRAIN_LOSS)) == ("hifigan", TRAIN.tolist())


def test_a_name_in_brackets_is_a_name() -> None:
    run = logged(lambda n, t, v: f"epoch={n}, train mse <loss>={t}\nepoch={n}, validation mse <loss>={v}")
    assert (values(run, Role.TRAIN_LOSS), values(run, Role.VAL_LOSS)) == (TRAIN.tolist(), VAL.tolist())


def test_a_log_that_repeats_another_of_its_folder_is_the_same_training(tmp_path: Path) -> None:
    """SpeechBrain writes its epochs into `train_log.txt`, and into `log.txt` with all else."""
    for seed in range(2):
        folder = tmp_path / f"seed{seed}"
        folder.mkdir()
        told = [
            f"epoch: {n}, lr: 1.00e+00 - train loss: {t + seed:.2e} - valid loss: {t + 1 + seed:.2e}"
            for n, t in enumerate(TRAIN)
        ]
        (folder / "train_log.txt").write_text("\n".join(told))
        (folder / "log.txt").write_text(
            "speechbrain.core - Beginning\n" + "\n".join(f"10:00:00 - {line}" for line in told)
        )
    found = list(runs(tmp_path))
    assert [len(run.sources) for run in found] == [2, 2]


def test_numbers_in_a_folder_below_the_log_are_the_same_training(tmp_path: Path) -> None:
    """MMEngine: `20230501.log` and `vis_data/scalars.json`, which another file there repeats."""
    for number in range(2):
        folder = tmp_path / f"2023050{number}"
        (folder / "vis_data").mkdir(parents=True)
        losses = (TRAIN + number / 7).tolist()
        rows = "\n".join(json.dumps({"loss": x, "lr": 0.01, "step": n}) for n, x in enumerate(losses))
        for name in ("scalars", folder.name):
            (folder / f"vis_data/{name}.json").write_text(rows)
        (folder / f"{folder.name}.log").write_text(
            "".join(
                f"mmengine - INFO - Iter(train) [{n}/900]  lr: 1.0e-02  loss: {x:.4f}\n" for n, x in enumerate(losses)
            )
        )
    assert [run.name for run in runs(tmp_path)] == ["20230500", "20230501"]


def test_the_inner_losses_of_fairseq_are_of_the_same_training(tmp_path: Path) -> None:
    for split, losses in (("train", TRAIN), ("train_inner", TRAIN), ("valid", VAL)):
        write(tmp_path / "tb" / split, [scalar("loss", n, float(x)) for n, x in enumerate(losses)])
    (run,) = runs(tmp_path)
    np.testing.assert_allclose(values(run, Role.VAL_LOSS) or [], VAL, rtol=1e-6)


def test_two_logs_of_one_form_with_losses_of_their_own_are_two_trainings(tmp_path: Path) -> None:
    draw = np.random.default_rng(3)
    for seed in range(2):
        losses = 0.4 + 0.03 * draw.standard_normal(300)
        (tmp_path / f"seed{seed}.log").write_text("".join(f"step {n} loss {x:.3f}\n" for n, x in enumerate(losses)))
    assert len(list(runs(tmp_path))) == 2


def test_a_log_beside_event_runs_of_others_with_like_losses_is_a_training_of_its_own(tmp_path: Path) -> None:
    draw = np.random.default_rng(5)
    ours, theirs = 0.42 + 0.01 * draw.standard_normal((2, 300))
    write(tmp_path / "b/tb", [scalar("loss", n, float(x)) for n, x in enumerate(theirs)])
    (tmp_path / "a/logs").mkdir(parents=True)
    (tmp_path / "a/logs/train.log").write_text("".join(f"step {n} loss {x:.3f}\n" for n, x in enumerate(ours)))
    assert len(list(runs(tmp_path))) == 2


def test_sacred_logs_one_training_as_numbers_and_as_text(tmp_path: Path) -> None:
    for number in range(1, 3):
        folder = tmp_path / str(number)
        folder.mkdir()
        losses = (TRAIN + number / 7).tolist()
        steps_of = list(range(POINTS))
        series = {name: {"steps": steps_of, "values": losses} for name in ("train.loss", "val.loss")}
        (folder / "metrics.json").write_text(json.dumps(series))
        (folder / "cout.txt").write_text("".join(f"epoch {n}: train loss {x:.4f}\n" for n, x in enumerate(losses)))
    assert [run.name for run in runs(tmp_path)] == ["1", "2"]


def test_a_table_beside_the_folder_of_event_runs_is_the_same_training(tmp_path: Path) -> None:
    """Lightning with two loggers: `tb/version_0` and `csv/version_0`."""
    write(tmp_path / "logs/tb/version_0", [scalar("train_loss", n, float(x)) for n, x in enumerate(TRAIN)])
    (tmp_path / "logs/csv/version_0").mkdir(parents=True)
    rows = "".join(f"{n},{x}\n" for n, x in enumerate(TRAIN))
    (tmp_path / "logs/csv/version_0/metrics.csv").write_text("step,train_loss\n" + rows)
    assert len(list(runs(tmp_path))) == 1


TABLES = {
    "study.csv": "number,value,params_lr,state\n0,0.61,0.001,COMPLETE\n1,0.72,0.002,COMPLETE\n2,0.58,0.003,COMPLETE\n",
    "results.csv": "model,test_loss,test_acc\nsmall,0.5,0.8\nlarge,0.6,0.7\n",
    "timing.csv": "step,seconds,gpu\n0,0.5,0\n1,0.6,0\n2,0.5,0\n",
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_beside_a_log_that_hold_no_course_are_no_trainings(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(TABLES[name])
    (tmp_path / "train.log").write_text("".join(f"epoch {n} loss {x}\n" for n, x in enumerate(TRAIN)))
    assert [run.name for run in runs(tmp_path)] == ["train.log"]


def test_a_table_of_rewards_beside_a_log_is_a_training(tmp_path: Path) -> None:
    (tmp_path / "progress.csv").write_text("".join(["step,ep_rew_mean\n", *(f"{n},{n / 7}\n" for n in range(POINTS))]))
    (tmp_path / "train.log").write_text("".join(f"epoch {n} loss {x}\n" for n, x in enumerate(TRAIN)))
    assert len(list(runs(tmp_path))) == 2


TWICE: dict[str, Line] = {
    "tee": lambda n, t, v: f"step {n} loss {t} val_loss {v}\nstep {n} loss {t} val_loss {v}",
    "two loggers": lambda n, t, v: f"step {n} loss {t} val_loss {v}\nINFO:root:step {n} loss {t} val_loss {v}",
    "epochs": lambda n, t, v: f"Epoch {n}: loss={t}, val_loss={v}\ntrainer - Epoch {n}: loss={t}, val_loss={v}",
}


@pytest.mark.parametrize("name", TWICE)
def test_a_line_that_is_written_twice_is_one_evaluation(name: str) -> None:
    run = logged(TWICE[name])
    assert (values(run, Role.TRAIN_LOSS), values(run, Role.VAL_LOSS)) == (TRAIN.tolist(), VAL.tolist())
    assert steps(run, Role.VAL_LOSS) == list(range(POINTS))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_a_known_format_is_known_in_utf16(encoding: str) -> None:
    """PowerShell writes it; the mark at its beginning is lost where a log was cut."""
    head = "\tljs\tINFO\tTrain Epoch: 1 [0%]\r\n"
    lines = (f"{head}\tljs\tINFO\t[2.5, 2.1, 3.1, {t}, 1.1, 1.4, {200 * n}, 0.0002]\r\n" for n, t in enumerate(TRAIN))
    run = read_source(Source("train.log", content="".join(lines).encode(encoding)))
    assert (run.format, values(run, Role.TRAIN_LOSS)) == ("vits", TRAIN.tolist())


WORDS = {
    "cp1252": ("\u00c9poque {n}, perte d'entra\u00eenement : {t}, perte de validation : {v}", {"latin-1"}),
    "gb18030": ("\u7b2c{n}\u8f6e \u8bad\u7ec3\u635f\u5931: {t} \u9a8c\u8bc1\u635f\u5931: {v}", {"gbk"}),
}


@pytest.mark.parametrize("encoding", WORDS)
def test_words_in_old_encodings_of_europe_and_china_are_read(encoding: str) -> None:
    line, others = WORDS[encoding]
    text = "".join(line.format(n=n, t=TRAIN[n], v=VAL[n]) + "\n" for n in range(POINTS))
    for one in {encoding, *others}:
        run = read_source(Source("train.log", content=text.encode(one)))
        assert (values(run, Role.TRAIN_LOSS), values(run, Role.VAL_LOSS)) == (TRAIN.tolist(), VAL.tolist())


BESIDE_EPOCHS: dict[str, Line] = {
    "patience": lambda n, t, v: f"Epoch {n} Loss: {t} Val_Loss: {v} Patience: {n % 5}/10",
    "bad epochs": lambda n, t, v: f"Epoch {n}: loss={t} val_loss={v} bad: {n % 12}/20",
    "stop": lambda n, t, v: f"epoch {n} | loss {t} | val_loss {v} | stop: {n % 7}/15",
}


@pytest.mark.parametrize("name", BESIDE_EPOCHS)
def test_what_counts_on_with_the_epochs_counts_nothing_within_them(name: str) -> None:
    run = logged(BESIDE_EPOCHS[name])
    assert (values(run, Role.TRAIN_LOSS), values(run, Role.VAL_LOSS)) == (TRAIN.tolist(), VAL.tolist())
    assert steps(run) == list(range(POINTS))


AHEAD: dict[str, Line] = {
    "next evaluation": lambda n, t, v: f"epoch {n}: loss={t} val_loss={v}; next eval at step {100 * n + 100}",
    "accumulation": lambda n, t, v: f"epoch {n}: loss={t} val_loss={v} accum steps 4",
    "warm-up": lambda n, t, v: f"epoch {n} | loss {t} | val_loss {v} | warmup steps: 4000, max steps: 90000",
    "until": lambda n, t, v: f"epoch {n} loss {t} val_loss {v} until the next save: step {50 * n + 50}",
}


@pytest.mark.parametrize("name", AHEAD)
def test_steps_that_are_set_or_to_come_count_nothing(name: str) -> None:
    run = logged(AHEAD[name])
    assert (steps(run), values(run, Role.TRAIN_LOSS)) == (list(range(POINTS)), TRAIN.tolist())


def test_a_table_of_values_that_is_asked_for_by_name_is_read(tmp_path: Path) -> None:
    """Neptune's export."""
    path = tmp_path / "chart.csv"
    path.write_text(
        "index,timestamp,value\n" + "".join(f"{n},2024-01-01 10:00:{n:02d},{x}\n" for n, x in enumerate(TRAIN))
    )
    (run,) = runs(path)
    assert len(run.curves["value"]) == POINTS
