"""The body of a run started in the window: the same run as the command line's, looked on by the window."""

from __future__ import annotations

from collections.abc import Callable

from reticle_agent.screen import ScreenCapture
from reticle_agent.seams import Approval, Screen
from reticle_agent.stop import StopToken

from .config import Settings
from .overlay import Desk
from .remote import RemoteGrounder
from .runner import Body, Hooks, RunEnd, RunOrder
from .task import TaskOptions, run_on_desktop


def desktop_screen(desk: Desk) -> Screen:
    """Captures for the window; raises DisplayError when there is nothing to capture."""
    return ScreenCapture(hide_own=desk.hidden_for_capture)


def desktop_body(settings: Callable[[], Settings], grounder: RemoteGrounder) -> Body:
    """Runs orders on the real desktop with the window's model process, each under the settings of its beginning."""

    def body(order: RunOrder, hooks: Hooks) -> RunEnd:
        options = TaskOptions.of(settings(), order.task, order.mode)
        token = StopToken()
        hooks.on_stop(grounder.cancel)

        def let_go() -> tuple[str, ...]:
            """The stop key and the corners, too, end the waiting for the model and for the person."""
            grounder.cancel()
            hooks.approver.reply(Approval(decision="stop", source="user"))
            return ()

        token.on_stop(let_go)
        result = run_on_desktop(options, hooks.approver, lambda: grounder, watcher=hooks, token=token)
        return RunEnd(result.status, result.message, result.trace)

    return body
