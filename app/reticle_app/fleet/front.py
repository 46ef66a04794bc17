"""The door of a fleet: the HTTP server's own guard, requests and errors, with replicas behind it."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Protocol

from pydantic import BaseModel, Field

from reticle_app.protocol import decode_error
from reticle_app.server.answers import GroundAnswer
from reticle_app.server.guard import Asgi, Guard, Limits
from reticle_app.server.host import TIMEOUT_S, picture_bytes
from reticle_app.server.http import GroundRequest, Route, api_of
from reticle_app.turns import BusyError, TookTooLongError
from reticle_grounding.errors import ReticleError

MAX_LINKS = 400
"""Connections at once, whatever the size of the fleet; each holds a request of up to 24 MiB."""


class Behind(Protocol):
    """The replicas as the door sees them."""

    async def ground(self, digest: str, picture: bytes, instruction: str, top_k: int, with_map: bool) -> str:
        """The text that :class:`.replica.Replica` makes. Raises BusyError when no more may wait, else ReticleError."""
        ...

    def running(self) -> int:
        """Replicas that are ready now. Raises ReticleError when nobody can tell."""
        ...


class FleetAnswer(GroundAnswer):
    """Where the words are on the picture, and which replica said so."""

    replica: str
    pid: int = Field(description="Of the replica's process.")
    together: int = Field(description="Instructions on the same screenshot that were answered at once.")
    looked: bool = Field(description="False: the screenshot was known to the replica from before.")


class FleetHealth(BaseModel):
    """How many replicas are ready."""

    running: int
    wanted: int


class Door:
    """The operations."""

    def __init__(self, behind: Behind, wanted: int, most: int, timeout_s: float = TIMEOUT_S) -> None:
        """``most`` groundings are in work or waiting; ``timeout_s`` is for one of them, waiting included."""
        self._behind, self._wanted, self._most, self._timeout_s = behind, wanted, most, timeout_s
        self._inside = 0

    async def ground(self, asked: GroundRequest) -> FleetAnswer:
        """Point at what the words mean on a picture."""
        from reticle_grounding.predictor import check_instruction

        words = check_instruction(asked.instruction)
        digest, picture = await asyncio.to_thread(_unpacked, asked.image)
        if self._inside >= self._most:
            raise BusyError("all replicas are busy and too many are waiting already; try again later")
        self._inside += 1
        try:
            work = self._behind.ground(digest, picture, words, asked.top_k, asked.map)
            return _decoded(await asyncio.wait_for(work, self._timeout_s))
        except asyncio.TimeoutError:
            raise TookTooLongError("the answer took too long and was given up; allow more time") from None
        finally:
            self._inside -= 1

    async def health(self) -> FleetHealth:
        """Whether the fleet can answer; 503 when no replica is ready."""
        running = await asyncio.to_thread(self._behind.running)
        if running == 0:
            raise ReticleError("no replica is ready; those that ended are being replaced, try again later")
        return FleetHealth(running=running, wanted=self._wanted)


def create_app(door: Door, token: str, limits: Limits | None = None) -> Asgi:
    """The application behind its guard."""
    routes = [Route("POST", "/v1/ground", door.ground, at_work=True), Route("GET", "/v1/health", door.health, True)]
    return Guard(api_of("Points at things on screenshots, with several models at once.", routes), token, limits)


def connections(most: int) -> int:
    """So many connections that whoever may wait can, and some more, who are told that all are busy."""
    return min(MAX_LINKS, 2 * most + 8)


def _unpacked(image: str) -> tuple[str, bytes]:
    picture = picture_bytes(image)
    return hashlib.sha256(picture).hexdigest(), picture


def _decoded(text: str) -> FleetAnswer:
    reply = json.loads(text)
    if "error" in reply:
        raise decode_error(reply["error"])
    return FleetAnswer.model_validate({**reply["ok"], **reply["who"]})
