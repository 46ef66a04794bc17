"""What runs planned by a model share, however it is asked: the desktop, the trace, how a run is carried out."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent_fakes.desk import Desk, Person

from reticle_agent.loop import RunResult, run_task
from reticle_agent.safety import Mode, Policy
from reticle_agent.seams import Planner, StepOutcome
from reticle_agent.stop import StopToken
from reticle_agent.trace import TraceWriter, verify
from reticle_grounding.geometry import Rect


@dataclass(frozen=True)
class Text:
    """A text that was read."""

    text: str
    rect: Rect


class PlannedRun:
    """One run over a drawn desktop; the trace is read back."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "trace"
        self.desk, self.token = Desk(), StopToken()
        self.screen_text: list[str] = ["ok", "pay", "field"]

    def seen(self, image: object) -> list[Text]:
        """What a reader finds on the desktop."""
        return [Text(t, self.desk.boxes.get(t, Rect(0, 200, 9, 209))) for t in self.screen_text]

    def carried_out(
        self,
        task: str,
        secrets: Sequence[str],
        planner: Callable[[TraceWriter], Planner],
        person: Person | None,
        mode: Mode,
        limits: dict[str, Any] | None,
        past: tuple[StepOutcome, ...] = (),
    ) -> RunResult:
        """``planner`` is made with the trace of the run, which must be whole at the end."""
        with TraceWriter.create(self.folder, task=task, displays=[self.desk.display], secrets=secrets) as trace:
            result = run_task(
                task,
                planner=planner(trace),
                screen=self.desk,
                grounder=self.desk,
                approver=person,
                actuator=self.desk,
                trace=trace,
                policy=Policy(mode, **{"max_misses": 2, **(limits or {})}),
                token=self.token,
                past=past,
            )
        assert verify(self.folder) == []
        return result

    def notes(self, about: str) -> list[dict[str, Any]]:
        lines = (self.folder / "events.jsonl").read_text().splitlines()
        return [event for event in map(json.loads, lines) if event.get("about") == about]
