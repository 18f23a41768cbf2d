"""Promise 23: the page listens on this machine alone, under its own names, for itself, and for who has the token."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.promises.commands import TTSDOC, environment_with

pytestmark = pytest.mark.skipif(find_spec("gradio") is None, reason="the page needs gradio: pip install 'ttsdoc[ui]'")

SECRET = "not for the page"
TRAVERSALS = [
    "/../secret.txt", "/%2e%2e/secret.txt", "/%252e%252e/secret.txt", "/..%5csecret.txt", "/file=secret.txt",
    "/gradio_api/file=../secret.txt", "/gradio_api/file=/etc/passwd", "/gradio_api/file%3D/etc/passwd",
    "/secret.txt%00.png", "/static/../../secret.txt", "/windows/win.ini", "/assets/..%2f..%2fsecret.txt",
    "/gradio_api/file=config.yaml",
]  # fmt: skip


@contextmanager
def served(root: Path, *options: str) -> Iterator[tuple[str, int, str]]:
    """Host, port and query of the printed address of `ttsdoc ui` on the folder."""
    command = [*TTSDOC, "ui", "--root", str(root), "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment_with({})) as process:
        assert process.stdout is not None
        address = urlsplit(process.stdout.readline().split()[-1])
        assert address.hostname is not None
        assert address.port is not None
        yield address.hostname, address.port, address.query
        process.send_signal(signal.SIGINT)


def answer(port: int, path: str = "/", method: str = "GET", **headers: str) -> tuple[int, str, dict[str, str]]:
    """Status, body and headers of the answer to one request, sent byte for byte."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    response = connection.getresponse()
    body = response.read().decode("utf-8", "replace")
    connection.close()
    return response.status, body, {name.lower(): value for name, value in response.getheaders()}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("page")
    (folder / "secret.txt").write_text(SECRET)
    (folder / "root").mkdir()
    (folder / "root" / "config.yaml").write_text(f"learning_rate: 0.1\nbatch_size: 3\nnote: {SECRET}\n")
    with served(folder / "root") as (host, port, _):
        assert host in ("127.0.0.1", "localhost")
        yield port


def listening(port: int) -> set[str]:
    """The addresses, as the kernel writes them, on which somebody listens at the port (proc(5), net/tcp)."""
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return {row[1].split(":")[0] for row in rows if row[3] == "0A" and int(row[1].split(":")[1], 16) == port}


@pytest.mark.skipif(not os.path.exists("/proc/net/tcp"), reason="no Linux")  # noqa: PTH110 - a file of the system
def test_only_this_machine_can_connect(port: int) -> None:
    assert listening(port) == {"0100007F"}


def test_the_page_itself_is_answered(port: int) -> None:
    assert answer(port)[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "evil.example:80", ""])
def test_another_name_for_this_machine_is_refused(port: int, host: str) -> None:
    assert answer(port, Host=host)[0] in (400, 403)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_another_page_is_refused_and_never_allowed_by_a_header(port: int, origin: str, method: str) -> None:
    status, _, headers = answer(port, "/gradio_api/queue/join", method, Origin=origin, Content_Length="0")
    assert status == 403
    assert not [name for name in headers if name.startswith("access-control-allow")]


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_address_leads_to_a_file(port: int, path: str) -> None:
    status, body, _ = answer(port, path)
    assert SECRET not in body
    assert "root:" not in body
    assert status != 500


def test_beyond_this_machine_nothing_is_answered_without_the_token(tmp_path: Path) -> None:
    with served(tmp_path, "--host", "0.0.0.0") as (_, port, query):
        token = query.removeprefix("token=")
        assert len(token) >= 16
        assert answer(port)[0] == 403
        assert answer(port, "/?token=wrong")[0] == 403
        assert answer(port, f"/?{query}")[0] == 303
        assert answer(port, Cookie=f"ttsdoc_token={token}")[0] == 200
