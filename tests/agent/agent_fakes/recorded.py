"""A recorded run with everything an export has to tell apart: who vouched for what, and secrets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from reticle_agent.actions import Click, Drag, Finish, Hotkey, Scroll, Step, TypeText, Wait
from reticle_agent.seams import Display, Frame
from reticle_agent.trace import (
    ModelFacts,
    PolicyFacts,
    TraceWriter,
    act_fields,
    act_point,
    choose_fields,
    ground_fields,
    observe_fields,
    verify_fields,
)
from reticle_grounding.geometry import Affine, Point, Rect, Size, Space, Transform
from reticle_grounding.types import Candidate, Grounding

SIZE = Size(1200, 675)
DISPLAY = Display("right", Rect(-800, 0, 0, 450), Rect(-1200, 0, 0, 675), 1.5, primary=True)
TASK = "find it, sign in and save"
SECRET = 'tr0ub4dor "&3"'
COLOUR = (247, 247, 244)

MENU, OVERLAPPING, ELSEWHERE = Rect(300, 30, 420, 60), Rect(400, 40, 500, 70), Rect(30, 600, 90, 630)
FIELD, WRONG, FILE, BIN = (
    Rect(200, 200, 600, 240),
    Rect(900, 300, 960, 330),
    Rect(100, 400, 160, 460),
    Rect(1000, 600, 1060, 660),
)
"""Regions on the capture, pixels."""


def picture(seed: int) -> Image.Image:
    """A screen with a window; the seed moves a clock so that no two are alike."""
    image = Image.new("RGB", (SIZE.width, SIZE.height), COLOUR)
    draw = ImageDraw.Draw(image)
    for region in (MENU, OVERLAPPING, ELSEWHERE, FIELD, WRONG, FILE, BIN):
        draw.rectangle((region.left, region.top, region.right - 1, region.bottom - 1), fill=(225, 228, 232))
    draw.rectangle((1150, 2, 1151 + seed, 12), fill=(0, 0, 0))
    return image


def frame(seed: int) -> Frame:
    links = (
        Affine.mapping(DISPLAY.logical, DISPLAY.physical),
        Affine.mapping(DISPLAY.physical, Rect.of_size(SIZE)),
    )
    chain = Transform((Space.LOGICAL, Space.PHYSICAL, Space.CAPTURE), links)
    return Frame(picture(seed), DISPLAY, chain, 0.0, "0" * 16)


def grounding(words: str, regions: Sequence[Rect], text: str | None = None) -> Grounding:
    attention = np.full((24, 43), 1 / (24 * 43), dtype=np.float32)
    candidates = tuple(
        Candidate(rank, region.center, region, 1 / rank, 0.1, 0.1, "attention", text)
        for rank, region in enumerate(regions, 1)
    )
    chain = Transform.for_image(SIZE, Size(1204, 672), 28)
    return Grounding(words, SIZE, candidates, True, 0.5, attention, chain, {"prefill": 80.0}, "small")


class Recorder:
    """Writes steps as the loop writes them."""

    def __init__(self, trace: TraceWriter) -> None:
        self.trace = trace
        self.number = 0
        self.seed = 0

    def look(
        self, words: str, regions: Sequence[Rect], chosen: int, by: str, text: str | None = None
    ) -> dict[str, object]:
        """One grounding with its choice; returns the point an input there has."""
        now, found = frame(self.seed), grounding(words, regions, text)
        path = self.trace.frame(now.image)
        self.trace.event("observe", step=self.number, **observe_fields(now, path), stable=True, wait_ms=4)
        self.trace.event("ground", step=self.number, **ground_fields(found, path, self.trace.map(found)))
        self.trace.event("verify", step=self.number, **verify_fields(found))
        self.trace.event("choose", step=self.number, **choose_fields(found, 0, "verifier"))
        self.trace.event("gate", step=self.number, decision="allow", source="user", latency_ms=5)
        if by != "verifier":
            self.trace.event("choose", step=self.number, **choose_fields(found, chosen, by))  # type: ignore[arg-type]
        return act_point(now, found, Point(regions[chosen].center.x, regions[chosen].center.y))

    def blind(self) -> None:
        now = frame(self.seed)
        self.trace.event("observe", step=self.number, **observe_fields(now, self.trace.frame(now.image)))

    def act(self, step: Step, effect: str | None, delivered: str = "sent", **places: object) -> None:
        self.trace.event("act", step=self.number, **act_fields(step), **places, delivered=delivered, ms=3)
        self.seed += 1
        if effect is not None:
            after = self.trace.frame(picture(self.seed))
            self.trace.event("check", step=self.number, effect=effect, frame_after=after, method="pixels")
        self.number += 1


def recorded(folder: Path) -> Path:
    """Nine steps: 0 chosen by the person, 1, 2, 4, 5, 6 confirmed, 3 done but not confirmed, 7 a wait, 8 the end."""
    with TraceWriter.create(
        folder,
        task=TASK,
        models=[ModelFacts("grounder", "small", device="cpu")],
        displays=[DISPLAY],
        policy=PolicyFacts("confirm"),
        app_version="0.1.0",
        secrets=[SECRET],
    ) as trace:
        trace.event("task", text=TASK, from_="user")
        run = Recorder(trace)
        trace.event("plan", step=0, instruction="the Search menu", thought="The menu is at the top.", subgoal="Click")
        point = run.look("the Search menu", [OVERLAPPING, MENU, ELSEWHERE], 1, "user", "Search")
        run.act(Click("the Search menu"), "no_change", point=point)
        point = run.look("the name field", [FIELD], 0, "verifier")
        run.act(TypeText('it\'s "fine"\nor not', "the name field"), "confirmed", point=point)
        run.blind()
        run.act(TypeText(SECRET, None, secret=True), "confirmed")
        point = run.look("the wrong place", [WRONG], 0, "verifier")
        run.act(Click("the wrong place", count=2), "changed_other", point=point)
        start = run.look("the file", [FILE], 0, "verifier")
        end = run.look("the bin", [BIN], 0, "verifier")
        run.act(Drag("the file", "the bin"), "confirmed", point=start, end_point=end)
        run.blind()
        run.act(Hotkey(("ctrl", "s")), "confirmed")
        point = run.look("the list", [FIELD], 0, "verifier")
        run.act(Scroll("down", 3, "the list"), "confirmed", point=point)
        run.act(Wait(2.0), None)
        run.act(Finish(True, "saved"), None)
        trace.finish("done")
    return folder


def unvouched(folder: Path) -> Path:
    """One click that nobody chose and no effect confirmed."""
    with TraceWriter.create(folder, task="click it", displays=[DISPLAY]) as trace:
        run = Recorder(trace)
        point = run.look("it", [MENU, ELSEWHERE], 0, "verifier")
        run.act(Click("it"), "unverifiable", point=point)
        trace.finish("done")
    return folder
