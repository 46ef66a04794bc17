"""What runs in each replica: one model, opened once, that answers the requests gathered by Ray Serve together.

Only plain values cross between processes: bytes and text go in, one JSON text comes out. Ray wraps them in its own
serialization, which is pickle; that is why whoever can reach the cluster must be trusted.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from reticle_app.protocol import encode_error
from reticle_grounding.errors import ReticleError

from .batches import Asked, Batches, Reply
from .opening import Opener

GATHER_S = 0.02
"""How long the first request of a batch waits for others; little beside the time of a look."""


class Replica:
    """Made by Ray Serve, once per replica."""

    def __init__(self, opener: Opener, batch: int, stuck_s: float) -> None:
        """``batch`` instructions are answered together at most; one batch may take ``stuck_s`` seconds.

        Raises what the opener raises; Serve reports it as the reason why the deployment failed.
        """
        from ray import serve

        _stay_on_this_machine()
        self._batches = Batches(opener())
        self._stuck_s = stuck_s
        self._since: float | None = None
        self._model = ThreadPoolExecutor(1, thread_name_prefix="model")  # the loop stays free for health checks
        self._name = str(serve.get_replica_context().replica_id.unique_id)
        gathered = serve.batch(max_batch_size=batch, batch_wait_timeout_s=GATHER_S)
        self._gathered: Callable[[Asked], Awaitable[str]] = gathered(self._answer)

    async def ground(self, digest: str, picture: bytes, instruction: str, top_k: int, with_map: bool) -> str:
        """A JSON text with either ``ok`` or ``error``, and who answered."""
        asked = Asked(digest, picture, instruction, top_k, with_map)
        try:
            return await self._gathered(asked)
        except asyncio.CancelledError:
            asked.given_up = True
            raise

    async def _answer(self, batch: list[Asked]) -> list[str]:
        self._since = time.monotonic()
        try:
            replies = await asyncio.get_running_loop().run_in_executor(self._model, self._batches.answer, batch)
        finally:
            self._since = None
        return [self._encoded(reply) for reply in replies]

    def _encoded(self, reply: Reply) -> str:
        who = {"replica": self._name, "pid": os.getpid(), "together": reply.together, "looked": reply.looked}
        if isinstance(reply.outcome, ReticleError):
            return json.dumps({"who": who, "error": encode_error(reply.outcome)})
        return json.dumps({"who": who, "ok": reply.outcome.model_dump(mode="json")})

    def check_health(self) -> None:
        """Called by Ray Serve. Raises when a batch does not end; Serve then replaces this replica."""
        since = self._since
        if since is not None and time.monotonic() - since > self._stuck_s:
            raise RuntimeError(f"a batch has taken more than {self._stuck_s:g} s")


def _stay_on_this_machine() -> None:
    """Binds the server that Serve gives each replica for calls from other deployments to the loopback address.

    Ray 2.60 binds it to every network card, once the replica's model is open. Nothing here is asked that way: our
    handle calls the actor itself. A test looks at all sockets, so a later Ray that does otherwise is noticed.
    """
    module: Any = importlib.import_module("ray.serve._private.replica")
    bind = module.add_port_to_grpc_server

    def bind_here(server: Any, address: str) -> int:
        return int(bind(server, address.replace("[::]", "127.0.0.1")))

    module.add_port_to_grpc_server = bind_here
