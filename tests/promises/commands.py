"""Runs the real `ttsdoc` in a process of its own, as a hostile user would."""

from __future__ import annotations

import ctypes
import io
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

from diagnose.cli import main

ROOT = Path(__file__).resolve().parents[2]
TTSDOC = (sys.executable, "-m", "diagnose")
HEALTHY = "".join(f"step {step} loss {3 / (1 + step / 40) + 0.5:.4f}\n" for step in range(0, 400, 4))
"""A console log that has nothing wrong with it."""


def ttsdoc(*arguments: Any, cwd: Path | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
    """The finished command with what it printed. It is killed, and the test fails, where it does not end."""
    chosen: dict[str, Any] = {"text": True, "timeout": 300, "errors": "surrogateescape", **options}
    chosen["env"] = environment_with(options.get("env", {}))
    for stream in ("stdout", "stderr"):
        chosen.setdefault(stream, subprocess.PIPE)
    finished: subprocess.CompletedProcess[str] = subprocess.run(
        [*TTSDOC, *map(str, arguments)], cwd=cwd or ROOT, check=False, **chosen
    )
    return finished


def in_this_process(
    *arguments: Any, cwd: Path | None = None, env: Mapping[str, str] = {}
) -> subprocess.CompletedProcess[str]:
    """The same without a process of its own, for what does not prove more in one: to start it takes longest."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", "surrogateescape", write_through=True) for _ in range(2))
    before = Path.cwd()
    os.chdir(cwd or ROOT)
    try:
        with (
            redirect_stdout(out),
            redirect_stderr(err),
            mock.patch.object(sys, "argv", ["ttsdoc", *map(str, arguments)]),
            mock.patch.dict(os.environ, {"COLUMNS": "200", **env}),
        ):
            status = main()
    finally:
        os.chdir(before)
    shown, said = (stream.buffer.getvalue().decode("utf-8", "surrogateescape") for stream in (out, err))
    return subprocess.CompletedProcess(arguments, status, shown, said)


def environment_with(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment, in which ttsdoc is importable from any folder and its output is buffered, as ever."""
    usual = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return {**usual, "PYTHONPATH": str(ROOT), "COLUMNS": "200", **extra}


def unprivileged() -> Callable[[], None] | None:
    """For `preexec_fn`: takes from root what lets it pass over permissions, so that tests of them hold for it too."""
    if os.geteuid() != 0:
        return None
    library = ctypes.CDLL(None, use_errno=True)

    def drop() -> None:
        drop_from_bounding_set, override, read_search = 24, 1, 2  # linux/prctl.h, linux/capability.h
        for capability in (override, read_search):
            if library.prctl(drop_from_bounding_set, capability, 0, 0, 0):
                raise OSError(ctypes.get_errno(), "prctl")

    return drop


def error_lines(result: subprocess.CompletedProcess[str]) -> list[str]:
    """The lines on stderr. Fails where one of them is a traceback's."""
    assert "Traceback" not in result.stderr, result.stderr[-3000:]
    return result.stderr.splitlines()


def refused(result: subprocess.CompletedProcess[str], *words: str) -> None:
    """Fails unless the command ended with status 2 and one line that holds the words."""
    lines = error_lines(result)
    assert (result.returncode, len(lines)) == (2, 1), (result.returncode, lines)
    assert not [word for word in words if word not in lines[0]], lines[0]
