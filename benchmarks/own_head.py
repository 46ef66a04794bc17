"""Records runs on captured screens, so that what `reticle train head` makes of a person's own runs can be measured.

    python benchmarks/own_head.py FOLDER [FOLDER...] --out TRACES [--texts KEPT] [--steps N]
    reticle train head --from-traces TRACES

The screens are those of the applications kept for validation (`FOLDER/screens.jsonl`), which no part of the model was
trained or fitted on; asked for are the instructions that were written for them. The run is the real one, from grounding
to the check after each click. Screen and person are played: a click frames the control it hits, and the person, who
knows the boxes, allows what is right, picks another candidate where the first is wrong, and else points out the place.
What was not wrong becomes a label because its effect was confirmed, the rest because the person chose it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from reticle_agent import settle as settling
from reticle_agent.actions import Click, ClickAt, Finish, Input, Step
from reticle_agent.displays import Monitor, screen_transform, to_displays
from reticle_agent.loop import run_task
from reticle_agent.safety import Policy
from reticle_agent.screen import picture_sha
from reticle_agent.seams import Approval, ApprovalRequest, Display, Frame, StepOutcome
from reticle_agent.stop import StopToken
from reticle_agent.trace import ModelFacts, TraceWriter
from reticle_grounding.fitting import KeptReader
from reticle_grounding.geometry import Point, Rect, Size
from reticle_grounding.images import load_image
from reticle_grounding.predictor import Grounder
from reticle_grounding.training.fitting_targets import FittingScreen, screens_of
from reticle_grounding.training.harvested import harvested_rows
from reticle_grounding.training.instructions import Target


class Played:
    """One captured screen as display, hand, plan and person of a run."""

    def __init__(self, screen: FittingScreen, targets: Sequence[Target]) -> None:
        self._plain = load_image(screen.image)
        self._shown = self._plain
        self._size = Size(*self._plain.size)
        physical = Rect(0, 0, self._size.width, self._size.height)
        self._display = to_displays([Monitor("main", physical, primary=True)], 1.0)[0]
        self._boxes = [Rect(*map(float, element.box)) for element in screen.elements]
        self._targets = {t.instruction: Rect(*map(float, t.bbox)) for t in targets if t.bbox}
        self.asked = 0

    def displays(self) -> list[Display]:
        return [self._display]

    def capture(self, display_id: str | None = None) -> Frame:
        image = self._shown
        return Frame(
            image, self._display, screen_transform(self._display, self._size), time.monotonic(), picture_sha(image)
        )

    def perform(self, action: Input) -> None:
        """The smallest control at the pixel gets a frame, as a pressed one would look."""
        assert isinstance(action, ClickAt)
        at = Point(action.at[0] + 0.5, action.at[1] + 0.5)
        hit = min((box for box in self._boxes if box.contains(at)), key=lambda box: box.area, default=None)
        if hit is not None:
            image: Image.Image = self._plain.copy()
            ImageDraw.Draw(image).rectangle((hit.left, hit.top, hit.right - 1, hit.bottom - 1), fill=(255, 200, 0))
            self._shown = image

    def close(self) -> None:
        """Nothing is held."""

    def next(self, task: str, past: Sequence[StepOutcome]) -> Step:
        self._shown = self._plain
        if len(past) == len(self._targets):
            return Finish(True, "")
        return Click(target=list(self._targets)[len(past)])

    def decide(self, request: ApprovalRequest) -> Approval:
        assert request.grounding is not None
        assert request.chosen is not None
        box = self._targets[request.grounding.instruction]
        right = [i for i, c in enumerate(request.grounding.candidates) if box.contains(c.point)]
        if request.chosen in right:
            return Approval("allow", "user")
        self.asked += 1
        if right:
            return Approval("allow", "user", chosen=right[0])
        return Approval("allow", "user", point=box.center)

    def answer(self, question: str) -> str | None:
        return None


def record(screen: FittingScreen, grounder: Grounder, folder: Path, steps: int) -> tuple[int, int]:
    """Runs the instructions written for one screen; returns how many, and how many the person had to put right."""
    targets = list({t.instruction: t for t in screen.spoken}.values())[:steps]
    played = Played(screen, targets)
    token = StopToken()
    task = f"{screen.app} {screen.image.stem}: " + ", then ".join(t.instruction for t in targets)
    with TraceWriter.create(folder, task=task, models=[ModelFacts("grounder", grounder.name)]) as trace:
        run_task(
            task,
            planner=played,
            screen=played,
            grounder=grounder,
            approver=played,
            actuator=played,
            trace=trace,
            policy=Policy("confirm", max_steps=100, max_seconds=3600.0, max_misses=100),
            token=token,
        )
    return len(targets), played.asked


def main() -> int:
    """Records one run for each screen that has instructions; prints one line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("screens", type=Path, nargs="+", help="folders of captured screens")
    parser.add_argument("--out", type=Path, required=True, help="folder for the traces")
    parser.add_argument("--texts", type=Path, default=None, help="folder that keeps what is read on each screen")
    parser.add_argument("--steps", type=int, default=8, help="instructions per screen at most")
    chosen = parser.parse_args()
    settling.LOOK_S, settling.RESPOND_S = 0.005, 0.1  # what is played answers at once
    grounder = Grounder.open()
    if chosen.texts is not None:
        grounder.reader = KeptReader(grounder.reader, chosen.texts)
    for folder in chosen.screens:
        for screen in screens_of(folder, harvested_rows(folder)[1]):
            if not screen.spoken:
                continue
            name = f"{folder.name}-{screen.image.stem}"
            done, asked = record(screen, grounder, chosen.out / name, chosen.steps)
            sys.stdout.write(f"{name} {screen.app}: {done} steps, {asked} put right\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
