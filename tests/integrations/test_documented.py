"""What docs/integrations.md shows can be imported, and its first example runs unchanged."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

LIBRARIES = {
    "diagnose.integrations.huggingface": "transformers",
    "diagnose.integrations.lightning": "lightning",
    "diagnose.integrations.keras": "keras",
    "diagnose.integrations.accelerate": "accelerate",
    "diagnose.ui": "gradio",
    "gradio": "gradio",
}


@pytest.fixture(scope="module")
def examples(root: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (root / "docs" / "integrations.md").read_text("utf-8"), re.DOTALL)


@pytest.mark.filterwarnings("ignore")
def test_each_name_that_an_example_imports_is_there(examples: list[str]) -> None:
    asked = [node for text in examples for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    assert len(asked) >= 7
    for node in asked:
        module = node.module or ""
        if find_spec(LIBRARIES.get(module, "diagnose")) is None:
            continue
        for alias in node.names:
            assert hasattr(import_module(module), alias.name), f"{module} has no {alias.name}"


def test_the_example_of_ones_own_loop_runs_as_it_is(
    examples: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text("learning_rate: 0.0001\nbatch_size: 8\nmax_epochs: 10\n")
    losses = iter(3 / (1 + step / 50) + 0.5 for step in range(1001))
    exec(compile(examples[0], "docs/integrations.md", "exec"), {"train_step": lambda: next(losses)})
    assert "ttsdoc" in Path("report.html").read_text("utf-8")
