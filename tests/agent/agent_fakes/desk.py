"""A drawn desktop that is screen, eyes and hand at once, and a person who answers from a list."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from PIL import Image, ImageDraw

from reticle_agent import settle as settling
from reticle_agent.actions import Input
from reticle_agent.displays import Monitor, screen_transform, to_displays
from reticle_agent.screen import picture_sha
from reticle_agent.seams import Approval, ApprovalRequest, Display, Frame
from reticle_grounding.geometry import Rect, Size, Transform
from reticle_grounding.types import Candidate, Grounding

SIZE = Size(400, 300)
SCALE = 2.0
ORIGIN = (100, -50)


class Desk:
    """A desktop of labelled boxes; it is screen, eyes and hand at once, so tests can see what acts do to it."""

    def __init__(self) -> None:
        physical = Rect(ORIGIN[0], ORIGIN[1], ORIGIN[0] + SIZE.width, ORIGIN[1] + SIZE.height)
        self.display = to_displays([Monitor("main", physical, primary=True)], SCALE)[0]
        self.boxes: dict[str, Rect] = {
            "ok": Rect(50, 50, 110, 80),
            "pay": Rect(200, 50, 260, 80),
            "field": Rect(50, 150, 350, 180),
        }
        self.texts: dict[str, str] = {}
        self.read: dict[str, str] = {}
        self.p_true = 0.9
        self.performed: list[Input] = []
        self.on_input: Callable[[Input], None] = lambda action: None
        self.on_capture: Callable[[int], None] = lambda n: None
        self.captures = self.observed = 0

    def displays(self) -> list[Display]:
        return [self.display]

    def capture(self, display_id: str | None = None) -> Frame:
        self.captures += 1
        self.on_capture(self.captures)
        image = self.picture()
        return Frame(image, self.display, screen_transform(self.display, SIZE), time.monotonic(), picture_sha(image))

    def picture(self) -> Image.Image:
        image = Image.new("RGB", (SIZE.width, SIZE.height), (240, 240, 240))
        draw = ImageDraw.Draw(image)
        for name, box in self.boxes.items():
            draw.rectangle(
                (box.left, box.top, box.right - 1, box.bottom - 1), fill=(255, 255, 255), outline=(90, 90, 90)
            )
            draw.text((box.left + 8, box.top + 8), self.texts.get(name, name), fill=(0, 0, 0))
        return image

    # eyes
    name = "drawn-1"

    def observe(self, image: Image.Image) -> Eyes:
        self.observed += 1
        return Eyes(self, dict(self.boxes))

    # hand
    def perform(self, action: Input) -> None:
        self.performed.append(action)
        self.on_input(action)

    def close(self) -> None:
        """Nothing is held."""


class Eyes:
    """Finds boxes by their name in the instruction; all others become lower candidates."""

    def __init__(self, desk: Desk, boxes: dict[str, Rect]) -> None:
        self.desk, self.boxes = desk, boxes

    def ground(self, instruction: str, top_k: int = 5) -> Grounding:
        order = sorted(self.boxes, key=lambda name: name not in instruction)
        found = bool(order) and order[0] in instruction
        return Grounding(
            instruction=instruction,
            image_size=SIZE,
            candidates=tuple(self._candidate(i, name) for i, name in enumerate(order[:top_k])),
            found=found,
            threshold=0.5,
            attention=np.full((4, 5), 0.05, dtype=np.float32),
            transform=Transform.for_image(SIZE, Size(140, 112), 28),
            timings_ms={"total": 1.0},
            model="drawn-1",
        )

    def _candidate(self, index: int, name: str) -> Candidate:
        box = self.boxes[name]
        return Candidate(
            index + 1, box.center, box, self.desk.p_true, 0.5, 0.1, "attention", self.desk.read.get(name, name)
        )


class Person:
    """Answers from a list; then refuses."""

    def __init__(self, *decisions: Approval | str, answers: Sequence[str | None] = ()) -> None:
        self.decisions, self.answers = list(decisions), list(answers)
        self.requests: list[ApprovalRequest] = []
        self.questions: list[str] = []

    def decide(self, request: ApprovalRequest) -> Approval:
        self.requests.append(request)
        answer = self.decisions.pop(0) if self.decisions else "deny"
        return Approval(answer, "user") if isinstance(answer, str) else answer  # type: ignore[arg-type]

    def answer(self, question: str) -> str | None:
        self.questions.append(question)
        return self.answers.pop(0) if self.answers else None


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A drawn desktop answers at once, so nothing needs to be waited for."""
    monkeypatch.setattr(settling, "LOOK_S", 0.002)
    monkeypatch.setattr(settling, "RESPOND_S", 0.03)
    monkeypatch.setattr(settling, "SETTLE_S", 0.2)
    monkeypatch.setattr("reticle_agent.locate.RETRY_S", 0.01)
