"""Targets of generated and of captured screens; generated ones as pictures with a ``targets.jsonl`` beside them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from random import Random

from PIL import Image

from reticle_grounding.errors import BadInput

from .absent import AbsentCandidate, absent_candidates, near_candidates
from .canvas import Element
from .composed import composed_targets
from .harvested import as_element, harvested_rows
from .instructions import Target, sayable, targets_of
from .scenes import SceneFile
from .screens import LabeledScreen, Size, generate_screen
from .spoken import spoken_targets

ABSENT_EVERY = 8
"""One target in so many is absent."""
COMPOSED = 6
"""Targets of one screen that are asked for by row or neighbour, at most."""
CANDIDATES = 24
"""Absent targets proposed per screen; what is read there rules out some of them."""


@dataclass(frozen=True, slots=True)
class CapturedTargets:
    """What to ask about one captured screen."""

    image: Path
    app: str
    present: list[Target]
    absent: list[AbsentCandidate]
    """More than wanted: see :func:`reticle_grounding.training.absent.unread`."""
    near: list[AbsentCandidate]
    """Absent ones of which the screen shows one word: :func:`reticle_grounding.training.absent.near_candidates`."""
    absent_wanted: int
    """So many of ``absent``, and as many of ``near``, are to be asked."""


@dataclass(frozen=True, slots=True)
class _Captured:
    name: str
    image: Path
    app: str
    elements: list[Element]
    listed: list[str]
    """Every name, description and label of the list."""


def captured_targets(
    directory: Path, seed: int = 0, limit: int | None = None, *, per_screen: int = 12
) -> list[CapturedTargets]:
    """Targets on the held-out applications of a folder of captured screens, one in eight of them absent.

    Screens of all applications take turns, so that a small ``limit`` still sees each; every screen's instructions
    depend on ``seed`` and its own name only. Absent targets are named after elements of other held-out applications
    (of all others where only one application is held out).

    Args:
        limit: at most so many targets, absent ones included, those of ``near`` not.
        per_screen: at most so many present targets of one screen.

    Raises BadInput when the folder has no readable ``screens.jsonl`` or nothing to ask for.
    """
    training, held_out = _captured(directory)
    sources = held_out if len({s.app for s in held_out}) > 1 else [*training, *held_out]
    absent_left = limit // ABSENT_EVERY if limit else None
    left = limit - limit // ABSENT_EVERY if limit else None
    made: list[CapturedTargets] = []
    asked = given = 0
    for screen in _in_turns(held_out, Random(f"{seed} screens")):
        rng = Random(f"{seed} {screen.image.name}")
        room = per_screen if left is None else min(per_screen, left - asked)
        present = _sample(targets_of(rng, screen.elements, 0), rng, room)
        if not present:
            continue
        asked += len(present)
        due = asked // (ABSENT_EVERY - 1) - given
        due = due if absent_left is None else min(due, absent_left - given)
        given += due
        others = [e for s in sources if s.app != screen.app for e in s.elements] if due else []
        absent = absent_candidates(rng, screen.listed, others, CANDIDATES)
        near = near_candidates(rng, screen.listed, others, CANDIDATES)
        present = [t for t in present if sayable(t.instruction)]
        made.append(CapturedTargets(screen.image, screen.app, present, absent, near, due))
    if not made:
        raise BadInput(f"{directory}: no held-out application has elements to ask for")
    return made


def written_targets(directory: Path) -> list[tuple[Path, list[Target]]]:
    """Pictures of held-out applications with the instructions that were written for them.

    Raises BadInput as :func:`captured_targets` does, and when there are none.
    """
    found = [(s.image, spoken_targets(directory, s.name, s.elements)) for s in _captured(directory)[1]]
    written = [(image, targets) for image, targets in found if targets]
    if not written:
        raise BadInput(f"{directory}: no instructions were written for its held-out applications")
    return written


def composed_held_out(directory: Path, seed: int = 0) -> list[tuple[Path, list[Target]]]:
    """Pictures of held-out applications, asked about by row and neighbour (:mod:`.composed`), always the same.

    Raises BadInput as :func:`captured_targets` does, and when there is nothing to ask for in this way.
    """
    asked = [
        (s.image, composed_targets(Random(f"{seed} {s.image.name}"), s.elements, COMPOSED))
        for s in _captured(directory)[1]
    ]
    found = [(image, targets) for image, targets in asked if targets]
    if not found:
        raise BadInput(f"{directory}: no control of its held-out applications can be asked for by row or neighbour")
    return found


def _captured(directory: Path) -> tuple[list[_Captured], list[_Captured]]:
    """Screens of training and of held-out applications, without their pictures."""
    if not directory.is_dir():
        raise BadInput(f"there is no folder {directory}; a folder with screens.jsonl and images/ is expected")
    try:
        training, held_out = (
            [
                _Captured(
                    row["image"],
                    directory / row["image"],
                    row["app"],
                    [e for e in map(as_element, row["elements"]) if e is not None],
                    [t for e in row["elements"] for t in (e.get("name"), e.get("description"), e.get("label")) if t],
                )
                for row in rows
            ]
            for rows in harvested_rows(directory)
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInput(
            f"{directory / 'screens.jsonl'} is no list of captured screens: every line needs image, app and elements "
            f"with role and bbox ({type(error).__name__}: {error})"
        ) from error
    missing = next((s.image for s in held_out if not s.image.is_file()), None)
    if missing is not None:
        raise BadInput(f"{directory / 'screens.jsonl'} names a picture that is not there: {missing}")
    return training, held_out


def _in_turns(screens: Sequence[_Captured], rng: Random) -> list[_Captured]:
    """In random order, one of each application after the other."""
    by_app: defaultdict[str, list[_Captured]] = defaultdict(list)
    for screen in rng.sample(screens, len(screens)):
        by_app[screen.app].append(screen)
    rounds = zip_longest(*(by_app[app] for app in sorted(by_app)))
    return [screen for screen in chain.from_iterable(rounds) if screen is not None]


def write_targets(
    out_dir: Path,
    seed: int,
    n: int,
    *,
    per_screen: int = 12,
    size: Size | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Writes ``n`` targets on screens of seeds ``seed``, ``seed + 1``, ...; returns the path of ``targets.jsonl``.

    Every line has id, image, width, height, bbox (or null when absent), instruction, kind, absent, indirect.

    Args:
        per_screen: at most so many targets of one screen.
        progress: called with (targets written, ``n``).

    Raises BadInput when ``n`` is not positive or the folder cannot be written.
    """
    if n <= 0 or per_screen <= 0:
        raise BadInput(f"the number of targets must be positive, not {n}")
    try:
        (out_dir / "images").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"cannot write to {out_dir}: {error}") from error
    path, written = out_dir / "targets.jsonl", 0
    with path.open("w", encoding="utf-8") as lines:
        while written < n:
            screen = generate_screen(seed, size=size)
            chosen = _sample(screen.targets, Random(seed), min(per_screen, n - written))
            if chosen:
                name = f"images/{seed:08d}.png"
                screen.image.save(out_dir / name)
                for i, target in enumerate(chosen):
                    lines.write(
                        json.dumps(_row(screen, target, name, f"{seed:08d}-{i:02d}"), ensure_ascii=False) + "\n"
                    )
            seed, written = seed + 1, written + len(chosen)
            if progress:
                progress(written, n)
    return path


def write_captured_targets(out_dir: Path, scenes: list[SceneFile], seed: int, n: int, *, per_screen: int = 12) -> Path:
    """Like :func:`write_targets`, with the elements of captured screens; none is absent, as their lists have gaps."""
    (out_dir / "images").mkdir(parents=True, exist_ok=True)
    path, written = out_dir / "targets.jsonl", 0
    rng = Random(seed)
    with path.open("w", encoding="utf-8") as lines:
        for number, file in enumerate(rng.sample(scenes, len(scenes))):
            scene = file.open()
            found = targets_of(rng, scene.elements, 0)
            screen = LabeledScreen(Image.fromarray(scene.pixels), scene.elements, found, scene.labels)
            chosen = _sample(screen.targets, rng, min(per_screen, n - written))
            if not chosen:
                continue
            name = f"images/{number:05d}.png"
            screen.image.save(out_dir / name)
            for i, target in enumerate(chosen):
                lines.write(json.dumps(_row(screen, target, name, f"{number:05d}-{i:02d}"), ensure_ascii=False) + "\n")
            written += len(chosen)
    return path


def _sample(targets: Sequence[Target], rng: Random, count: int) -> list[Target]:
    """Kinds in even shares as far as the screen has them; about one in eight absent."""
    pools: dict[str, list[Target]] = {}
    for target in rng.sample(targets, len(targets)):
        pools.setdefault("absent" if target.bbox is None else target.kind, []).append(target)
    chosen: list[Target] = []
    while len(chosen) < count and any(pools.values()):
        for name in ("text", "icon", "field", "text", "icon", "field", "absent"):
            if pools.get(name) and len(chosen) < count:
                chosen.append(pools[name].pop())
    return chosen


def _row(screen: LabeledScreen, target: Target, image: str, name: str) -> dict[str, object]:
    return {
        "id": name,
        "image": image,
        "width": screen.image.width,
        "height": screen.image.height,
        "bbox": target.bbox,
        "instruction": target.instruction,
        "kind": target.kind,
        "absent": target.bbox is None,
        "indirect": target.indirect,
    }
