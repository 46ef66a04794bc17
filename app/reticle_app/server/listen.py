"""Listening on this machine alone, for both servers."""

from __future__ import annotations

import asyncio
import ipaddress
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from uvicorn import Config, Server

from reticle_grounding.errors import BadInput

from .guard import Asgi
from .host import Host, stop_in_background

CONNECTIONS = 32
"""Connections at once; more are turned away."""
HEADERS = 32 * 2**10
"""Bytes of the headers of a request."""
BACKLOG = 64
"""Connections that wait to be taken; they may come before the server is ready."""
KEEP_ALIVE_S = 5
GOODBYE_S = 10
"""For requests in progress when the server ends."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens."""

    host: str = "127.0.0.1"
    port: int = 0

    def listen(self) -> socket.socket:
        """Raises BadInput for an address that is not this machine's own, or that is taken."""
        try:
            own = ipaddress.ip_address("127.0.0.1" if self.host == "localhost" else self.host)
        except ValueError:
            own = None
        if own is None or not own.is_loopback:
            raise BadInput(
                f"--host {self.host}: only 127.0.0.1, ::1 or localhost; for another machine forward the port with ssh"
            )
        made = socket.socket(socket.AF_INET6 if own.version == 6 else socket.AF_INET, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((str(own), self.port))
            made.listen(BACKLOG)
        except (OSError, OverflowError) as error:
            made.close()
            raise BadInput(f"cannot listen on {self.host} port {self.port}: {error}; choose another --port") from error
        return made


def serve(app: Asgi, host: Host, listening: socket.socket) -> None:
    """Answers until a signal ends it; a signal also stops the run in progress."""
    answer(app, listening, lambda name: stop_in_background(host, name))


def answer(
    app: Asgi, listening: socket.socket, on_signal: Callable[[str], None], connections: int = CONNECTIONS
) -> None:
    """Answers until a signal ends it; ``on_signal`` is told its name at once and must not wait."""
    config = Config(
        app,
        access_log=False,
        log_config=None,
        limit_concurrency=connections,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GOODBYE_S,
        h11_max_incomplete_event_size=HEADERS,
        http="h11",
        ws="none",
        server_header=False,
    )
    server = Server(config)
    leave = server.handle_exit

    def tell_and_leave(number: int, frame: FrameType | None) -> None:
        on_signal(signal.Signals(number).name)
        leave(number, frame)

    server.handle_exit = tell_and_leave
    asyncio.run(server.serve(sockets=[listening]))
