"""Writes a demonstrated step as the loop writes one of its own, with words proposed for its place.

A thread of its own reads text where programs tell nothing, so that watching goes on meanwhile.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image

from reticle_agent.actions import Click, Drag, Finish, Hotkey, Pixel, Scroll, Step, TypeText
from reticle_agent.effects import expectation, judge
from reticle_agent.locate import capture_point
from reticle_agent.seams import Frame
from reticle_agent.trace import TraceWriter
from reticle_agent.trace.fields import act_fields, act_point, effect_fields, observe_fields, to_norm
from reticle_agent.trace.redact import Secret
from reticle_grounding.errors import ReticleError
from reticle_grounding.geometry import Point, Rect, Size, Space
from reticle_grounding.ocr import TextBox

from .gestures import Clicked, Dragged, Gesture, Pressed, Scrolled, Typed
from .under import Shown
from .words import labelled_by, proposed, read_at, short

UNNAMED = "(unnamed place)"
SOURCE = "demonstration"
"""Stands where a recorded grounding names its model."""
AROUND_PX = (260.0, 90.0)
"""So much of the picture around a point is read (half width, half height), capture pixels."""
SIDE_PX = 8.0
ReadText = Callable[[Image.Image, Rect], Sequence[TextBox]]
"""The text in a part of a picture, in the picture's own pixels."""


@dataclass(frozen=True, slots=True)
class Done:
    """A finished gesture."""

    gesture: Gesture[Shown]
    secret: bool
    """Of typed text only the length is written."""
    after: Frame
    masks: tuple[Rect, ...]
    """Parts of ``after`` that are never written (capture pixels)."""
    stable: bool


@dataclass(frozen=True, slots=True)
class Place:
    """Where an input went and what that place is called."""

    point: Point
    """Capture pixels."""
    words: str | None
    region: Rect | None
    """Capture pixels."""
    text: str | None
    origin: str


class StepWriter:
    """Takes gestures and writes steps in their order. Use from one thread; :meth:`close` waits until all is written.

    ``read`` is asked for words where no program tells any; without it such places stay unnamed.
    """

    def __init__(self, trace: TraceWriter, read: ReadText | None) -> None:
        self._trace, self._read = trace, read
        self._step = 0
        self.unnamed = 0
        self._problem: ReticleError | None = None
        self._queue: queue.Queue[Done | None] = queue.Queue()
        self._thread = threading.Thread(target=self._write_all, name="demonstration-writer", daemon=True)
        self._thread.start()

    def put(self, done: Done) -> None:
        """Raises ReticleError when an earlier step could not be written."""
        self._check()
        self._queue.put(done)

    def close(self, success: bool) -> None:
        """Waits for the steps that are left and writes the end. Raises ReticleError as :meth:`put` does."""
        self._queue.put(None)
        self._thread.join()
        self._check()
        self._trace.event("act", step=self._step, **act_fields(Finish(success)), delivered="sent")

    def _check(self) -> None:
        if self._problem is not None:
            raise self._problem

    def _write_all(self) -> None:
        while (done := self._queue.get()) is not None:
            if self._problem is not None:
                continue
            try:
                self._write(done)
            except ReticleError as problem:
                self._problem = problem

    def _write(self, done: Done) -> None:
        gesture, number = done.gesture, self._step
        frame = gesture.seen.frame
        places = [self._place(gesture.seen, pixel) for pixel in _pixels(gesture)]
        self.unnamed += sum(place.words is None for place in places)
        step = _step(gesture, [place.words or UNNAMED for place in places], done.secret)
        about = next((place.words for place in places if place.words), None)
        self._trace.event("plan", step=number, subgoal=type(step).__name__, instruction=about)
        path = self._trace.frame(frame.image, gesture.seen.masks)
        self._trace.event("observe", step=number, **observe_fields(frame, path), stable=True)
        self._human(done, step, places, number)
        for place in places:
            self._chosen(place, frame, path, number)
        points = [act_point(frame, None, place.point) for place in places]
        named = dict(zip(("point", "end_point"), points, strict=False))
        self._trace.event("act", step=number, **act_fields(step), **named, delivered="sent")
        after = self._trace.frame(done.after.image, done.masks)
        judged = judge(frame, done.after, [place.region or _around(place.point) for place in places])
        self._trace.event(
            "check",
            step=number,
            expect=expectation(step),
            frame_after=after,
            stable=done.stable,
            ms=max(0.0, done.after.monotonic_s * 1000 - gesture.end_ms),
            **effect_fields(judged.effect, judged.method, judged.change, Size(*done.after.image.size)),
        )
        self._step += 1

    def _human(self, done: Done, step: Step, places: Sequence[Place], number: int) -> None:
        gesture = done.gesture
        fields: dict[str, object] = {"took_ms": gesture.end_ms - gesture.ms}
        if isinstance(gesture, Typed):
            text: object = Secret(gesture.text) if done.secret else gesture.text
            self._trace.event("human", step=number, event="text_group", text=text, **fields)
            return
        kinds = {Clicked: "mouse.click", Dragged: "mouse.drag", Scrolled: "mouse.scroll", Pressed: "key.press"}
        if places:
            fields["point"] = act_point(gesture.seen.frame, None, places[0].point)
        self._trace.event("human", step=number, event=kinds[type(gesture)], **fields)

    def _chosen(self, place: Place, frame: Frame, path: str, number: int) -> None:
        """A known element is recorded as the one candidate, chosen by the person; else the point alone."""
        norm = to_norm(Size(*frame.image.size))
        at = norm.point(place.point)
        point = [min(1.0, max(0.0, at.x)), min(1.0, max(0.0, at.y))]
        if place.region is None or place.words is None:
            self._trace.event("choose", step=number, by="nudge", point_norm=point)
            return
        region = [min(1.0, max(0.0, side)) for side in norm.rect(place.region).as_tuple()]
        candidate = {
            "rank": 1,
            "id": "c1",
            "point_norm": point,
            "region_norm": region,
            "origin": place.origin,
            "text": place.text,
        }
        self._trace.event(
            "ground", step=number, instruction=place.words, frame=path, candidates=[candidate], found=True, model=SOURCE
        )
        self._trace.event("choose", step=number, by="user", candidate_id="c1", rejected_ids=[])

    def _place(self, seen: Shown, pixel: Pixel) -> Place:
        point = capture_point(seen.frame, pixel)
        to_capture = seen.frame.transform.affine(Space.PHYSICAL, Space.CAPTURE)
        element = seen.at(pixel)
        if element is not None:
            words = proposed(element.role, element.name, element.label, element.description)
            region = to_capture.rect(element.box).intersection(Rect(0, 0, *seen.frame.image.size))
            if words is None and region is not None and not element.secret:
                words = self._read_words(seen, point)
            return Place(point, words, region, element.name or None, "element")
        if self._read is None or any(mask.contains(point) for mask in seen.masks):
            return Place(point, None, None, None, "text")
        texts = self._texts(seen, point)
        text = read_at(point, texts)
        if text is not None:
            return Place(point, short(text.text) or None, text.rect, text.text, "text")
        label = labelled_by(point, texts)
        return Place(point, f"the field beside {short(label.text)}" if label else None, None, None, "text")

    def _read_words(self, seen: Shown, point: Point) -> str | None:
        texts = self._texts(seen, point)
        text = read_at(point, texts) or labelled_by(point, texts)
        return short(text.text) or None if text else None

    def _texts(self, seen: Shown, point: Point) -> Sequence[TextBox]:
        if self._read is None:
            return ()
        half_width, half_height = AROUND_PX
        around = Rect(point.x - half_width, point.y - half_height, point.x + half_width, point.y + half_height)
        part = around.intersection(Rect(0, 0, *seen.frame.image.size))
        return () if part is None else self._read(seen.frame.image, part)


def _around(point: Point) -> Rect:
    return Rect(point.x - SIDE_PX, point.y - SIDE_PX, point.x + SIDE_PX, point.y + SIDE_PX)


def _pixels(gesture: Gesture[Shown]) -> list[Pixel]:
    if isinstance(gesture, Dragged):
        return [gesture.at, gesture.to]
    return [gesture.at] if isinstance(gesture, Clicked | Scrolled) else []


def _step(gesture: Gesture[Shown], words: Sequence[str], secret: bool) -> Step:
    if isinstance(gesture, Clicked):
        return Click(words[0], gesture.button, gesture.count)
    if isinstance(gesture, Dragged):
        return Drag(words[0], words[1])
    if isinstance(gesture, Scrolled):
        return Scroll(gesture.direction, min(100, gesture.amount), words[0])
    if isinstance(gesture, Typed):
        return TypeText(gesture.text[:10_000], None, secret=secret)
    return Hotkey(gesture.keys[:5])
