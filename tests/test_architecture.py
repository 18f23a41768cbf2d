"""The house: imports point one way, only commands print, only the trainer knows torch."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "diagnose"

# From the left of the pipe to its right; what is in one line may import what is in lines before it.
PIPE = (
    ("regex",),
    ("errors", "clean", "numbers", "interrupt"),
    ("project", "files"),
    ("run",),
    ("finding", "config", "data"),
    ("usage",),
    ("facts",),
    ("readers", "targets", "checkpoints"),
    ("signals", "gather"),
    ("remedies",),
    ("checks",),
    ("forecast", "stopping"),
    ("engine",),
    ("choice",),
    ("plan",),
    ("pool", "api", "testing"),
    ("report",),
    ("live",),
    ("integrations", "trainer"),
    ("ui",),
    ("cli",),
    ("__main__",),
)
PLACE = {name: place for place, names in enumerate(PIPE) for name in names}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


SHOWN = ("__str__", "_repr_html_", "plot", "plan")


def imports(path: Path) -> Iterator[tuple[str, ast.stmt]]:
    """Dotted names that a module imports, those under TYPE_CHECKING left out: they are not there at run time."""
    tree = ast.parse(path.read_text("utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    # How a diagnosis looks, and the plan that follows from it, are asked for when somebody looks at them.
    typing_only |= {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name in SHOWN
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
    """`signals` for `diagnose.signals.trend.Trend`; None for what is not ours, and for the shipped data."""
    parts = name.split(".")
    return parts[1] if parts[0] == "diagnose" and len(parts) > 1 and parts[1] in PLACE else None


def top(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way_along_the_pipe(path: Path) -> None:
    if path == PACKAGE / "__init__.py":
        return
    assert top(path) in PLACE, f"{top(path)} has no place in the pipe"
    for name, node in imports(path):
        target = ours(name)
        if target is None or target == top(path):
            continue
        assert PLACE[target] < PLACE[top(path)], f"{path.name}:{node.lineno} imports {name}, which is to its right"


def test_no_module_imports_itself_in_a_circle() -> None:
    """Inside a folder too: a module is never reached from what it imports when it is loaded."""
    edges = {module_of(path): set(loaded_with(path)) for path in modules()}
    assert circle(edges) is None


def module_of(path: Path) -> str:
    parts = ("diagnose", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def loaded_with(path: Path) -> Iterator[str]:
    """The modules of ours that are imported when this one is: not those inside functions."""
    known = {module_of(other) for other in modules()}
    tree = ast.parse(path.read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module in known:
            submodules = {f"{node.module}.{alias.name}" for alias in node.names} & known
            yield from submodules or {node.module}
        elif isinstance(node, ast.Import):
            yield from {alias.name for alias in node.names} & known


def circle(edges: dict[str, set[str]]) -> list[str] | None:
    """A path that comes back to where it began; None where there is none."""
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str] | None:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return None
        found = next((back for other in sorted(edges.get(name, ())) if (back := visit(other, [*path, name]))), None)
        done.add(name)
        return found

    return next((found for name in edges if (found := visit(name, []))), None)


def test_one_code_is_one_file() -> None:
    """A code is in one file of `checks/`, or in one folder of its rules."""
    homes: dict[str, set[str]] = {}
    for path in (PACKAGE / "checks").rglob("*.py"):
        for code in re.findall(r'^    code = "(\w+)"', path.read_text("utf-8"), re.MULTILINE):
            homes.setdefault(code, set()).add(str(path.relative_to(PACKAGE)))
    assert {code: places for code, places in homes.items() if len(places) > 1} == {}


LONGEST_FILE, LONGEST_FUNCTION = 350, 40
TABLES: set[str] = set()
"""Files that are one table."""


def test_no_file_and_no_function_is_too_long_to_be_seen_at_once() -> None:
    long = {}
    for path in modules():
        text = path.read_text("utf-8")
        name = str(path.relative_to(PACKAGE))
        if text.count("\n") > LONGEST_FILE and name not in TABLES:
            long[name] = text.count("\n")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and lines(node) > LONGEST_FUNCTION:
                long[f"{name}:{node.name}"] = lines(node)
    assert long == {}


def lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body without its docstring; a command's options are its table, not its body."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


@pytest.mark.parametrize("folder", ["checks", "readers"])
def test_checks_and_readers_never_import_one_another(folder: str) -> None:
    """What they share is private to the folder, or is the public shape of all of them."""
    shared = {"base", "columns", "roles", "sources"}
    for path in (PACKAGE / folder).rglob("*.py"):
        own = path.relative_to(PACKAGE / folder).parts[0]
        if path.name == "__init__.py" or own in shared:
            continue
        for name, node in imports(path):
            parts = name.split(".")
            private = any(part.startswith("_") or part in {*shared, own} for part in parts[2:])
            leaf = parts[:2] == ["diagnose", folder] and len(parts) > 2 and not folder_of(parts)
            assert not leaf or private, f"{path.name}:{node.lineno} imports {name}"


def folder_of(parts: list[str]) -> bool:
    """Whether the dotted name is a folder (`diagnose.checks.run`), in which siblings differ by what follows."""
    return (PACKAGE.joinpath(*parts[1:])).is_dir()


def test_only_the_trainer_imports_torch() -> None:
    knows = {
        str(path.relative_to(PACKAGE))
        for path in modules()
        for name, _ in imports(path)
        if name.split(".")[0] in ("torch", "safetensors") and top(path) != "trainer"
    }
    assert knows == set()


def test_only_commands_print() -> None:
    for path in modules():
        if top(path) in ("cli", "ui", "trainer", "__main__"):
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
    assert libraries("--help") & {"numpy", "rich", "yaml", *HEAVY} == set()


HEAVY = {"pandas", "tensorboard", "torch", "scipy", "soundfile"}


@pytest.mark.parametrize("options", [["-q"], ["--format", "json"]], ids=" ".join)
def test_a_small_text_log_loads_nothing_that_it_does_not_need(options: list[str], tmp_path: Path) -> None:
    log = tmp_path / "train.log"
    log.write_text("".join(f"step {n} loss {5 - n / 20:.3f}\n" for n in range(60)))
    loaded = libraries("analyze", str(log), *options)
    assert loaded & {"rich", "yaml", "diagnose.config.config", "diagnose.data", "importlib.metadata", *HEAVY} == set()


def libraries(*arguments: str) -> set[str]:
    """The modules that a command loads, beside those of Python's own start."""
    code = (
        "import sys\n"
        "before = {*sys.modules}\n"
        "from diagnose.cli import main\n"
        f"sys.argv = ['ttsdoc', *{arguments!r}]\n"
        "main()\n"
        "print(sorted(sys.modules.keys() - before), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout
    return set(ast.literal_eval(done.stderr.strip().splitlines()[-1]))
