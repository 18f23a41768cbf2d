"""Who may talk to the page: a check before every request, since the page starts and stops processes."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COOKIE = "ttsdoc_token"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Guard:
    """Refuses foreign names (DNS rebinding), foreign pages (their scripts), and strangers without the token.

    `hosts`: the names under which the page may be asked for; empty: any. `token`: None where none is needed.
    """

    def __init__(self, app: App, *, hosts: Iterable[str], token: str | None) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with 403 (or, with the token in the address, with a cookie)."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        given = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
        # A request comes from the page itself, or from no page at all.
        host, origin = headers.get("host", ""), headers.get("origin")
        name = "" if "@" in host else urlsplit(f"//{host}").hostname or ""
        if (self._hosts and name not in self._hosts) or (origin is not None and urlsplit(origin).netloc != host):
            await _answer(send, 403, "ttsdoc: this page is not for other sites")
        elif self._token is None or self._matches(_cookie(headers)):
            await self._app(scope, receive, send)
        elif self._matches(given) and scope["type"] == "http":
            cookie = f"{COOKIE}={self._token}; HttpOnly; SameSite=Strict; Path=/"
            await _answer(send, 303, "", (("location", scope["path"]), ("set-cookie", cookie)))
        else:
            await _answer(send, 403, "ttsdoc: open the address with the token that ttsdoc ui has printed")

    def _matches(self, given: str) -> bool:
        return self._token is not None and hmac.compare_digest(given.encode(), self._token.encode())


def _cookie(headers: dict[str, str]) -> str:
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(headers.get("cookie", ""))
    except Exception:  # a cookie of someone else that http.cookies does not understand
        return ""
    return jar[COOKIE].value if COOKIE in jar else ""


async def _answer(send: Send, status: int, text: str, headers: Iterable[tuple[str, str]] = ()) -> None:
    head = [("content-type", "text/plain; charset=utf-8"), *headers]
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in head]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": text.encode()})
