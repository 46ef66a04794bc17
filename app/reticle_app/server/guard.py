"""What every request must pass before anything looks at it: host, origin, token, size, time. A plain ASGI wrapper."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Event: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Event]]
Send: TypeAlias = Callable[[Event], Awaitable[None]]
Asgi: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""Host names of this machine; any other in a request means that a page tries to reach us under its own name."""
MAX_BODY = 24 * 2**20
"""Bytes of a request: a picture of some 18 MB in base64."""
BODY_S = 30.0
"""The longest wait for a request to arrive whole."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one request."""

    max_body: int = MAX_BODY
    body_s: float = BODY_S


class Refusal(Exception):
    """An answer that ends the request."""

    def __init__(self, status: int, kind: str, message: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(message)
        self.status, self.kind, self.message, self.headers = status, kind, message, headers


class Guard:
    """Lets a request through when it is from this machine, not from a web page, carries the token and is small."""

    def __init__(self, app: Asgi, token: str, limits: Limits | None = None) -> None:
        self._app, self._token, self._limits = app, token.encode("ascii"), limits or Limits()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        try:
            self._check(scope)
            body = await self._body(scope, receive)
        except Refusal as refusal:
            await _refuse(send, refusal)
            return
        await self._app(scope, _replayed(body, receive), send)

    def _check(self, scope: Scope) -> None:
        hosts, origins = _values(scope, b"host"), _values(scope, b"origin")
        host = hosts[0].decode("latin-1").lower() if len(hosts) == 1 else ""
        if _name(host) not in LOOPBACK:
            raise Refusal(403, "forbidden_host", "this server is for programs on this machine; ask it as 127.0.0.1")
        if origins and (len(origins) > 1 or origins[0].decode("latin-1").lower() != f"http://{host}"):
            raise Refusal(403, "forbidden_origin", "this server does not answer web pages")
        shown = _values(scope, b"authorization")
        scheme, _, token = shown[0].partition(b" ") if len(shown) == 1 else (b"", b"", b"")
        if scheme.lower() != b"bearer" or not hmac.compare_digest(token.strip(), self._token):
            ask = (b"www-authenticate", b'Bearer realm="reticle"')
            raise Refusal(401, "unauthorized", "show the server's token: Authorization: Bearer TOKEN", ask)
        if not scope.get("query_string", b"").isascii() or any("\ud800" <= c <= "\udfff" for c in scope["path"]):
            raise Refusal(400, "bad_input", "the address holds bytes that must be written as %XX")

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        limit = self._limits.max_body
        too_large = Refusal(413, "too_large", f"a request is at most {limit} bytes", (b"connection", b"close"))
        told = _values(scope, b"content-length")
        if told and (not told[0].isdigit() or len(told[0]) > 18 or int(told[0]) > limit):
            raise too_large
        parts, size, more = [], 0, True
        loop = asyncio.get_running_loop()
        until = loop.time() + self._limits.body_s
        while more:
            try:
                event = await asyncio.wait_for(receive(), until - loop.time())
            except asyncio.TimeoutError:
                slow = f"the request did not arrive within {self._limits.body_s:g} s"
                raise Refusal(408, "too_slow", slow, (b"connection", b"close")) from None
            if event["type"] != "http.request":
                raise Refusal(400, "bad_input", "the request was cut short")
            parts.append(event.get("body", b""))
            size, more = size + len(parts[-1]), event.get("more_body", False)
            if size > limit:
                raise too_large
        return b"".join(parts)


def _values(scope: Scope, name: bytes) -> list[bytes]:
    return [value for key, value in scope["headers"] if key == name]


def _name(host: str) -> str:
    """The host without its port."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Gives the body that was read already, then what follows (the end of the connection)."""
    given = False

    async def replay() -> Event:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


async def _refuse(send: Send, refusal: Refusal) -> None:
    body = json.dumps({"error": {"kind": refusal.kind, "message": refusal.message}}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *refusal.headers]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
