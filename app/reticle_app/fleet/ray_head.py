"""``python -m reticle_app.fleet.ray_head FOLDER CPUS GPUS BYTES``: Ray's own processes, as few as will do.

Ray's public ways to start (``ray.init``, ``ray start``) bring an autoscaler, a server for remote clients and an HTTP
server that takes jobs. None is needed here, each is one more way in, and together they take most of the time of the
start. This stands on parts of Ray that are not public, which is one reason why the extra names one version of Ray.

Ends on SIGTERM, and when one of Ray's processes has ended.
"""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path
from typing import Any

ADDRESS = "address"
"""File in the folder that names where Ray is joined, once it is up."""
LOOK_S = 1.0
AGENT_PORTS = ("runtime_env_agent_port", "metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port")
"""Chosen here and not by Ray's agents, for which it would wait 15 s and then give the whole start up."""


def main(folder: Path, cpus: int, gpus: int, store: int) -> int:
    """``store`` is in bytes. Returns the exit code."""
    from ray._private.parameter import RayParams

    params = RayParams(
        num_cpus=cpus,
        num_gpus=gpus,
        object_store_memory=store,
        node_ip_address="127.0.0.1",
        temp_dir=str(folder),
        include_dashboard=False,
        include_log_monitor=False,
        no_monitor=True,
        min_worker_port=0,
        max_worker_port=0,
        **dict(zip(AGENT_PORTS, free_ports(len(AGENT_PORTS)), strict=True)),
    )
    node = _bare_node()(params, head=True, shutdown_at_exit=True, spawn_reaper=True)
    draft = folder / f"{ADDRESS}.part"
    draft.write_text(str(node.gcs_address), encoding="utf-8")
    draft.rename(folder / ADDRESS)
    while not (dead := node.dead_processes()):
        time.sleep(LOOK_S)
    sys.stderr.write(f"Ray's {dead[0][0]} ended\n")
    return 1


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nothing listens on now."""
    made = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [int(one.getsockname()[1]) for one in made]
    finally:
        for one in made:
            one.close()


def _bare_node() -> Any:
    from ray._private.node import Node
    from ray._raylet import persist_port

    class BareNode(Node):  # type: ignore[misc]  # Ray is untyped here
        """Without the HTTP server that shows a dashboard and takes jobs."""

        def start_api_server(self, *, include_dashboard: bool | None = None, raise_on_failure: bool = True) -> None:
            """Starts nothing."""

        def start_raylet(self, *args: Any, **kwargs: Any) -> None:
            """Says the agents' ports before they do, which is known already."""
            for name in AGENT_PORTS:
                persist_port(self._session_dir, self._node_id, name, getattr(self._ray_params, name))
            super().start_raylet(*args, **kwargs)

    return BareNode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *map(int, sys.argv[2:5])))
