"""Promise 14: nothing that is read is executed."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.promises.commands import ROOT, error_lines, ttsdoc

EXECUTING = {"pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "runpy"}


@pytest.mark.parametrize("path", sorted((ROOT / "diagnose").rglob("*.py")), ids=lambda path: path.name)
def test_no_module_can_run_what_it_reads(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            assert not EXECUTING & {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").partition(".")[0] not in EXECUTING
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in {"eval", "exec", "yaml.unsafe_load", "yaml.full_load", "os.system", "os.popen"}
            assert called != "yaml.load" or "Safe" in path.read_text("utf-8")
            if called == "torch.load":
                assert any(word.arg == "weights_only" for word in node.keywords)


@pytest.mark.parametrize(
    "text",
    [
        "learning_rate: !!python/object/apply:os.system ['touch {}']\nbatch_size: 4\nepochs: 3\n",
        "learning_rate: 0.1\nbatch_size: 4\nx: !!python/object/new:os.system [touch {}]\n",
        "_target_: os.system\ncommand: touch {}\nlearning_rate: 0.1\nbatch_size: 4\n",
        "learning_rate: ${{oc.env:HOME}}\nx: ${{eval:__import__('os').system('touch {}')}}\nbatch_size: 4\n",
        "learning_rate: !apply:os.system ['touch {}']\nbatch_size: 3\n",
    ],
)
def test_a_config_runs_nothing(tmp_path: Path, text: str) -> None:
    canary = tmp_path / "canary"
    (tmp_path / "config.yaml").write_text(text.format(canary))
    for command in ("check", "fix", "config show"):
        error_lines(ttsdoc(*command.split(), tmp_path / "config.yaml"))
    assert not canary.exists()


def test_a_python_config_and_a_trainer_are_read_and_not_run(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    trap = f"import os\nos.system('touch {canary}')\n"
    (tmp_path / "config.py").write_text(f"{trap}learning_rate = 1e-3\nbatch_size = 4\nmax_iters = 10\n")
    (tmp_path / "config.yaml").write_text("learning_rate: 0.001\nbatch_size: 4\nepochs: 10\n")
    (tmp_path / "train.py").write_text(
        f"{trap}import yaml\nc = yaml.safe_load(open('config.yaml'))\nprint(c['epochs'])\n"
    )
    error_lines(ttsdoc("check", tmp_path / "config.py"))
    error_lines(ttsdoc("check", tmp_path / "config.yaml", "--trainer", tmp_path / "train.py"))
    error_lines(ttsdoc("fix", tmp_path / "config.yaml", "--trainer", tmp_path / "train.py"))
    assert not canary.exists()
