"""The same operations as tools of the Model Context Protocol, over stdin and stdout or over HTTP on this machine."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from reticle_app.api import MAX_TOP_K
from reticle_grounding.errors import BadInput, ReticleError

from .answers import NOTICE, ActAnswer, GroundAnswer, TraceAnswer, TraceList
from .guard import MAX_BODY, Asgi, Guard, Limits
from .host import MAX_WORDS, Host, picture_bytes

P = ParamSpec("P")
R = TypeVar("R")
INSTRUCTIONS = f"""\
Reticle is a pair of eyes for screenshots: ground finds where words are on a picture, act carries out a task on the \
desktop after asking the person there, trace tells what was recorded. {NOTICE} A refusal by the person is final: do \
not ask for the same in other words."""
PATH = "/mcp"

Words = Annotated[str, Field(min_length=1, max_length=MAX_WORDS)]


def create_server(host: Host, *, files: bool) -> Any:
    """``files``: whether pictures may be named by path, which is only for a client that runs as the same user."""
    server = MCPServer(
        "reticle",
        title="Reticle",
        instructions=INSTRUCTIONS,
        version=importlib.metadata.version("reticle"),
        log_level="WARNING",
    )
    tools = _Tools(host, files)
    look = ToolAnnotations(read_only_hint=True, open_world_hint=False)
    touch = ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=True)
    server.add_tool(_told(tools.ground), name="ground", title="Find on a screenshot", annotations=look)
    server.add_tool(_told(tools.act), name="act", title="Act on the desktop", annotations=touch)
    server.add_tool(_told(tools.trace), name="trace", title="Read recorded runs", annotations=look)
    return server


def http_app(server: Any, token: str) -> Asgi:
    """The streamable HTTP transport behind the same guard as the HTTP server."""
    limits = Limits()
    return Guard(server.streamable_http_app(streamable_http_path=PATH, max_request_body_size=MAX_BODY), token, limits)


class _Tools:
    """Documentation and types here are what clients see."""

    def __init__(self, host: Host, files: bool) -> None:
        self._host, self._files = host, files

    def ground(
        self,
        instruction: Words,
        image_base64: Annotated[str, Field(description="PNG, JPEG or WebP in base64.")] = "",
        image_path: Annotated[str, Field(description="Or the absolute path of a picture file.")] = "",
        top_k: Annotated[int, Field(ge=1, le=MAX_TOP_K)] = 5,
        with_map: Annotated[bool, Field(description="Return the attention map, too.")] = False,
    ) -> GroundAnswer:
        """Find what the words mean on a screenshot: ranked places to click, each with a calibrated probability, in
        pixels of the picture. found is false where it is not on the picture. Give image_base64 or image_path."""
        return self._host.ground(self._picture(image_base64, image_path), instruction, top_k, with_map)

    def act(
        self,
        task: Words,
        dry_run: Annotated[bool, Field(description="Show and record, send nothing.")] = False,
    ) -> ActAnswer:
        """Carry out a short task on the desktop, in words such as "open the File menu, then click 'Save'". The person
        at the desktop is asked before each input; without an answer nothing is done. Status refused means they said
        no."""
        return self._host.act(task, dry_run)

    def trace(
        self,
        name: Annotated[str, Field(description="Of a recorded run; empty lists the newest.")] = "",
        limit: Annotated[int, Field(ge=1, le=500)] = 20,
    ) -> TraceAnswer | TraceList:
        """Read what was recorded: the list of runs, or one run step by step."""
        return self._host.trace(name) if name else self._host.traces(limit)

    def _picture(self, image_base64: str, image_path: str) -> bytes | Path:
        if bool(image_base64) == bool(image_path):
            raise BadInput("give exactly one of image_base64 and image_path")
        if image_base64:
            return picture_bytes(image_base64)
        if not self._files:
            raise BadInput("image_path is only for clients that started this server; send image_base64")
        path = Path(image_path)
        if not path.is_absolute():
            raise BadInput(f"image_path {image_path!r} is not absolute")
        return path


def _told(tool: Callable[P, R]) -> Callable[P, R]:
    """What went wrong reaches the client in words instead of as a crash."""

    @wraps(tool)
    def telling(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return tool(*args, **kwargs)
        except ReticleError as error:
            raise ToolError(" ".join(str(error).split())) from error

    return telling
