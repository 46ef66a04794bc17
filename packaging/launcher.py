"""What a packaged build starts: the command line, or one of Reticle's own child processes.

The program starts its children as ``sys.executable -m MODULE``. In a packaged build ``sys.executable`` is the program
itself, so that form is answered here, for Reticle's own modules alone.
"""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import MutableMapping

CHILDREN = frozenset(
    {
        "reticle_app.worker",
        "reticle_app.ask",
        "reticle_app.checking",
        "reticle_app.measuring.child",
        "reticle_app.models.job",
        "reticle_app.fleet.ray_head",
        "reticle_agent.aiming",
        "reticle_agent.hand",
        "reticle_agent.stopper",
        "reticle_grounding.peer.worker",
    }
)


def child_module(argv: list[str]) -> str | None:
    """The module asked for by ``-m MODULE``, None for a command line. Raises SystemExit for a module of others."""
    if argv[1:2] != ["-m"]:
        return None
    name = argv[2] if len(argv) > 2 else ""
    if name not in CHILDREN:
        raise SystemExit(f"reticle: {name!r} is none of this program's own processes: {', '.join(sorted(CHILDREN))}")
    return name


def give_back_libraries(environ: MutableMapping[str, str]) -> None:
    """Undoes the search path of the packaged libraries, so that programs started from here load the system's own.

    The loader read it when this process started; children of our own get it anew from their own start.
    """
    before = environ.pop("LD_LIBRARY_PATH_ORIG", None)
    if before is not None:
        environ["LD_LIBRARY_PATH"] = before
    else:
        environ.pop("LD_LIBRARY_PATH", None)


def main() -> None:
    if getattr(sys, "frozen", False):
        give_back_libraries(os.environ)
    module = child_module(sys.argv)
    if module is None:
        from reticle_app.cli.main import main as command_line

        command_line()
        return
    sys.argv = [module, *sys.argv[3:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
