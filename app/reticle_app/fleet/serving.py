"""`reticle fleet serve`: the deployment, the door in front of it, and the end of both."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from reticle_app.server.guard import Limits
from reticle_app.server.host import TIMEOUT_S, note
from reticle_grounding.errors import BadInput, Cancelled, ReticleError

from .cluster import ClusterOptions, ray_running
from .front import Door, connections, create_app
from .opening import Opener
from .replica import Replica

NAME = "reticle"
BATCH = 8
WAITING = 16
OTHER_TRIES = 1
"""A request whose replica ends is asked once more elsewhere; only once: one that ends replicas ends no third."""
STUCK = 2
"""A replica whose batch takes so many times the time of an answer is replaced."""
CHECK_S = 2.0
"""Between two looks at a replica's health."""
LEAVE_S = 10.0
"""For batches in progress when a replica is told to end."""
ROUTER = "ray.serve.experimental.consistent_hash_router.ConsistentHashRouter"
"""Sends requests for one screenshot to one replica, and to the next one when that is full."""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """How a fleet answers."""

    batch: int = BATCH
    """Instructions that one replica works at together; so many requests it takes at most."""
    waiting: int = WAITING
    """Requests that may wait beside those that replicas have taken."""
    timeout_s: float = TIMEOUT_S

    def __post_init__(self) -> None:
        if self.batch < 1 or self.waiting < 1 or self.timeout_s <= 0:
            raise BadInput("a batch holds at least 1, at least 1 may wait, and an answer has more than zero seconds")


class Replicas:
    """The replicas through Serve's handle."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    async def ground(self, digest: str, picture: bytes, instruction: str, top_k: int, with_map: bool) -> str:
        from ray.exceptions import RayActorError, RayError
        from ray.serve.exceptions import RayServeException

        handle = self._handle.options(session_id=digest)
        for left in range(OTHER_TRIES, -1, -1):
            response = handle.ground.remote(digest, picture, instruction, top_k, with_map)
            try:
                return str(await response)
            except asyncio.CancelledError:
                response.cancel()
                raise
            except RayActorError as error:
                if left == 0:
                    raise ReticleError("the replica ended while it answered, and so did another one") from error
            except (RayError, RayServeException) as error:
                raise ReticleError(f"the fleet cannot answer: {_first_line(error)}") from error
        raise AssertionError("the last try returns or raises")

    def running(self) -> int:
        from ray import serve

        try:
            states = serve.status().applications[NAME].deployments[Replica.__name__].replica_states
        except Exception as error:
            raise ReticleError(f"Ray does not say which replicas are ready: {_first_line(error)}") from error
        return sum(count for state, count in states.items() if str(getattr(state, "value", state)) == "RUNNING")


@contextmanager
def deployed(opener: Opener, cluster: ClusterOptions, options: ServeOptions) -> Iterator[Replicas]:
    """Replicas that are ready; ended afterwards. Raises ReticleError when they do not come up, with the reason."""
    from ray import serve

    deployment = serve.deployment(
        Replica,
        num_replicas=cluster.workers,
        max_ongoing_requests=options.batch,
        ray_actor_options={"num_cpus": cluster.cpus, "num_gpus": cluster.gpus},
        health_check_period_s=CHECK_S,
        graceful_shutdown_timeout_s=LEAVE_S,
        max_constructor_retry_count=1,
        request_router_config=serve.config.RequestRouterConfig(request_router_class=ROUTER),
    )
    try:
        serve.start(proxy_location="Disabled")
        handle = _run(deployment.bind(opener, options.batch, STUCK * options.timeout_s))
        yield Replicas(handle)
    finally:
        with suppress(Exception):  # Ray itself is ended next, whatever Serve says
            serve.shutdown()


def _run(application: Any) -> Any:
    from ray import serve

    try:
        return serve.run(application, name=NAME, route_prefix=None)
    except Cancelled:
        raise
    except Exception as error:
        why = _first_line(error)
        with suppress(Exception):
            why = serve.status().applications[NAME].deployments[Replica.__name__].message or why
        raise ReticleError(f"the replicas do not come up: {why}") from error


def serve_fleet(
    opener: Opener,
    cluster: ClusterOptions,
    options: ServeOptions,
    token: str,
    listening: socket.socket,
    ready: Callable[[], None],
    limits: Limits | None = None,
) -> None:
    """Answers until SIGINT or SIGTERM, then ends requests, replicas and Ray in this order."""
    from reticle_app.server.listen import answer

    most = cluster.workers * options.batch + options.waiting
    with ray_running(cluster), deployed(opener, cluster, options) as replicas:
        door = Door(replicas, cluster.workers, most, options.timeout_s)
        ready()
        with suppress(Cancelled):  # the server gives the signal on once it has ended
            answer(create_app(door, token, limits), listening, _say_goodbye, connections(most))


def _say_goodbye(name: str) -> None:
    note(f"{name}: no new requests; ending when those in progress are answered")


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
