"""Promise 22: no command opens a socket but those whose purpose it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.promises.commands import ROOT, error_lines, ttsdoc

TRAP = """
import socket, os
class Refused(socket.socket):
    def connect(self, *_): os.write(2, b"SOCKET OPENED\\n"); os._exit(99)
    connect_ex = sendto = connect
socket.socket = Refused
socket.create_connection = socket.getaddrinfo = lambda *_, **__: (os.write(2, b"SOCKET OPENED\\n"), os._exit(99))
"""
COMMANDS = [
    "analyze {logs}",
    "analyze {logs} --format json",
    "fix {config} --diff",
    "check {config}",
    "config show {config}",
    "explain STB002",
    "explain",
    "--version",
    "doctor",
    "report {logs} -o {out}/x.html",
    "data stats {data}",
]


@pytest.mark.parametrize("command", COMMANDS)
def test_no_socket_is_opened(tmp_path: Path, command: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(TRAP)
    example = ROOT / "examples" / "amharic"
    places = {"logs": example, "config": example / "config.yaml", "out": tmp_path, "data": example / "data"}
    result = ttsdoc(*command.format(**places).split(), env={"PYTHONPATH": f"{tmp_path}:{ROOT}"})
    error_lines(result)
    assert result.returncode in (0, 1, 2)
    assert "SOCKET" not in result.stderr


def test_the_trap_works(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(TRAP)
    place = "http://localhost:9/x"
    result = ttsdoc("analyze", place, env={"PYTHONPATH": f"{tmp_path}:{ROOT}"})
    assert result.returncode in (99, 2)
