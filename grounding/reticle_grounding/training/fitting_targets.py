"""What calibration is fitted on: captured screens new to the matcher, asked about in wordings new to it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from .absent import absent_candidates, unread
from .canvas import Box, Element
from .composed import composed_targets
from .concepts import by_label, concepts
from .harvested import Row, as_element, fitting_apps, harvested_rows
from .instructions import Target, plain, sayable, targets_of
from .looks import wrapped
from .spoken import spoken_targets

PER_SCREEN = 14
COMPOSED = 4
UNHEARD_SHARE = 0.4
"""Share of the elements with a known concept that are asked for in its kept wordings."""
CANDIDATES = 16
STILL = frozenset({"label", "heading"})
"""Roles of what does nothing when it is pressed."""


@dataclass(frozen=True, slots=True)
class FittingScreen:
    """One captured screen and what to ask about it."""

    image: Path
    app: str
    elements: list[Element]
    listed: list[str]
    """Every name, description and label of the list."""
    others: list[Element]
    """Elements of the other applications."""
    spoken: list[Target] = field(default_factory=list)
    """Instructions that were written for this screen."""

    @property
    def still(self) -> set[Box]:
        """Boxes of labels and headings, which do nothing when they are pressed."""
        return {e.box for e in self.elements if e.role in STILL}

    def targets(self, rng: Random, lines: Sequence[str], absent: int) -> list[Target]:
        """The written instructions, at most :data:`PER_SCREEN` made ones with kinds in even shares, ``absent`` ones of
        which nothing was read, and :data:`COMPOSED` that name a row or a neighbour."""
        pools: dict[str, list[Target]] = defaultdict(list)
        found = targets_of(rng, [replace(e, icon="") for e in self.elements], 0)
        for target in rng.sample(found, len(found)):
            pools[target.kind].append(target)
        counts = Counter(plain(e.label) for e in self.elements)
        chosen: list[Target] = []
        while len(chosen) < PER_SCREEN and any(pools.values()):
            for kind in ("text", "icon", "field"):
                if pools[kind] and len(chosen) < PER_SCREEN:
                    chosen.append(_reworded(rng, pools[kind].pop(), counts))
        candidates = absent_candidates(rng, self.listed, self.others, CANDIDATES) if self.others else []
        missing = unread(candidates, lines, absent)
        return [*self.spoken, *chosen, *missing, *composed_targets(rng, self.elements, COMPOSED)]


def _reworded(rng: Random, target: Target, counts: Counter[str]) -> Target:
    """Some targets in a kept wording of their concept, where no other element has the name."""
    number = by_label().get(plain(target.label))
    kept = concepts()[number].unheard if number is not None else ()
    if not kept or counts[plain(target.label)] > 1 or rng.random() >= UNHEARD_SHARE:
        return target
    words = rng.choice(kept)
    return replace(target, instruction=wrapped(rng, words) if rng.random() < 0.5 else words, indirect=True)


def fitting_screens(folder: Path) -> list[FittingScreen]:
    """Screens of the fitting applications below ``folder``. Raises BadInput as :func:`harvested_rows` does."""
    rows = harvested_rows(folder)[0]
    apps = fitting_apps(rows)
    return screens_of(folder, [row for row in rows if row["app"] in apps])


def further_screens(folder: Path, per_app: int) -> list[FittingScreen]:
    """Some screens of each of the other training applications below ``folder``, without what was written for them."""
    rows = harvested_rows(folder)[0]
    apps = fitting_apps(rows)
    by_app: dict[str, list[FittingScreen]] = defaultdict(list)
    for screen in screens_of(folder, [row for row in rows if row["app"] not in apps]):
        by_app[screen.app].append(replace(screen, spoken=[]))
    return [screen for app, found in by_app.items() for screen in _shuffled(app, found)[:per_app]]


def all_screens(folder: Path) -> list[FittingScreen]:
    """Every screen below ``folder``, of whatever application."""
    return screens_of(folder, [row for part in harvested_rows(folder) for row in part])


def _shuffled(seed: str, screens: Sequence[FittingScreen]) -> list[FittingScreen]:
    mixed = list(screens)
    Random(seed).shuffle(mixed)
    return mixed


def screens_of(folder: Path, chosen: Sequence[Row]) -> list[FittingScreen]:
    """These screens of ``folder``, with the elements of the other applications among them for absent targets."""
    elements = [[e for e in map(as_element, row["elements"]) if e is not None and sayable(e.label)] for row in chosen]
    by_app: dict[str, list[Element]] = defaultdict(list)
    elements = [_without_field_labels(found) for found in elements]
    for row, found in zip(chosen, elements, strict=True):
        by_app[row["app"]] += found
    screens = []
    for row, found in zip(chosen, elements, strict=True):
        listed = [t for e in row["elements"] for t in (e.get("name"), e.get("description"), e.get("label")) if t]
        others = [e for app, own in by_app.items() if app != row["app"] for e in own]
        spoken = spoken_targets(folder, row["image"], found)
        screens.append(FittingScreen(folder / row["image"], row["app"], found, listed, others, spoken))
    return screens


def _without_field_labels(elements: Sequence[Element]) -> list[Element]:
    """The elements less the texts that only label a field: who says "File name" means the field."""
    fields = {plain(e.label) for e in elements if e.kind == "field"}
    return [e for e in elements if e.role != "label" or e.icon or plain(e.label) not in fields]
