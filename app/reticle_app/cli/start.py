"""What `reticle` and `make run` begin with: the app, or without a display the sample task on a virtual one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from reticle_app.config import load_settings
from reticle_app.models.choice import chosen_model
from reticle_app.own_heads import head_file, with_head
from reticle_grounding.errors import BadInput

from .output import say

SAMPLE_APP = "mousepad"
SAMPLE_TASK = (
    "open the Search menu, then click 'Find and Replace...', type 'reticle' into the search field, then press Escape"
)


def has_display() -> bool:
    """Whether a window could be shown; headless Qt platforms count as asked for. Qt would abort at a dead display."""
    if sys.platform != "linux" or os.environ.get("QT_QPA_PLATFORM", "") in {"offscreen", "minimal"}:
        return True
    if os.environ.get("WAYLAND_DISPLAY"):
        return True
    from reticle_agent.session import display_problem

    return display_problem() is None


def open_app() -> int:
    """Opens the window and returns its exit code. Raises BadInput without a display."""
    if not has_display():
        where = f"the display {os.environ['DISPLAY']} does not answer" if os.environ.get("DISPLAY") else "no display"
        raise BadInput(f"{where}, so no window can open; log in to a desktop, or try `reticle start` for a virtual one")
    from reticle_app.gui import main

    return main()


def start_or_demonstrate() -> int:
    return open_app() if has_display() else demonstrate()


def demonstrate() -> int:
    """Does the sample task on a virtual display and says where the evidence lies."""
    from reticle_agent.session import virtual_desktop
    from reticle_agent.stop import StopToken
    from reticle_agent.trace import write_report
    from reticle_app.pictures import write_pictures
    from reticle_app.task import StoppableGrounder, TaskOptions, run_on_desktop
    from reticle_grounding.predictor import Grounder

    settings = load_settings()
    say("no display to use here: doing the sample task on a virtual one")
    say(f"  application: {SAMPLE_APP}")
    say(f"  task: {SAMPLE_TASK}")
    options = TaskOptions.of(settings, SAMPLE_TASK, "auto")
    token, folder, own = StopToken(), chosen_model(None, settings), head_file(None, settings)

    def open_model() -> StoppableGrounder:
        return StoppableGrounder(with_head(Grounder.open(folder), own), token)

    with virtual_desktop():
        result = run_on_desktop(options, None, open_model, application=SAMPLE_APP, token=token, tell=say)
    say(f"{result.status} after {result.steps} steps in {result.seconds:.1f} s {result.message}".rstrip())
    pictures = write_pictures(result.trace, result.trace / "pictures")
    say(f"trace:    {result.trace}")
    say(f"pictures: {_listing(pictures)}")
    say(f"report:   {write_report(result.trace, result.trace / 'report.html')}")
    return 0 if result.status == "done" else 1


def _listing(pictures: list[Path]) -> str:
    return f"{pictures[0].parent} ({len(pictures)})" if pictures else "none"
