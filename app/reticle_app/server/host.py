"""What HTTP and MCP share: one :class:`Reticle`, who is asked, and how long anything may take."""

from __future__ import annotations

import base64
import binascii
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from reticle_agent.seams import Approver
from reticle_agent.stop import StopToken, Trigger
from reticle_app.api import Picture, Reticle
from reticle_app.approvers import ForProgram, ProcessApprover
from reticle_app.config import Mode
from reticle_grounding.errors import BadInput

from .answers import ActAnswer, GroundAnswer, StopAnswer, TraceAnswer, TraceList

Asker: TypeAlias = Literal["terminal", "window", "nobody"]
ASKERS: tuple[Asker, ...] = ("terminal", "window", "nobody")
MAX_PIXELS = 40_000_000
"""Pixels of a picture that a client sends; more than a screen of 8K."""
MAX_WORDS = 2000
"""Characters of an instruction or a task."""
WAITING = 8
TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class HostOptions:
    """What the person who starts a server decides; no client can change it."""

    mode: Mode = "confirm"
    asker: Asker = "nobody"
    timeout_s: float = TIMEOUT_S
    """For one grounding, waiting included."""
    who: str = "a program"
    """How the client is called where the person is asked."""


class Host:
    """The operations of a server. Thread-safe."""

    def __init__(self, reticle: Reticle, options: HostOptions | None = None) -> None:
        self._reticle, self._options = reticle, options or HostOptions()

    def ground(self, picture: Picture, instruction: str, top_k: int, with_map: bool = False) -> GroundAnswer:
        """Raises what :meth:`Reticle.ground` raises."""
        timeout_s = self._options.timeout_s
        return GroundAnswer.of(self._reticle.ground(picture, instruction, top_k=top_k, timeout_s=timeout_s), with_map)

    def act(self, task: str, dry_run: bool) -> ActAnswer:
        """Under the mode the server was started with, or a stricter one. Raises what :meth:`Reticle.act` raises."""
        mode: Mode = "dry-run" if dry_run else self._options.mode
        token = StopToken()
        approver = None if self._options.asker == "nobody" else ForProgram(self._asked(token), self._options.who)
        return ActAnswer.of(self._reticle.act(task, approver=approver, mode=mode, token=token))

    def stop(self, trigger: Trigger = "button", message: str = "stopped by a program") -> StopAnswer:
        return StopAnswer(stopped=self._reticle.stop(trigger, message))

    def traces(self, limit: int) -> TraceList:
        return TraceList.of(self._reticle.traces(limit))

    def trace(self, name: str) -> TraceAnswer:
        """Raises BadInput for a name that is none."""
        return TraceAnswer.of(name, self._reticle.trace_folder(name))

    def _asked(self, token: StopToken) -> Approver:
        if self._options.asker == "window":
            return ProcessApprover(token)
        from reticle_app.cli.approver import TerminalApprover

        return TerminalApprover(token)


def picture_bytes(text: str) -> bytes:
    """The bytes of a picture in base64, with or without a ``data:`` prefix. Raises BadInput."""
    head, comma, rest = text.partition(",")
    if comma and not head.startswith("data:image/"):
        raise BadInput("the picture is not base64: it holds a comma")
    try:
        return base64.b64decode("".join((rest if comma else text).split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput(f"the picture is not base64: {error}") from error


def stop_in_background(host: Host, name: str) -> None:
    """For signal handlers, which must not wait for the release of keys."""
    threading.Thread(target=host.stop, args=("signal", f"stopped by {name}"), daemon=True).start()


@contextmanager
def opened_host(
    model: Path | None,
    options: HostOptions,
    *,
    waiting: int = WAITING,
    virtual: bool = False,
    application: str | None = None,
    open_reticle: Callable[[Path | None, int], Reticle] | None = None,
) -> Iterator[Host]:
    """Everything a server needs, closed afterwards: the model's process, and a desktop of its own where asked for.

    Raises BadInput for options that do not go together and ReticleError for a machine that cannot do it.
    """
    if options.asker not in ASKERS:
        raise BadInput(f"--ask is one of {', '.join(ASKERS)}, not {options.asker!r}")
    if options.timeout_s <= 0 or waiting < 0:
        raise BadInput("the time for an answer is more than zero seconds, and no fewer than zero may wait")
    with ExitStack() as stack:
        if virtual:
            from reticle_agent.session import virtual_desktop

            stack.enter_context(virtual_desktop())
        if application is not None:
            from reticle_agent.session import launch

            stack.enter_context(launch(application))
        reticle = stack.enter_context((open_reticle or _open)(model, waiting))
        yield Host(reticle, options)


def _open(model: Path | None, waiting: int) -> Reticle:
    return Reticle.open(model, max_waiting=waiting, max_pixels=MAX_PIXELS)


def note(line: str) -> None:
    """For whoever started the server; stdout belongs to the protocol."""
    sys.stderr.write(f"reticle: {line}\n")
    sys.stderr.flush()
