"""Promise 18, its other half: what a kill, a full disk or a forger leaves behind is named in one line and survived.

That a resumed run equals the uninterrupted one bit for bit is tested in tests/trainer/test_process.py.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the trainer needs torch: pip install 'ttsdoc[train]'")

from diagnose.cli import main
from tests.promises.commands import error_lines, ttsdoc
from tests.trainer.test_process import config, start, wait_for
from tests.trainer.tiny import data_set

SHORT = {"max_epochs": 4, "save_interval": 3, "early_stopping": False}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A config and the folder of its finished run."""
    folder = tmp_path_factory.mktemp("run")
    path = config(folder, data_set(folder / "words"), training=SHORT)
    result = ttsdoc("train", path, "--out", folder / "out")
    assert result.returncode == 0, result.stderr
    return path, folder / "out"


@pytest.fixture
def again(run: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    """The same with a folder that may be spoilt."""
    import shutil

    shutil.copytree(run[1], tmp_path / "out")
    return run[0], tmp_path / "out"


def resume(again: tuple[Path, Path]) -> Any:
    return ttsdoc("train", again[0], "--out", again[1], "--resume")


def header(content: bytes) -> tuple[dict[str, Any], bytes]:
    (length,) = struct.unpack("<Q", content[:8])
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def with_header(change: Callable[[dict[str, Any]], None]) -> Callable[[bytes], bytes]:
    def forged(content: bytes) -> bytes:
        head, rest = header(content)
        change(head)
        text = json.dumps(head).encode()
        return struct.pack("<Q", len(text)) + text + rest

    return forged


def with_facts(change: Callable[[dict[str, Any]], Any]) -> Callable[[bytes], bytes]:
    def head_changed(head: dict[str, Any]) -> None:
        facts = json.loads(head["__metadata__"]["ttsdoc"])
        replaced = change(facts)
        head["__metadata__"]["ttsdoc"] = json.dumps(facts if replaced is None else replaced)

    return with_header(head_changed)


def without(kind: str) -> Callable[[bytes], bytes]:
    def drop(head: dict[str, Any]) -> None:
        name = next(name for name in head if name.startswith(kind))
        head[name + "x"] = head.pop(name)

    return with_header(drop)


def other_shape(kind: str) -> Callable[[bytes], bytes]:
    def change(head: dict[str, Any]) -> None:
        entry = next(v for k, v in head.items() if k.startswith(kind) and len(v.get("shape", [])) == 2)
        entry["shape"] = [entry["shape"][0] * entry["shape"][1]]

    return with_header(change)


FORGERIES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "a pickle": lambda _: b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00trueq\x00\x85R.",
    "noise": lambda content: os.urandom(len(content)),
    "a header of 2^60 bytes": lambda content: struct.pack("<Q", 1 << 60) + content[8:],
    "half": lambda content: content[: len(content) // 2],
    "no facts": with_header(lambda head: head.pop("__metadata__")),
    "facts that are no JSON": with_header(lambda head: head.update(__metadata__={"ttsdoc": "{"})),
    "facts nested deep": with_header(lambda head: head.update(__metadata__={"ttsdoc": "[" * 100_000})),
    "facts that are a list": with_facts(lambda _: [1]),
    "facts that are null": with_header(lambda head: head.update(__metadata__={"ttsdoc": "null"})),
    "another schema": with_facts(lambda facts: facts.update(schema=99)),
    "no progress": with_facts(lambda facts: facts.pop("progress") and None),
    "progress as text": with_facts(lambda facts: facts.update(progress="far")),
    "steps as text": with_facts(lambda facts: facts["progress"].update(step="12")),
    "steps below zero": with_facts(lambda facts: facts["progress"].update(step=-5)),
    "steps beyond integers": with_facts(lambda facts: facts["progress"].update(step=2**70)),
    "a list as the best loss": with_facts(lambda facts: facts["progress"].update(best_loss=[1])),
    "unknown progress": with_facts(lambda facts: facts["progress"].update(luck=7)),
    "options as a list": with_facts(lambda facts: facts.update(options=[])),
    "a section as text": with_facts(lambda facts: facts["options"].update(model="big")),
    "no section": with_facts(lambda facts: facts["options"].pop("model") and None),
    "no key": with_facts(lambda facts: facts["options"]["data"].pop("sampling_rate") and None),
    "characters as a number": with_facts(lambda facts: facts.update(characters=7)),
    "a length below zero": with_facts(lambda facts: facts.update(longest=-1)),
    "no codebook": without("codebook"),
    "a weight of another name": without("weights/"),
    "a weight of another shape": other_shape("weights/"),
    "a state of another name": without("optimizer/"),
    "a state of another shape": other_shape("optimizer/"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_checkpoint_is_refused_in_one_line(
    again: tuple[Path, Path], name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """In this process: importing torch for each takes longer than all the rest."""
    for path in (again[1] / "checkpoints").iterdir():
        path.write_bytes(FORGERIES[name](path.read_bytes()))
    monkeypatch.setattr(sys, "argv", ["ttsdoc", "train", str(again[0]), "--out", str(again[1]), "--resume"])
    assert main() == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert len(line) < 600
    arguments = ["say", "abc", "--run", str(again[1]), "--out", str(again[1] / "x.wav")]
    monkeypatch.setattr(sys, "argv", ["ttsdoc", *arguments])
    status = main()  # the optimiser's state does not matter to it, nor how far training came
    assert (status, len(capfd.readouterr().err.splitlines())) in ((0, 1), (2, 1))


def test_going_back_to_an_older_checkpoint_is_reported(again: tuple[Path, Path]) -> None:
    (again[1] / "checkpoints" / "last.safetensors").write_bytes(b"torn")
    resumed = resume(again)
    assert resumed.returncode == 0, resumed.stderr
    (line,) = [line for line in error_lines(resumed) if "last.safetensors" in line]
    assert "going on from" in line
    assert "step-" in line


def test_a_kill_leaves_no_half_checkpoint_behind(run: tuple[Path, Path], tmp_path: Path) -> None:
    out, path = tmp_path / "out", tmp_path / "config.yaml"
    path.write_text(run[0].read_text().replace("max_epochs: 4", "max_epochs: 400"))
    for kill in range(4):
        with start(path, "--out", out, *["--resume"] * (kill > 0)) as process:
            wait_for(out / "metrics.jsonl", process)
            time.sleep(kill * 0.03)
            process.send_signal(signal.SIGKILL)
            process.communicate()
        (out / "metrics.jsonl").unlink()
    path.write_text(
        run[0].read_text().replace("max_epochs: 4", "max_epochs: 40")
    )  # beyond what the killed ones reached
    resumed = resume((path, out))
    assert resumed.returncode == 0, resumed.stderr
    assert {file.suffix for file in (out / "checkpoints").iterdir()} == {".safetensors"}
    assert not [file for file in (out / "checkpoints").iterdir() if file.name.startswith(".")]


@pytest.mark.parametrize("kind", ["/dev/zero", "a pipe", "a large file", "many keys", "an alias bomb", "a folder"])
def test_a_config_out_of_all_proportion_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "config.yaml"
    if kind == "/dev/zero":
        path = Path(kind)
    elif kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a large file":
        with path.open("wb") as file:
            file.truncate(100 << 20)
    elif kind == "many keys":
        path.write_text("".join(f"k{number}: 1\n" for number in range(120_000)))
    elif kind == "a folder":
        path.mkdir()
    else:
        levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
        path.write_text(f"a0: &a0 [1]\n{levels}")
    result = ttsdoc("train", path, "--out", tmp_path / "out")
    assert (result.returncode, len(error_lines(result))) == (2, 1), result.stderr
