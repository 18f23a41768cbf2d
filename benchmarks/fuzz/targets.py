"""What is fuzzed: seeds to begin from, and what must hold for any bytes. A target raises where a promise is broken."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from diagnose.errors import TtsdocError, unforeseen

Check = Callable[[bytes, Path], None]


@dataclass(frozen=True)
class Target:
    """One reader."""

    seeds: tuple[bytes, ...]
    check: Check
    """Gets the bytes and a folder that is its own."""


def _reads_as(name: str) -> Check:
    def check(data: bytes, folder: Path) -> None:
        from diagnose.engine import examine
        from diagnose.gather import facts_of_run
        from diagnose.readers import read
        from diagnose.report import as_json

        (folder / name).write_bytes(data)
        try:
            run = read(folder / name)
        except TtsdocError as error:
            _one_line(error)
            return
        diagnosis = examine(facts_of_run(run))
        assert not diagnosis.crashed, diagnosis.crashed
        json.loads(as_json.dumps(as_json.diagnoses([diagnosis])), parse_constant=_refuse)

    return check


def _edits_as(name: str) -> Check:
    """What was read may be edited, and only the edited values differ; what was edited stays as it is."""

    def check(data: bytes, folder: Path) -> None:
        from diagnose.config import parse_config, read_config

        (folder / name).write_bytes(data)
        try:
            config = read_config(folder / name)
        except TtsdocError as error:
            _one_line(error)
            return
        changes = {"learning_rate": 5e-5, "batch_size": 8, "grad_clip_norm": 0.5}
        text = config.rewrite(changes).text
        again = parse_config(text, name)
        assert again.rewrite(changes).text == text
        if name.endswith(".json") and _strict(config.text):
            assert _strict(text), "no JSON any more"
        for parameter, setting in config.values.items():
            if parameter not in changes and parameter in again.values:
                was, now = repr(setting.value), repr(again.values[parameter].value)
                assert was == now, (parameter, was, now)

    return check


def _subtitles(data: bytes, folder: Path) -> None:
    from diagnose.data.segments import apart, sentences
    from diagnose.data.subtitles import read

    (folder / "x.srt").write_bytes(data)
    try:
        found = read(folder / "x.srt")
    except TtsdocError as error:
        _one_line(error)
        return
    assert all(0 <= cue.start < cue.end and "\n" not in cue.text for cue in found.cues)
    cues, _ = apart(found.cues)
    assert all(before.end <= after.start for before, after in pairwise(cues))
    sentences(cues, 15.0)


def _checkpoint(data: bytes, folder: Path) -> None:
    from diagnose.trainer.checkpoint import newest

    (folder / "last.safetensors").write_bytes(data)
    try:
        newest(folder)
    except TtsdocError as error:
        _one_line(error)


def _manifest(data: bytes, folder: Path) -> None:
    from diagnose.data.manifest import samples_of

    (folder / "metadata.csv").write_bytes(data)
    (folder / "x.jsonl").write_bytes(data)
    for path in folder.iterdir():
        samples_of(path)


def _clean(data: bytes, _: Path) -> None:
    from diagnose.clean import json_text, markdown, plain

    text = data.decode("utf-8", "surrogateescape")
    assert not {c for c in plain(text) if ord(c) < 32 and c != "\t"}
    assert "<" not in markdown(text).replace("\\<", "")
    assert json.loads(json_text(json.dumps(text, ensure_ascii=False))) == text


def _one_line(error: TtsdocError) -> None:
    assert "an error in ttsdoc" not in str(error), str(error)
    assert "\n" not in str(error), str(error)


def _refuse(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")


def _strict(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _events() -> bytes:
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    buffer = io.BytesIO()
    writer = RecordWriter(buffer)
    writer.write(Event(wall_time=1.7e9, file_version="brain.Event:2").SerializeToString())
    for step in range(40):
        values = [Summary.Value(tag=tag, simple_value=3 / (1 + step)) for tag in ("train/loss", "val/loss", "lr")]
        writer.write(Event(wall_time=1.7e9 + step, step=step, summary=Summary(value=values)).SerializeToString())
        if step == 20:
            mark = SessionLog(status=SessionLog.START)
            writer.write(Event(wall_time=1.7e9, step=15, session_log=mark).SerializeToString())
    return buffer.getvalue()


def _saved() -> bytes:
    from tempfile import TemporaryDirectory

    import torch

    from diagnose.trainer.checkpoint import Checkpoint, Progress

    checkpoint = Checkpoint(
        {"layer.weight": torch.ones(2, 3)},
        {"layer.weight/exp_avg": torch.ones(2, 3)},
        torch.zeros(4, 2),
        Progress(7, 1.5, 5, 1, 1.5),
        {"model": {"n_vocab": 4}},
        "abc",
        9,
    )
    with TemporaryDirectory() as folder:
        checkpoint.save(Path(folder) / "x")
        return (Path(folder) / "x").read_bytes()


CONSOLE = (
    b"Epoch 1/10\n 12/100 [==>...] - ETA: 12s - loss: 2.51 - val_loss: 2.7\r\n",
    b"[2026-01-02 03:04:05,123][INFO] step: 100 | loss=1.2345 | lr: 2.00e-04 | grad_norm 0.7\n" * 8,
    b"{'loss': 2.3, 'learning_rate': 5e-05, 'epoch': 0.5}\n{'eval_loss': 2.1, 'epoch': 1.0}\n" * 6,
    b" 45%|####5     | 450/1000 [00:12<00:15, 36.1it/s, loss=0.532]\r" * 9,
    b"| epoch | train loss | val loss |\n|-------|------------|----------|\n| 1 | 2.0 | 2.1 |\n| 2 | 1.5 | 1.9 |\n",
    b"====> Epoch: 7, cost 12.3 s\nINFO:x:Train Epoch: 8 [12%]\nINFO:x:[2.1, 3.2, 0.5, 1e-4]\n" * 4,
)
YAML = (
    b"train:\n  learning_rate: 2e-4 # too high\n  batch_size: 16\n  betas: [0.8, 0.99]\n  grad_clip: 1.0\nepochs: 9\n",
    b"a: &x {lr: 0.001, batch_size: 4}\nb:\n  <<: *x\n  lr: !!float 1e-3\n---\nc: |\n  learning_rate: 3\n",
    b"optim: {lr: 0.0003, weight_decay: 0.01}\r\ntrainer: {max_epochs: 10, gradient_clip_val: 1}\r\n",
)
JSON = (
    b'{"train": {"learning_rate": 0.0002, "batch_size": 16, "epochs": 10, "betas": [0.8, 0.99]}, "data": {"x": null}}',
    b'{"learning_rate": 2e-4, "per_device_train_batch_size": 8, "max_grad_norm": 1.0, "num_train_epochs": 3}\n',
)
TOML = (b"[optimizer]\nlr = 1e-3\nbatch_size = 4\n[train]\nepochs = 10\nbatch_size = 16\ngrad_clip_norm = 1.0\n",)
PYTHON = (b"learning_rate = 6e-4 # max\nbatch_size = 12\nmax_iters = 600000\ngrad_clip = 1.0\nout_dir = 'out'\n",)
SRT = (
    b"1\n00:00:01,000 --> 00:00:02,500\nHello there.\n\n2\n00:00:02,500 --> 00:00:04,000\n- <i>Yes.</i>\n",
    b"WEBVTT\n\nNOTE x\n\nname\n00:01.000 --> 00:02.000 align:start\n<v Anna>Hi<00:01.500> you\n",
)
TABLE = (b"step,loss,val_loss\n" + b"".join(b"%d,%.3f,\n" % (n, 3 / (1 + n)) for n in range(20)),)
LINES = (b"".join(b'{"step": %d, "loss": %.3f, "lr": 1e-4}\n' % (n, 3 / (1 + n)) for n in range(20)),)
STATE = (json.dumps({"log_history": [{"step": n, "loss": 3 / (1 + n), "epoch": n / 5} for n in range(20)]}).encode(),)

TARGETS: dict[str, Callable[[], Target]] = {
    "events": lambda: Target((_events(),), _reads_as("events.out.tfevents.1.host")),
    "console": lambda: Target(CONSOLE, _reads_as("train.log")),
    "table": lambda: Target(TABLE, _reads_as("metrics.csv")),
    "lines": lambda: Target(LINES, _reads_as("metrics.jsonl")),
    "state": lambda: Target(STATE, _reads_as("trainer_state.json")),
    "yaml": lambda: Target(YAML, _edits_as("config.yaml")),
    "json": lambda: Target(JSON, _edits_as("config.json")),
    "toml": lambda: Target(TOML, _edits_as("config.toml")),
    "no ending": lambda: Target((*YAML, *JSON), _edits_as("config")),
    "python": lambda: Target(PYTHON, _edits_as("train.py")),
    "subtitles": lambda: Target(SRT, _subtitles),
    "manifest": lambda: Target((b"a|b|c\nd|e|f\n", *LINES, b'[{"audio": 1}]'), _manifest),
    "checkpoints": lambda: Target((_saved(),), _checkpoint),
    "text": lambda: Target(("<b>@x \u202e #1 \x1b[2J".encode(),), _clean),
}


def broken(target: Target, data: bytes, folder: Path) -> str | None:
    """What the bytes break; None where all holds."""
    try:
        target.check(data, folder)
    except Exception as error:
        place = unforeseen(error).partition(" (an error in ttsdoc")[0]
        return place[:160] if not isinstance(error, AssertionError) else f"promise: {str(error)[:160]}"
    return None


if __name__ == "__main__":
    sys.exit("run python -m benchmarks.fuzz")
