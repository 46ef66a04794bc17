"""One download, import or check of a model in a process of its own: ``python -m reticle_app.models.job``.

The window never loads the model libraries that looking into a model needs, and ending the process at any moment is how
a download pauses: what came stays. One JSON object per line, first the request on stdin::

    {"do": "pull", "models": FOLDER, "repository": "owner/name", "revision": null, "name": null}
    {"do": "import", "models": FOLDER, "folder": FOLDER, "name": null, "repository": null}
    {"do": "verify", "models": FOLDER, "name": NAME}

and on stdout ``{"plan": ...}`` (then a line ``{"yes": true}`` is awaited), ``{"progress": [done, total]}`` in bytes,
and at the end ``{"kept": {"name", "fetched"}}``, ``{"problems": [...]}`` or ``{"error": {"kind", "text"}}``.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from reticle_grounding.errors import BadInput, ReticleError

Line: TypeAlias = dict[str, Any]
Say: TypeAlias = Callable[[Line], None]
Agree: TypeAlias = Callable[[], bool]
EVERY_S = 0.05
"""Progress is told no more often than this."""


def run(request: Mapping[str, Any], say: Say, agree: Agree, environ: Mapping[str, str]) -> None:
    """Does what is asked. Raises ReticleError; ``agree`` is called once the plan was told.

    Args:
        environ: names the hub (``HF_ENDPOINT``, ``HF_HUB_OFFLINE``).
    """
    from .store import Store

    store, wanted = Store(Path(request["models"])), request.get("do")
    if wanted == "pull":
        _pull(store, request, say, agree, environ)
    elif wanted == "import":
        _import(store, request, say, agree)
    elif wanted == "verify":
        from .verify import verify

        found = verify(store, request["name"], _Progress(say))
        say({"problems": [{"file": p.file, "kind": p.kind, "detail": p.detail} for p in found]})
    else:
        raise BadInput(f"the model process knows no work called {wanted!r}")


def _pull(store: Any, request: Mapping[str, Any], say: Say, agree: Agree, environ: Mapping[str, str]) -> None:
    from . import pull as pulling
    from .environment import hub_of
    from .hub import cached_snapshot
    from .plan import Kept, plan_document

    hub, full, revision = hub_of(environ), pulling.full_name(request["repository"]), request.get("revision")
    if hub.offline and (folder := cached_snapshot(full, revision)) is not None:
        _import(store, {**request, "folder": str(folder), "repository": full, "revision": folder.name}, say, agree)
        return
    job = pulling.prepare(hub, full, revision, request.get("name"))
    if pulling.check_name_for(store, job):
        say({"kept": _kept(Kept(store.record(job.plan.name), store.folder(job.plan.name), 0))})
        return
    say({"plan": plan_document(job.plan, pulling.missing_bytes(store, job))})
    if agree():
        say({"kept": _kept(pulling.fetch(hub, store, job, _Progress(say)))})


def _import(store: Any, request: Mapping[str, Any], say: Say, agree: Agree) -> None:
    from . import importing
    from .plan import plan_document

    job = importing.prepare(
        Path(request["folder"]), request.get("name"), request.get("repository"), request.get("revision")
    )
    store.check_free(job.plan.name)
    say({"plan": plan_document(job.plan, job.plan.size)})
    if agree():
        say({"kept": _kept(importing.take(store, job, _Progress(say)))})


def _kept(kept: Any) -> Line:
    unchecked = sum(file.checked == "nothing" for file in kept.record.files)
    return {"name": kept.record.name, "fetched": kept.fetched, "unchecked": unchecked}


class _Progress:
    """Tells of bytes done, now and then and at the end."""

    def __init__(self, say: Say) -> None:
        self._say, self._last_s = say, 0.0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if done >= total or now - self._last_s >= EVERY_S:
            self._last_s = now
            self._say({"progress": [done, total]})


def main() -> int:
    """Entry of the process; ends quietly when nobody listens any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the window decides about Ctrl+C
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # tidies up on the way, as an import must
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as sink:
        os.dup2(2, 1)  # what libraries print must not end up among the lines

        def say(line: Line) -> None:
            sink.write(json.dumps(line) + "\n")
            sink.flush()

        def agree() -> bool:
            answer = sys.stdin.readline()
            return bool(answer) and json.loads(answer).get("yes") is True

        try:
            _tell(say, agree)
        except BrokenPipeError:
            return 0
    return 0


def _tell(say: Say, agree: Agree) -> None:
    try:
        run(json.loads(sys.stdin.readline()), say, agree, os.environ)
    except BrokenPipeError:
        raise
    except ReticleError as error:
        kind = "input" if isinstance(error, BadInput) else "other"
        say({"error": {"kind": kind, "text": str(error)}})
    except Exception as error:
        text = f"unexpected error, a bug in Reticle: {type(error).__name__}: {error}"
        say({"error": {"kind": "bug", "text": text}})


if __name__ == "__main__":
    sys.exit(main())
