"""Sets of screens to measure on: a targets file, captured screens of held-out applications, generated screens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from reticle_grounding.geometry import Rect

from .targets import Target, by_image, read_targets, saying

if TYPE_CHECKING:
    from reticle_grounding.training.instructions import Target as Asked

CAPTURED_SEED = 0
GENERATED_SEED = 9_000_000
"""`reticle train` draws from 10,000,000 on, the calibration from 7,000,000, the documented commands from 8,000,000."""
AbsentChoice = Callable[[Sequence[str]], list[Target]]
"""From the lines read on a screen to the targets that are not on it."""


@dataclass(frozen=True, slots=True)
class ScreenTargets:
    """What to ask about one picture."""

    image: Path
    targets: list[Target]
    absent: AbsentChoice | None = None
    """Chooses further, absent targets once the screen has been read."""
    near: AbsentChoice | None = None
    """Chooses absent targets of which the screen shows one word; they are counted apart."""
    absent_wanted: int = 0
    """At most so many are chosen of each sort."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The published benchmark a set comes from, and what of its files is asked about."""

    benchmark: str
    """As its authors write it."""
    name: str
    """Short name, as in a preset or a forced format."""
    files: tuple[str, ...]
    items: int
    """Rows in all files."""
    skipped: Mapping[str, int]
    """Reason -> rows left out for it."""
    boxes: str
    """Convention the boxes were read by, in words."""


@dataclass(frozen=True, slots=True)
class TargetSet:
    """Screens that are counted together."""

    name: str
    screens: list[ScreenTargets]
    origin: Origin | None = None
    """Only for a published benchmark."""

    @property
    def planned(self) -> int:
        """Targets, those that may be chosen later included."""
        sorts = ((s, (s.absent is not None) + (s.near is not None)) for s in self.screens)
        return sum(len(s.targets) + s.absent_wanted * count for s, count in sorts)


def listed(name: str, targets: Sequence[Target], origin: Origin | None = None) -> TargetSet:
    """A set of targets that are all known beforehand."""
    return TargetSet(name, [ScreenTargets(image, group) for image, group in by_image(targets)], origin)


def from_file(path: Path, limit: int | None = None) -> TargetSet:
    """The set of a targets file, named after its folder when it is called targets.jsonl. Raises BadInput."""
    name = path.absolute().parent.name if path.stem == "targets" else path.stem
    return listed(name, read_targets(path, limit))


def captured(directory: Path, limit: int | None = None) -> TargetSet:
    """Held-out applications of a folder of captured screens, always with the same instructions. Raises BadInput.

    Absent targets are chosen when the screen has been read: see :mod:`reticle_grounding.training.absent`.
    """
    from reticle_grounding.training.absent import AbsentCandidate, unread
    from reticle_grounding.training.targets import captured_targets

    def chooser(image: Path, candidates: Sequence[AbsentCandidate], count: int) -> AbsentChoice:
        return lambda lines: [
            Target(image, target.instruction, None, target.kind) for target in unread(candidates, lines, count)
        ]

    screens = []
    for found in captured_targets(directory, CAPTURED_SEED, limit):
        boxed = [
            Target(found.image, t.instruction, Rect(*map(float, t.bbox)), t.kind)
            for t in found.present
            if t.bbox is not None
        ]
        count = found.absent_wanted
        absent, near = (chooser(found.image, c, count) if count and c else None for c in (found.absent, found.near))
        screens.append(ScreenTargets(found.image, boxed, absent, near, count))
    return TargetSet(f"{directory.resolve().name} (captured)", screens)


def spoken(directory: Path, limit: int | None = None) -> TargetSet:
    """The instructions that were written for held-out applications of a folder of captured screens; none is absent.

    Raises BadInput when the folder has no readable list of screens, or nothing was written for them.
    """
    from reticle_grounding.training.targets import written_targets

    return _on_held_out(f"{directory.resolve().name} (spoken)", written_targets(directory), limit, written=True)


def composed(directory: Path, limit: int | None = None) -> TargetSet:
    """Controls of held-out applications of a folder of captured screens, asked for by the name of their row or by what
    stands beside them; none is absent. Raises BadInput where there are none."""
    from reticle_grounding.training.targets import composed_held_out

    found = composed_held_out(directory, CAPTURED_SEED)
    return _on_held_out(f"{directory.resolve().name} (composed)", found, limit)


def _on_held_out(
    name: str, found: Sequence[tuple[Path, Sequence[Asked]]], limit: int | None, written: bool = False
) -> TargetSet:
    """``written``: of these it is known whether they say the label."""
    targets = [
        Target(image, t.instruction, Rect(*map(float, t.bbox)), t.kind, (saying(t.indirect),) if written else ())
        for image, asked in found
        for t in asked
        if t.bbox is not None
    ]
    return listed(name, targets[:limit])


@contextmanager
def generated(count: int, seed: int = GENERATED_SEED) -> Iterator[TargetSet]:
    """``count`` targets on generated screens that no training has seen; pictures exist inside the block only.

    Raises BadInput when ``count`` is not positive.
    """
    from reticle_grounding.training.targets import write_targets

    with TemporaryDirectory(prefix="reticle-eval-") as folder:
        yield listed("generated", read_targets(write_targets(Path(folder), seed, count)))
