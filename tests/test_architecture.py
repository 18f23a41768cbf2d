"""The four layers: imports point down, only doors print, only the trainer knows torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "diagnose"

LAYERS = {
    1: (
        "run",
        "finding",
        "names",
        "stats",
        "synthetic",
        "dataset",
        "audio",
        "metadata",
        "faults",
        "files",
        "parallel",
        "config",
    ),
    2: ("readers", "checks", "keyflow"),
    3: (
        "examine",
        "prescribe",
        "forecast",
        "targets",
        "stopping",
        "case",
        "fleet",
        "preflight",
        "selftest",
        "report",
    ),
    4: ("cli", "config_cli", "trace_cli", "trainer", "data", "__main__"),
}
LAYER_OF = {name: layer for layer, names in LAYERS.items() for name in names}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, ast.stmt]]:
    """Dotted names that a module imports, those under TYPE_CHECKING left out: they are not there at run time."""
    tree = ast.parse(path.read_text("utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node
            yield from ((f"{node.module}.{alias.name}", node) for alias in node.names)


def ours(name: str) -> str | None:
    """`stats` for `diagnose.signals.trend.Trend`; None for what is not ours, and for the shipped data."""
    parts = name.split(".")
    return parts[1] if parts[0] == "diagnose" and len(parts) > 1 and parts[1] in LAYER_OF else None


def top(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_has_a_layer_and_imports_only_downwards(path: Path) -> None:
    if path == PACKAGE / "__init__.py":
        return
    layer = LAYER_OF[top(path)]
    for name, node in imports(path):
        target = ours(name)
        if target is None or target == top(path):
            continue
        mounted = path == PACKAGE / "cli.py" or (path == PACKAGE / "__main__.py" and target == "cli")
        allowed = LAYER_OF[target] < layer or (LAYER_OF[target] == layer and layer in (1, 3)) or mounted
        # The trainer makes its demo data when there is none, and ends with the report of its own run.
        allowed = allowed or (top(path) == "trainer" and target == "data")
        assert allowed, f"{path.name}:{node.lineno} imports {name}: layer {layer} may not know layer {LAYER_OF[target]}"


@pytest.mark.parametrize("folder", ["checks", "readers"])
def test_checks_and_readers_never_import_one_another(folder: str) -> None:
    for path in (PACKAGE / folder).rglob("*.py"):
        if path.name == "__init__.py":
            continue
        for name, node in imports(path):
            parts = name.split(".")
            sibling = parts[:2] == ["diagnose", folder] and len(parts) > 2
            assert not sibling or parts[2].startswith("_"), f"{path.name}:{node.lineno} imports {name}"


def test_only_the_trainer_imports_torch() -> None:
    knows = {
        str(path.relative_to(PACKAGE))
        for path in modules()
        for name, _ in imports(path)
        if name.split(".")[0] in ("torch", "safetensors") and top(path) != "trainer"
    }
    assert knows == set()


def test_only_doors_print() -> None:
    for path in modules():
        if LAYER_OF.get(top(path)) == 4:
            continue
        calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
        prints = [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]
        assert not prints, f"{path.name} prints in line {prints}"


def test_nothing_that_is_read_is_ever_executed() -> None:
    forbidden = {"pickle", "dill", "joblib", "marshal", "shelve"}
    for path in modules():
        for name, node in imports(path):
            assert name.split(".")[0] not in forbidden, f"{path.name}:{node.lineno} imports {name}"


def test_every_package_is_shipped() -> None:
    listed = {f'"{package}"' for package in packages()}
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    assert {name for name in listed if name not in text} == set()


def packages() -> set[str]:
    code = {".".join(path.parent.relative_to(ROOT).parts) for path in PACKAGE.rglob("__init__.py")}
    data = {f"diagnose.presets.{path.parent.name}" for path in (ROOT / "presets").glob("*/*.yaml")}
    return code | data


def test_help_loads_no_heavy_library() -> None:
    """The newcomer's first command answers at once."""
    code = (
        "import sys\n"
        "from diagnose.cli import main\n"
        "sys.argv = ['ttsdoc', '--help']\n"
        "main()\n"
        "print(sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(ast.literal_eval(done.stderr.strip().splitlines()[-1]))
    assert "analyze" in done.stdout
    assert loaded & {"numpy", "pandas", "tensorboard", "torch", "plotext", "yaml", "scipy", "soundfile"} == set()
