"""Runs that end early, and runs that cannot begin: what is recorded and what is said."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Row, Stage

BEFORE = "type 'before', wait 60 seconds, then type 'after'"


def is_outcome_of_first_step(event: Row) -> bool:
    return event.get("kind", event.get("type")) == "action.end" and event.get("step") in (0, 1)


def start_long_run(stage: Stage):  # type: ignore[no-untyped-def]
    process = stage.start("run", BEFORE, "--app", "mousepad", "--auto", "--trace", str(stage.trace), "--json")
    stage.wait_for_event(process, is_outcome_of_first_step)
    return process
