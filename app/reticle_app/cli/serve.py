"""`reticle serve` and `reticle mcp`: Reticle as the eyes of other programs on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from reticle_app.server.extras import require_extra
from reticle_grounding.errors import BadInput

from .ground import ModelOption
from .run import chosen_mode

if TYPE_CHECKING:
    from reticle_app.server.host import Asker, HostOptions

PortOption = Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes any that is free.")]
HostOption = Annotated[str, typer.Option("--host", help="Address of this machine: 127.0.0.1, ::1 or localhost.")]
DryOption = Annotated[bool, typer.Option("--dry-run", help="Show and record, send nothing, whatever a client asks.")]
AutoOption = Annotated[
    bool, typer.Option("--auto", help="Act for clients without asking where it is sure and nothing is at stake.")
]
WaitingOption = Annotated[int, typer.Option("--waiting", min=0, help="So many groundings may wait for their turn.")]
TimeoutOption = Annotated[float, typer.Option("--timeout", help="Seconds for one grounding, waiting included.")]
VirtualOption = Annotated[bool, typer.Option("--virtual", help="Act on a new virtual display.")]
AppOption = Annotated[str | None, typer.Option("--app", help="Start this program first.")]
_ASK = "Who is asked before an input: window, terminal (this one) or nobody (which refuses)."


def register(app: typer.Typer) -> None:
    app.command()(serve)
    app.command()(mcp)


def serve(
    host: HostOption = "127.0.0.1",
    port: PortOption = 8737,
    ask: Annotated[str, typer.Option("--ask", help=_ASK)] = "terminal",
    dry_run: DryOption = False,
    auto: AutoOption = False,
    waiting: WaitingOption = 8,
    timeout: TimeoutOption = 120.0,
    virtual: VirtualOption = False,
    application: AppOption = None,
    model: ModelOption = None,
) -> None:
    """Answer programs on this machine over HTTP; they show the token kept in the settings folder.

    Every input is asked about (on this terminal) unless --auto is given; a client can only ask for less.
    """
    require_extra("server")
    from reticle_app.server.host import note, opened_host
    from reticle_app.server.http import create_app
    from reticle_app.server.listen import Address
    from reticle_app.server.listen import serve as serve_http
    from reticle_app.server.token import server_token, token_path

    token, listening = server_token(), Address(host, port).listen()
    options = _options(ask, dry_run, auto, timeout, "a program (over HTTP)")
    with opened_host(model, options, waiting=waiting, virtual=virtual, application=application) as opened:
        note(f"listening on http://{shown(listening.getsockname())}; the token is in {token_path()}")
        serve_http(create_app(opened, token), opened, listening)


def mcp(
    http: Annotated[bool, typer.Option("--http", help="Streamable HTTP instead of stdin and stdout.")] = False,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8738,
    ask: Annotated[str, typer.Option("--ask", help=_ASK)] = "window",
    dry_run: DryOption = False,
    auto: AutoOption = False,
    waiting: WaitingOption = 8,
    timeout: TimeoutOption = 120.0,
    virtual: VirtualOption = False,
    application: AppOption = None,
    model: ModelOption = None,
) -> None:
    """Offer the tools ground, act and trace to an agent that speaks the Model Context Protocol."""
    require_extra("mcp")
    from reticle_app.server.host import note, opened_host
    from reticle_app.server.mcp_tools import PATH, create_server, http_app
    from reticle_app.server.token import server_token, token_path

    if ask == "terminal" and not http:
        raise BadInput("--ask terminal does not go with stdin and stdout, which belong to the agent; use window")
    options = _options(ask, dry_run, auto, timeout, "an agent (over MCP)")
    if not http:
        with opened_host(model, options, waiting=waiting, virtual=virtual, application=application) as opened:
            create_server(opened, files=True).run("stdio")
        return
    from reticle_app.server.listen import Address
    from reticle_app.server.listen import serve as serve_http

    token, listening = server_token(), Address(host, port).listen()
    with opened_host(model, options, waiting=waiting, virtual=virtual, application=application) as opened:
        note(f"listening on http://{shown(listening.getsockname())}{PATH}; the token is in {token_path()}")
        serve_http(http_app(create_server(opened, files=False), token), opened, listening)


def _options(ask: str, dry_run: bool, auto: bool, timeout: float, who: str) -> HostOptions:
    from reticle_app.server.host import ASKERS, HostOptions

    known: dict[str, Asker] = {asker: asker for asker in ASKERS}
    if ask not in known:
        raise BadInput(f"--ask is one of {', '.join(known)}, not {ask!r}")
    return HostOptions(chosen_mode(dry_run, False, auto) or "confirm", known[ask], timeout, who)


def shown(address: tuple[str, int] | tuple[str, int, int, int]) -> str:
    return f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"
