"""Who may talk to the page: nobody under a foreign name, from a foreign page, or without the token."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from diagnose.errors import TtsdocError
from diagnose.files import inside
from diagnose.ui.guard import COOKIE, LOOPBACK, Guard


def asked(token: str | None = None, *, hosts: tuple[str, ...] = LOOPBACK, **request: Any) -> tuple[int, dict[str, str]]:
    """Status and headers of the answer to one request."""
    headers = {"host": "localhost:7860"} | request.pop("headers", {})
    scope = {
        "type": "http",
        "path": "/",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    } | request
    sent: list[Any] = []

    async def page(_: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {}

    asyncio.run(Guard(page, hosts=hosts, token=token)(scope, receive, send))
    return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0]["headers"]}


@pytest.mark.parametrize("host", ["localhost:7860", "127.0.0.1", "[::1]:7860", "LOCALHOST:1"])
def test_the_machines_own_names_are_let_in(host: str) -> None:
    assert asked(headers={"host": host})[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.com", "localhost.evil.com:7860", "127.0.0.1.evil.com", "", "evil.com@localhost:x"]
)
def test_a_foreign_name_for_this_machine_is_refused(host: str) -> None:
    assert asked(headers={"host": host})[0] == 403


@pytest.mark.parametrize("origin", ["http://evil.com", "null", "http://localhost:1", "http://localhost:7860.evil.com"])
def test_a_foreign_page_is_refused(origin: str) -> None:
    assert asked(headers={"origin": origin})[0] == 403
    assert asked(type="websocket", headers={"origin": origin})[0] == 403


def test_the_page_itself_is_let_in() -> None:
    assert asked(headers={"origin": "http://localhost:7860"})[0] == 200


def test_without_the_token_nothing_is_answered() -> None:
    for request in ({}, {"query_string": b"token=wrong"}, {"headers": {"cookie": f"{COOKIE}=wrong"}}):
        assert asked("right", hosts=(), **request)[0] == 403


def test_the_token_in_the_address_becomes_a_cookie_that_no_script_reads() -> None:
    status, headers = asked("right", hosts=(), query_string=b"token=right", path="/")
    assert status == 303
    assert headers["location"] == "/"
    assert headers["set-cookie"].startswith(f"{COOKIE}=right;")
    assert {"HttpOnly", "SameSite=Strict"} <= set(headers["set-cookie"].split("; "))
    assert asked("right", hosts=(), headers={"cookie": f"other=1; {COOKIE}=right"})[0] == 200


def test_no_path_leads_out_of_the_folder(tmp_path: Any) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to("/etc")
    root = tmp_path / "root"
    assert inside(root, " runs/a ") == root / "runs" / "a"
    assert inside(root, ".") == root
    for text in (
        "",
        "..",
        "../x",
        "/etc/passwd",
        "link/passwd",
        "a/../../x",
        "file:///etc/passwd",
        "a\0b",
        "~root/../..",
    ):
        with pytest.raises(TtsdocError):
            inside(root, text)
