"""`reticle mcp` with the stub model process; the argument is the folder of traces."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app_fakes.serving import DEMO

from reticle_app.api import Reticle
from reticle_app.config import Settings
from reticle_app.remote import RemoteGrounder
from reticle_app.server.host import HostOptions, opened_host
from reticle_app.server.mcp_tools import create_server


def open_stub(model: Path | None, waiting: int) -> Reticle:
    return Reticle(RemoteGrounder(command=DEMO), Settings(traces=Path(sys.argv[1])), max_waiting=waiting)


with opened_host(None, HostOptions(timeout_s=30), open_reticle=open_stub) as host:
    create_server(host, files=True).run("stdio")
