"""Labelled targets and the file format they come in.

A targets file has one JSON object per line: ``image`` (a file in ``images/`` beside it), ``instruction``, ``bbox`` as
[left, top, right, bottom] in capture pixels with right and bottom exclusive (null: the target is absent), ``kind``, and
where it is known ``indirect``: whether the instruction tells a wish and does not say the label.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Point, Rect


@dataclass(frozen=True, slots=True)
class Target:
    """One instruction about one picture and where it points."""

    image: Path
    instruction: str
    box: Rect | None
    """None: not on this screen."""
    kind: str
    groups: tuple[str, ...] = ()
    """Further kinds it counts in."""
    outline: tuple[Point, ...] = ()
    """Corners where the target is no rectangle; ``box`` is the smallest rectangle around them."""
    closed: bool = False
    """The right and bottom edges count as inside, as the published benchmarks score."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """Everything it counts as, each once."""
        return tuple(dict.fromkeys((self.kind, *self.groups)))

    def holds(self, point: Point | None) -> bool:
        """Whether a point of the picture hits the target; never for an absent one or without a point."""
        if self.box is None or point is None:
            return False
        if self.outline:
            return _encloses(self.outline, point)
        if self.closed:
            return self.box.left <= point.x <= self.box.right and self.box.top <= point.y <= self.box.bottom
        return self.box.contains(point)


def _encloses(outline: Sequence[Point], point: Point) -> bool:
    """Even-odd rule: a ray to the right crosses the closed outline an odd number of times."""
    crossings = 0
    for start, end in zip(outline, (*outline[1:], outline[0]), strict=True):
        if (start.y > point.y) != (end.y > point.y):
            crossing = start.x + (point.y - start.y) * (end.x - start.x) / (end.y - start.y)
            crossings += point.x < crossing
    return crossings % 2 == 1


def read_targets(path: Path, limit: int | None = None) -> list[Target]:
    """All lines of a targets file, or the first ``limit``. Raises BadInput naming file and line."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BadInput(f"cannot read the targets file {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is no text file in UTF-8") from error
    filled = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    targets = [_target(Path(path), number, line) for number, line in filled[:limit]]
    if not targets:
        raise BadInput(f"{path} holds no targets")
    return targets


def by_image(targets: Sequence[Target]) -> Iterator[tuple[Path, list[Target]]]:
    """The targets of each picture together, so that one observation serves them all."""
    for image, group in groupby(sorted(targets, key=lambda t: str(t.image)), key=lambda t: t.image):
        yield image, list(group)


def _target(path: Path, number: int, line: str) -> Target:
    where = f"{path}, line {number}"
    try:
        raw = json.loads(line)
    except ValueError as error:
        raise BadInput(f"{where}: no valid JSON ({error})") from error
    if not isinstance(raw, dict):
        raise BadInput(f"{where}: an object is expected, not {type(raw).__name__}")
    image, instruction = raw.get("image"), raw.get("instruction")
    if not isinstance(image, str) or not image:
        raise BadInput(f"{where}: image must name a file in images/")
    if not isinstance(instruction, str) or not instruction.strip():
        raise BadInput(f"{where}: instruction must be a text")
    if "bbox" not in raw:
        raise BadInput(f"{where}: bbox is missing; it may be null for a target that is not on the screen")
    file = path.parent / "images" / image.removeprefix("images/")
    if not file.is_file():
        raise BadInput(f"{where}: there is no picture {file}")
    indirect = raw.get("indirect")
    if indirect is not None and not isinstance(indirect, bool):
        raise BadInput(f"{where}: indirect must be true or false, not {indirect!r}")
    groups = () if indirect is None else (saying(indirect),)
    return Target(file, instruction, _box(raw["bbox"], where), str(raw.get("kind", "other")), groups)


def saying(indirect: bool) -> str:
    """The further kind of an instruction that says the label, or does not."""
    return "indirect" if indirect else "direct"


def _box(value: object, where: str) -> Rect | None:
    if value is None:
        return None
    numbers = [v for v in value if isinstance(v, int | float)] if isinstance(value, list) else []
    if not isinstance(value, list) or len(value) != 4 or len(numbers) != 4:
        raise BadInput(f"{where}: bbox must be [left, top, right, bottom] or null")
    box = Rect(*map(float, numbers))
    if box.width <= 0 or box.height <= 0:
        raise BadInput(f"{where}: bbox {value} has no area; right and bottom are exclusive edges")
    return box
