"""A server with a stub model process, asked over real sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from app_fakes.serving import DEMO, TOKEN, Client

from reticle_app.api import Reticle
from reticle_app.config import Settings
from reticle_app.remote import RemoteGrounder
from reticle_app.server.host import Host, HostOptions


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(traces=tmp_path / "traces")


@pytest.fixture
def make_reticle(settings: Settings) -> Iterator[Callable[..., Reticle]]:
    made: list[Reticle] = []

    def make(**options: Any) -> Reticle:
        made.append(Reticle(RemoteGrounder(command=DEMO), settings, **options))
        return made[-1]

    yield make
    for reticle in made:
        reticle.close()


@pytest.fixture
def start(make_reticle: Callable[..., Reticle]) -> Iterator[Callable[..., Client]]:
    """Starts servers; each ends with the test."""
    pytest.importorskip("fastapi", reason="the extra `server` is not installed")
    uvicorn = pytest.importorskip("uvicorn", reason="the extra `server` is not installed")
    from reticle_app.server.http import create_app
    from reticle_app.server.listen import Address

    running: list[tuple[Any, threading.Thread, socket.socket]] = []

    def begin(options: HostOptions | None = None, limits: Any = None, **of_reticle: Any) -> Client:
        reticle = make_reticle(**of_reticle)
        host = Host(reticle, options)
        listening = Address().listen()
        server = uvicorn.Server(uvicorn.Config(create_app(host, TOKEN, limits), log_config=None, http="h11", ws="none"))
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        running.append((server, thread, listening))
        return Client(listening.getsockname()[1], host, reticle)

    yield begin
    for server, thread, listening in running:
        server.should_exit = True
        thread.join(20)
        listening.close()
        assert not thread.is_alive(), "the server did not end"
