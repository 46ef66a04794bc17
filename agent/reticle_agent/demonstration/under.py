"""What lies under the pointer and what has the keyboard, as far as programs tell over accessibility."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reticle_agent.actions import Pixel
from reticle_agent.effects import change_between
from reticle_agent.harvest.bus import AccessibilityBus, Call, Ref
from reticle_agent.harvest.desktop import Desktop, is_called, look
from reticle_agent.harvest.details import is_secret, labels_and_values
from reticle_agent.harvest.elements import visible_elements
from reticle_agent.harvest.roles import HIDDEN_TEXT
from reticle_agent.harvest.tree import ACCESSIBLE, Node, Program, programs, read_tree
from reticle_agent.seams import Frame
from reticle_agent.windows import OwnWindows
from reticle_agent.x11 import X11
from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Rect, Space

FOCUSED = 12
EDGE_PX = 6.0
"""A focus ring or shadow reaches so far beyond its control."""
PLAIN = frozenset(
    {"text", "entry", "editbar", "combo box", "spin button", "autocomplete", "document text", "paragraph", "table cell"}
)
"""Roles whose text may be kept. What a terminal is given may be a password at a prompt, so it is not among them."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element as its program tells of it."""

    role: str
    name: str
    label: str
    description: str
    box: Rect
    """Physical desktop pixels."""

    @property
    def secret(self) -> bool:
        return is_secret(self.role, self.name, self.label, self.description)


@dataclass(frozen=True, slots=True)
class Focus:
    """What has the keyboard."""

    ref: Ref
    plain: bool
    """Known to be a field whose text may be kept."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture and what was known of it at that moment."""

    frame: Frame
    elements: tuple[Element, ...]
    masks: tuple[Rect, ...]
    """Capture pixels that are never written: password fields, excluded programs."""
    windows: tuple[tuple[int, Rect], ...] = ()
    """Windows of the desktop and where they lay."""

    def holds(self, pixel: Pixel) -> bool:
        """Whether a physical pixel lies on the display in the picture."""
        area, (x, y) = self.frame.display.physical, pixel
        return area.left <= x < area.right and area.top <= y < area.bottom

    def at(self, pixel: Pixel) -> Element | None:
        """The smallest element around a physical pixel."""
        x, y = pixel
        around = [e for e in self.elements if e.box.left <= x < e.box.right and e.box.top <= y < e.box.bottom]
        return min(around, key=lambda e: e.box.area, default=None)


class Accessible:
    """Asks the desktop. Without an accessibility bus it knows the windows alone; ``told`` says why."""

    def __init__(self, x11: X11, own: OwnWindows, exclude: Sequence[str] = ()) -> None:
        self._x, self._own, self._exclude = x11, own, tuple(exclude)
        self.told = ""
        self._bus: AccessibilityBus | None = None
        try:
            self._bus = AccessibilityBus()
        except BadInput as problem:
            self.told = str(problem)

    def close(self) -> None:
        if self._bus is not None:
            self._bus.close()

    def shown(self, frame: Frame) -> Shown:
        """The elements of the active program on a picture taken just now."""
        desktop = look(self._x)
        hidden = [w.rect for w in desktop.windows if self._excluded(w.names)]
        elements = self._elements(desktop, frame)
        secret = [element.box for element in elements if element.role == HIDDEN_TEXT]
        to_capture = frame.transform.affine(Space.PHYSICAL, Space.CAPTURE)
        whole = Rect(0, 0, *frame.image.size)
        masks = [part for box in (*hidden, *secret) if (part := to_capture.rect(box).intersection(whole)) is not None]
        return Shown(frame, tuple(elements), tuple(masks), _windows(desktop))

    def carried(self, last: Shown, frame: Frame) -> Shown:
        """A picture that does not stand still yet, with those elements of the one before that are surely still there.

        Those are elements that did not change, or changed within themselves as a button under the pointer does, as long
        as no window came, went or moved. The masks stay until it is known what is shown.
        """
        windows = _windows(look(self._x))
        same = windows == last.windows and frame.display.id == last.frame.display.id
        if not same or frame.image.size != last.frame.image.size:
            return Shown(frame, (), last.masks, windows)
        to_physical = frame.transform.affine(Space.CAPTURE, Space.PHYSICAL)
        changed = [to_physical.rect(region) for region in change_between(last.frame, frame).regions]
        kept = [e for e in last.elements if all(_apart(e.box, part) or _inside(part, e.box) for part in changed)]
        return Shown(frame, tuple(kept), last.masks, windows)

    def ours(self, pixel: Pixel) -> bool:
        """Whether a pixel shows a window of ours, the terminal we were started from, or an excluded program."""
        x, y = pixel
        if self._own.at(x, y):
            return True
        top = [w for w in look(self._x).windows if w.rect.left <= x < w.rect.right and w.rect.top <= y < w.rect.bottom]
        return bool(top) and self._excluded(top[-1].names)

    def keyboard_is_ours(self) -> bool:
        """The same for what has the keyboard."""
        if self._own.focused():
            return True
        return any(w.active and self._excluded(w.names) for w in look(self._x).windows)

    def focus(self) -> Focus | None:
        """What has the keyboard; None where the program does not tell."""
        if self._bus is None:
            return None
        with contextlib.suppress(BadInput):
            for program in self._active_programs(look(self._x)):
                nodes = read_tree(self._bus, program)
                focused = [node for node in nodes if node.states >> FOCUSED & 1]
                if focused:
                    return self._focus(focused[-1])
        return None

    def still(self, focus: Focus) -> bool:
        """Whether the same object has it now."""
        if self._bus is None:
            return False
        try:
            states = self._bus.call(Call(focus.ref, ACCESSIBLE, "GetState"))
        except BadInput:
            return False
        words = states[0] if states else []
        return bool(sum(int(word) << 32 * i for i, word in enumerate(words)) >> FOCUSED & 1)

    def _focus(self, node: Node) -> Focus:
        assert self._bus is not None
        [(label, _)] = labels_and_values(self._bus, [node])
        return Focus(node.ref, node.role in PLAIN and not is_secret(node.role, node.name, node.description, label))

    def _elements(self, desktop: Desktop, frame: Frame) -> list[Element]:
        if self._bus is None:
            return []
        left, top, right, bottom = (round(v) for v in frame.display.physical.as_tuple())
        pixels = np.zeros((desktop.size[1], desktop.size[0], 3), dtype=np.uint8)
        picture = np.asarray(frame.image)
        if picture.shape[:2] != (bottom - top, right - left):
            return []  # a turned or scaled capture; the words are then read from the picture
        pixels[top:bottom, left:right] = picture
        elements: list[Element] = []
        with contextlib.suppress(BadInput):
            for program in self._active_programs(desktop):
                found = visible_elements(desktop, pixels, program, read_tree(self._bus, program))
                labels = labels_and_values(self._bus, [one.node for one in found])
                for one, (label, _) in zip(found, labels, strict=True):
                    node = one.node
                    box = Rect(*map(float, one.box))
                    elements.append(Element(node.role, node.name.strip(), label, node.description.strip(), box))
        return elements

    def _active_programs(self, desktop: Desktop) -> list[Program]:
        """Programs of the active window, else of the topmost one that is no panel; excluded ones are not asked."""
        assert self._bus is not None
        shown = [w for w in desktop.windows if not w.furniture and not self._own.owns(w.client or w.id)]
        active = [w for w in shown if w.active] or shown[-1:]
        pids = {w.pid for w in active if not self._excluded(w.names)}
        return [program for program in programs(self._bus) if program.pid in pids]

    def _excluded(self, names: Sequence[str]) -> bool:
        return any(is_called(name, names) for name in self._exclude)


def _windows(desktop: Desktop) -> tuple[tuple[int, Rect], ...]:
    return tuple((window.id, window.rect) for window in desktop.windows)


def _apart(box: Rect, part: Rect) -> bool:
    return box.intersection(part) is None


def _inside(part: Rect, box: Rect) -> bool:
    grown = box.grown(EDGE_PX)
    return (
        grown.left <= part.left and grown.top <= part.top and part.right <= grown.right and part.bottom <= grown.bottom
    )
