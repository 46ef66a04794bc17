"""What the guard refuses before the application sees it."""

from __future__ import annotations

import asyncio
from typing import Any

from reticle_app.server.guard import Guard


def test_a_path_that_no_text_has_is_refused() -> None:
    """Half a surrogate with a slash behind it: the redirect could not write it down."""
    passed, sent = list[Any](), list[Any]()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        passed.append(scope)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(event: Any) -> None:
        sent.append(event)

    headers = [(b"host", b"127.0.0.1:8737"), (b"authorization", b"Bearer t")]
    for path in ("/v1/traces/\ud800/", "/v1/traces/\U0001f30d/"):
        scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers}
        asyncio.run(Guard(application, "t")(scope, receive, send))
    assert sent[0]["status"] == 400
    assert [scope["path"] for scope in passed] == ["/v1/traces/\U0001f30d/"]
