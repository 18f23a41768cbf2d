"""A file made to do harm is refused in one line: it is neither run, nor expanded, nor read to its end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from diagnose.config import parse_config, read_config
from diagnose.config.node import MAX_BYTES, MAX_NODES
from diagnose.errors import ConfigError

BOMB = "a: &a {x: 1}\n" + "".join(
    f"k{n}: &k{n} {{l: *{f'k{n - 1}' if n else 'a'}, r: *{f'k{n - 1}' if n else 'a'}}}\n" for n in range(60)
)
HOSTILE = [
    pytest.param("x.yaml", '!!python/object/apply:os.system ["touch pwned"]\n', "runs code", id="a tag that runs code"),
    pytest.param("x.yaml", "a: !!python/name:os.system\n", "runs code", id="a tag that imports"),
    pytest.param("x.yaml", BOMB, "alias bomb", id="an alias bomb"),
    pytest.param("x.yaml", "[" * 100_000, "nested deeper", id="deep YAML"),
    pytest.param("x.json", '{"a":' * 100_000, "nested deeper", id="deep JSON"),
    pytest.param("x.py", "(" * 100_000, "not valid Python", id="deep Python"),
    pytest.param("x.py", "a = " + "-" * 50_000 + "1\n", "not valid Python", id="a deep expression"),
    pytest.param("x.yaml", "a: &a [*a]\n", "names no anchor", id="a list that holds itself"),
    pytest.param("x.yaml", "a: *b\n", "names no anchor", id="an alias of nothing"),
    pytest.param("x.yaml", "[" + "a," * (MAX_NODES + 1), "more than", id="endless YAML"),
    pytest.param("x.json", "[" + "1," * (MAX_NODES + 1), "more than", id="endless JSON"),
    pytest.param("x.yaml", "a: 1\nb: \x00\n", "x.yaml:2: a NUL byte", id="NUL"),
    pytest.param("x.yaml", "a: \x07\n", "control characters", id="a control character"),
    pytest.param("x.yaml", "\ta: 1\n", "x.yaml:1: not valid YAML", id="a tab"),
    pytest.param("x.yaml", "? [a, b]\n: 1\n", "as a key", id="a list as a key"),
    pytest.param("x.json", '{"a": ' + "9" * 100_000 + "}", "no value", id="an endless number"),
    pytest.param("x.json", '{"a": 1', "missing", id="cut off"),
    pytest.param("x.json", '{"a": 1} x', "behind the end", id="something behind the end"),
    pytest.param("x.json", '{"a": "\\q"}', "bad escape", id="a bad escape"),
    pytest.param("x", " " * 5000 + "&", "not valid YAML", id="blanks in a file without an ending"),
]


@pytest.mark.parametrize(("name", "text", "reason"), HOSTILE)
def test_a_hostile_file_is_refused_in_one_line(tmp_path: Path, name: str, text: str, reason: str) -> None:
    path = tmp_path / name
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=reason) as error:
        read_config(path)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(str(path))
    assert os.listdir(tmp_path) == [name]  # noqa: PTH208 - nothing was run


def test_what_is_no_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(ConfigError, match=r"x.yaml:2: not UTF-8"):
        read_config(tmp_path / "x.yaml")


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "x.yaml").open("wb") as file:
        file.truncate(100 * MAX_BYTES)  # sparse
    with pytest.raises(ConfigError, match="larger than"):
        read_config(tmp_path / "x.yaml")


def test_a_missing_file_a_folder_and_a_pipe_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    for name, reason in [("none.yaml", "cannot be read"), (".", "a folder or device"), ("pipe.yaml", "device")]:
        with pytest.raises(ConfigError, match=reason):
            read_config(tmp_path / name)


def test_long_numbers_are_text_and_take_no_time() -> None:
    nines = "9" * 200_000
    text = f"epochs: 3\nbetas: ({nines}\nlearning_rate: {nines}\nsteps: " + "1:" * 200_000 + "1\n"
    assert parse_config(text, "x.yaml").value("learning_rate") is None


def test_a_dump_of_python_objects_is_read_and_never_edited() -> None:
    text = "train: !!python/object:hparams.H\n  learning_rate: 0.1\n  epochs: 3\n"
    config = parse_config(text, "hparams.yaml")
    assert config.value("learning_rate") == 0.1
    assert "dump" in config.rewrite({"learning_rate": 0.01}).refused["learning_rate"]


def test_a_config_with_tuples_is_edited() -> None:
    text = "training: {lr: 0.1, num_epochs: 3}\nmodel:\n  windows: !!python/tuple\n  - 512\n  - 256\n"
    assert parse_config(text, "config.yaml").rewrite({"learning_rate": 0.05}).text == text.replace("0.1", "0.05")
