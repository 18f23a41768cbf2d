"""Promise 13: tags, alias bombs, depth, size, NUL, broken UTF-8 are refused: one line, status 2, no time or memory."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.promises.commands import refused, ttsdoc

SPARE = 6
"""Processor seconds over those of a config of three keys, on any machine: expansion would take hours."""
DOUBLING = "a: &k0 [x, x]\n" + "".join(f"b{n}: &k{n + 1} [*k{n}, *k{n}, *k{n}]\n" for n in range(40))
HOSTILE: dict[str, tuple[bytes, str]] = {
    "a tag that runs code": (b"learning_rate: !!python/object/apply:os.system [id]\n", "runs code"),
    "an alias bomb": (DOUBLING.encode(), "alias bomb"),
    "depth": (b"a: " + b"[" * 100_000, "nested deeper"),
    "depth of keys": (b"".join(b" " * n + b"a:\n" for n in range(1500)), "nested deeper"),
    "more values than a config has": (b"a: [" + b"1," * 900_000 + b"1]\n", "more than"),
    "NUL": (b"learning_rate: 0.1\nbatch_size: \0\n", "a NUL byte"),
    "no UTF-8": (b"learning_rate: 0.1\nbatch_size: \xff\xfe\n", "not UTF-8"),
    "more bytes than there is memory": (b"", "larger than"),
}
MEMORY = 3 << 30


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (40, 40))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def seconds(run: Callable[[], object]) -> float:
    """Processor seconds of the processes that `run` waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("command", ["check", "fix"])
def test_it_is_one_line_and_soon(tmp_path: Path, command: str, name: str) -> None:
    (tmp_path / "plain.yaml").write_text("learning_rate: 0.001\nbatch_size: 4\nepochs: 3\n")
    usual = seconds(lambda: ttsdoc(command, tmp_path / "plain.yaml"))
    path = tmp_path / "config.yaml"
    content, reason = HOSTILE[name]
    path.write_bytes(content)
    if not content:
        with path.open("wb") as file:
            file.truncate(2 * MEMORY)  # sparse
    taken = seconds(lambda: refused(ttsdoc(command, path, preexec_fn=limited), "config.yaml", reason))
    assert taken < usual + SPARE
