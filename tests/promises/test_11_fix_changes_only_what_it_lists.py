"""Promise 11: `fix` changes the values that it lists, to the types meant, and not a byte elsewhere; twice is once.

tests/config has the same as properties of any text; here it is the command, on the layouts that break editors.
"""

from __future__ import annotations

import json
import os
from difflib import SequenceMatcher
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from diagnose.config.document import parse_document
from diagnose.config.edit import EditError, verified
from tests.config.readers import changed, loaded
from tests.promises import hostile
from tests.promises.commands import error_lines, ttsdoc

PLAIN = (
    "# ሰላም: the config of an Amharic voice\n"
    "data: {path: 'ሰላም/ዓለም', clips: 525}\n"
    "training:\n"
    "  learning_rate: 2e-4   # too high: 2e-4\n"
    "  batch_size: 16\n"
    "  epochs: &n 1000\n"
    '  note: "learning_rate: 7"\n'
    "  grad_clip: 1.0\n"
    "  warmup_steps: 10\n"
    "other: {n: *n, list: [0x10, 1_000, yes, ~]}\n"
    "text: |\n"
    "  learning_rate: 2e-4\n"
)
FLOW = PLAIN.replace(
    "  learning_rate: 2e-4   # too high: 2e-4\n  batch_size: 16\n", "  optim: {lr: 2.0e-4, 'b': [0.8,0.99]}\n"
)
LAYOUTS = {
    "plain": PLAIN.encode(),
    "CRLF": PLAIN.replace("\n", "\r\n").encode(),
    "a byte order mark": b"\xef\xbb\xbf" + PLAIN.encode(),
    "no final newline": PLAIN.rstrip("\n").encode(),
    "flow style": FLOW.encode(),
    "two documents": (PLAIN + "---\nseed: 7\n").encode(),
    "a megabyte": (PLAIN + "".join(f"speaker_{n}: '{'name ' * 30}'\n" for n in range(6_000))).encode(),
}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that calls for edits."""
    folder = tmp_path_factory.mktemp("log")
    rows = [{"step": 10 * n, "loss": value, "lr": 2e-4} for n, value in enumerate(hostile.losses())]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def fixed(config: Path, log: Path) -> bytes:
    with TemporaryFile() as file:
        result = ttsdoc("fix", config, "--logs", log, stdout=file)
        assert result.returncode == 0, result.stderr
        file.seek(0)
        return file.read()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_bytes_and_values_outside_the_edits_are_equal(tmp_path: Path, log: Path, layout: str) -> None:
    config = tmp_path / "config.yaml"
    config.write_bytes(LAYOUTS[layout])
    after = fixed(config, log)
    assert config.read_bytes() == LAYOUTS[layout]
    listed = error_lines(ttsdoc("fix", config, "--logs", log))
    old, new = LAYOUTS[layout].splitlines(keepends=True), after.splitlines(keepends=True)
    touched = {
        line
        for kind, start, end, *_ in SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        if kind != "equal" and len(old) < 1000
        for line in old[start:end]
    }
    assert after != LAYOUTS[layout]
    assert all(b":" in line and b"note" not in line and b"#  " not in line for line in touched)
    text, edited = LAYOUTS[layout].decode(), after.decode()
    now = loaded(edited, "yaml")
    for name, before in loaded(text, "yaml").items():
        for path, value in changed(before, now[name]).items():
            assert isinstance(value, int | float | str), (name, path, value)
            assert any(str(path[-1]) in line or "learning_rate" in line for line in listed), (path, listed)
    (tmp_path / "again.yaml").write_bytes(after)
    assert fixed(tmp_path / "again.yaml", log) == after


def test_in_place_writes_what_is_printed_and_keeps_the_old_beside_it(tmp_path: Path, log: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(PLAIN)
    printed = fixed(config, log)
    error_lines(ttsdoc("fix", config, "--logs", log, "--in-place"))
    assert config.read_bytes() == printed
    assert [(tmp_path / name).read_text() for name in os.listdir(tmp_path) if name != "config.yaml"] == [PLAIN]  # noqa: PTH208 - names


@pytest.mark.parametrize("text", ["lr: 0.1\nbatch_size: 5\n", "lr: 0.1\n", "lr: 0.1\nepochs: 4\n", "lr: [\n"])
def test_an_editor_that_errs_is_caught_before_anything_is_written(text: str) -> None:
    before = parse_document("lr: 0.1\nbatch_size: 4\n", "config.yaml")
    with pytest.raises(EditError):
        verified(before, text, {}, None)
