"""Pictures of a run as a film shows them: the frame, the chosen region, the pointer, and what was done in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from reticle_agent.trace.show import printable
from reticle_grounding.geometry import Affine, Point, Rect, Size

from .record import Run, StepRecord
from .targets import Target

BEFORE_S, AFTER_S, LAST_S = 1.6, 0.9, 2.0
CHOSEN = (214, 28, 78)
LIGHT = (255, 255, 255)
INK = (28, 30, 36)
PAPER = (20, 22, 27)
BAR = 30
"""Height of the line of words below the picture, pixels of the film."""
_ARROW = ((0, 0), (0, 17), (4, 13.2), (6.6, 19.4), (9.4, 18.2), (6.8, 12.2), (12, 12))
"""The pointer, its tip at the origin, pixels of the film."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One picture of the film and how long it stays."""

    image: Image.Image
    seconds: float


@dataclass(frozen=True, slots=True)
class Stage:
    """Size of the film and how a capture is laid into it."""

    size: Size

    @classmethod
    def of(cls, capture: Size, max_width: int) -> Stage:
        """As large as the capture but no wider than ``max_width``; both sides even, as video wants them."""
        share = min(1.0, max_width / capture.width)
        width, height = max(2, round(capture.width * share)), max(2, round(capture.height * share))
        return cls(Size(width + width % 2, height + height % 2 + BAR))

    def placed(self, capture: Size) -> Affine:
        """Capture pixels to pixels of the film: scaled to fit, in the middle."""
        area = Rect(0, 0, self.size.width, self.size.height - BAR)
        share = min(area.width / capture.width, area.height / capture.height)
        width, height = capture.width * share, capture.height * share
        left, top = (area.width - width) / 2, (area.height - height) / 2
        return Affine.mapping(Rect.of_size(capture), Rect(left, top, left + width, top + height))


def scenes(run: Run, max_width: int) -> Iterator[Scene]:
    """Before and after each step. Raises BadInput when no step has a picture."""
    steps = [step for step in run.steps if step.frame or step.after]
    if not steps:
        raise run.nothing("none of them has a picture")
    first = run.frames.size(steps[0].frame or steps[0].after)
    assert first is not None, "record keeps only pictures that can be used"
    stage = Stage.of(first, max_width)
    for number, step in enumerate(steps, 1):
        words = f"{number}/{len(steps)}  {step.title}" + ("" if step.status == "done" else f" ({step.status})")
        for frame, targets in _looks(step):
            yield Scene(_drawn(run, stage, frame, targets, words), BEFORE_S)
        if step.after:
            yield Scene(_drawn(run, stage, step.after, (), words), AFTER_S if number < len(steps) else LAST_S)


def _looks(step: StepRecord) -> list[tuple[str, tuple[Target, ...]]]:
    """The pictures a step was done on, each with the places on it."""
    names = list(dict.fromkeys(target.frame for target in step.acted)) or ([step.frame] if step.frame else [])
    return [(name, tuple(target for target in step.acted if target.frame == name)) for name in names]


def _drawn(run: Run, stage: Stage, frame: str, targets: tuple[Target, ...], words: str) -> Image.Image:
    capture = run.frames.image(frame)
    place = stage.placed(Size(*capture.size))
    area = place.rect(Rect.of_size(Size(*capture.size)))
    film = Image.new("RGB", (stage.size.width, stage.size.height), PAPER)
    inner = (round(area.right) - round(area.left), round(area.bottom) - round(area.top))
    fitted = capture if capture.size == inner else capture.resize(inner, Image.Resampling.LANCZOS, reducing_gap=3.0)
    film.paste(fitted, (round(area.left), round(area.top)))
    draw = ImageDraw.Draw(film)
    for target in targets:
        if target.region is not None:
            _outline(draw, place.rect(target.region))
    points = [place.point(target.point) for target in targets]
    if len(points) == 2:
        draw.line([(p.x, p.y) for p in points], fill=CHOSEN, width=3)
    for point in points:
        _pointer(draw, point)
    _caption(draw, stage.size, words)
    return film


def _outline(draw: ImageDraw.ImageDraw, region: Rect) -> None:
    """A frame just around the region, so that what is in it stays to be seen."""
    for grown, colour, width in ((5, LIGHT, 5), (4, CHOSEN, 3)):
        box = region.grown(grown)
        draw.rectangle((box.left, box.top, box.right - 1, box.bottom - 1), outline=colour, width=width)


def _pointer(draw: ImageDraw.ImageDraw, tip: Point) -> None:
    outline = [(tip.x + x, tip.y + y) for x, y in _ARROW]
    draw.polygon(outline, fill=INK, outline=LIGHT, width=1)


def _caption(draw: ImageDraw.ImageDraw, size: Size, words: str) -> None:
    font = ImageFont.load_default(15)
    text = printable(words)
    while len(text) > 4 and draw.textlength(text, font=font) > size.width - 16:
        text = text[:-4].rstrip() + "\u2026" if text.endswith("\u2026") else text[:-2].rstrip() + "\u2026"
    draw.text((8, size.height - BAR / 2), text, fill=LIGHT, font=font, anchor="lm")
