"""Marked places to learn true and false from: what the grounder itself would propose, and near misses.

Every screen is gone through once, by the same code that answers a user, without attention (to the verifier a place
found by attention alone is like any other). What is marked for an instruction: the best candidates, the target, its
neighbours (a field's label among them), others of its role, and what looks most like it. A mark is true when its point
lies in the target's box.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from reticle_grounding.errors import BadInput
from reticle_grounding.evidence import without_twins
from reticle_grounding.geometry import Rect, Size
from reticle_grounding.images import load_image
from reticle_grounding.judging.inputs import NEAR, Items, Marked, Question, items_of, marked, question_of
from reticle_grounding.predictor import Grounder, Observation
from reticle_grounding.verifier import Place
from reticle_grounding.weighing import Weighed

from .canvas import Element
from .fitting_targets import FittingScreen, screens_of
from .harvested import fitting_apps, harvested_rows
from .instructions import Target, plain
from .screens import generate_screen

BEST, FURTHER, NEIGHBOURS, SAME_ROLE = 6, 2, 3, 2
"""Candidates of the grounder; right ones after them; items around the target; elements of its role."""
ABSENT = 2
"""Absent targets per screen."""
INSTRUCTIONS = 12
"""Instructions per screen, absent ones included."""
SAME = 0.5
"""Marks whose regions overlap so much (intersection over union) are one."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One instruction with its marked places."""

    question: Question
    places: Marked
    right: npt.NDArray[np.bool_]
    """[P]."""
    sort: npt.NDArray[np.int64]
    """[P] why each is marked: index into :data:`WHY`."""


WHY = ("candidate", "target", "neighbour", "same role", "similar look")


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A screen with its cases."""

    name: str
    items: Items
    cases: list[Case]


def places_of(
    rng: Random, weighed: Weighed, grounder: Grounder, target: Target, screen: FittingScreen, items: Items
) -> tuple[list[Place], list[bool], list[int]]:
    """Places to mark for one instruction, whether each is right, and why it is marked."""
    box = Rect(*map(float, target.bbox)) if target.bbox else None
    ranked = weighed.ranked(grounder.calibration)
    drafts = [d for _, d in without_twins(ranked, BEST)]
    drafts += [d for _, d in ranked if box is not None and box.contains(d.point) and d not in drafts][:FURTHER]
    found = [(Place(d.point, d.region), 0) for d in drafts]
    if box is not None:
        found += [(Place(box.center, box), 1)]
        found += [(place, 2) for place in _neighbours(rng, box, items)]
        found += [(place, 3) for place in _same_role(rng, target, screen.elements)]
        found += [(place, 4) for place in _similar(box, items)]
    places: list[tuple[Place, int]] = []
    for place, why in found:
        if not any(place.region.iou(other.region) > SAME for other, _ in places):
            places.append((place, why))
    right = [box is not None and box.contains(place.point) for place, _ in places]
    return [place for place, _ in places], right, [why for _, why in places]


def _neighbours(rng: Random, box: Rect, items: Items) -> list[Place]:
    """Texts and shapes beside the target, a label of a field among the first."""
    rects = [Rect(*map(float, row)) for row in items.rects]
    outside = [r for r in rects if not box.contains(r.center) and not r.contains(box.center)]
    center = box.center

    def distance(rect: Rect) -> float:
        aside = max(rect.left - box.right, box.left - rect.right, 0.0)
        off = max(rect.top - box.bottom, box.top - rect.bottom, 0.0)
        return aside + 2 * off + 0.02 * (abs(rect.center.x - center.x) + abs(rect.center.y - center.y))

    first = sorted(outside, key=distance)[: 2 * NEIGHBOURS]
    return [Place(r.center, r) for r in rng.sample(first, min(len(first), NEIGHBOURS))]


def _same_role(rng: Random, target: Target, elements: Sequence[Element]) -> list[Place]:
    own = next((e for e in elements if e.box == target.bbox), None)
    if own is None:
        return []
    others = [e for e in elements if e.role == own.role and plain(e.label) != plain(own.label)]
    rects = [Rect(*map(float, e.box)) for e in rng.sample(others, min(len(others), SAME_ROLE))]
    return [Place(r.center, r) for r in rects]


def _similar(box: Rect, items: Items) -> list[Place]:
    """The shape elsewhere that looks most like the target's own."""
    rects = [Rect(*map(float, row)) for row in items.rects]
    shapes = [i for i in range(len(rects)) if items.sorts[i] > 0 and items.vectors[i].any()]
    own = [i for i in shapes if box.contains(rects[i].center)]
    others = [i for i in shapes if not box.contains(rects[i].center)]
    if not own or not others:
        return []
    likeness = items.vectors[others] @ items.vectors[own[0]]
    best = rects[others[int(likeness.argmax())]]
    return [Place(best.center, best)]


def judged_screen(grounder: Grounder, observation: Observation, screen: FittingScreen, name: str) -> Judged:
    """Asks about one screen and marks places."""
    rng = Random(f"verifier {name}")
    targets = screen.targets(rng, [t.text for t in observation.texts()], ABSENT)
    absent = [t for t in targets if t.bbox is None]
    present = [t for t in targets if t.bbox is not None]
    chosen = [*rng.sample(present, min(len(present), INSTRUCTIONS - len(absent))), *absent]
    pixels = np.asarray(observation.image)
    items: Items | None = None
    cases = []
    for target in chosen:
        weighed, looks = observation.weigh(target.instruction), observation.looks()
        items = items or items_of(weighed.scene, looks, observation.size)
        places, right, why = places_of(rng, weighed, grounder, target, screen, items)
        if places:
            question = question_of(target.instruction, weighed.scene, looks, grounder.matcher)
            shown = marked(pixels, items, grounder.matcher, places)
            cases.append(Case(question, shown, np.array(right), np.array(why)))
    nothing = Items(np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros((0, 384), np.float32), Size(1, 1))
    return Judged(name, items or nothing, cases)


@dataclass(frozen=True, slots=True)
class ToJudge:
    """A screen to go through; its picture is opened, or painted, when its turn comes."""

    name: str
    screen: FittingScreen | None
    """None for a painted one."""
    seed: int = 0
    """Of a painted one."""


def captured_screens(folder: Path, part: str) -> list[ToJudge]:
    """Screens of one part (``training``, ``fitting`` or ``validation``). Raises BadInput as ``harvested_rows``."""
    training, validation = harvested_rows(folder)
    fitting = fitting_apps(training)
    rows = validation if part == "validation" else [r for r in training if (r["app"] in fitting) == (part == "fitting")]
    name = folder.resolve().name
    return [ToJudge(f"{name}-{s.image.stem}", s) for s in screens_of(folder, rows) if s.elements]


def painted_screens(first: int, count: int) -> list[ToJudge]:
    """Generated screens of consecutive seeds. Raises BadInput for a negative count."""
    if count < 0:
        raise BadInput(f"{count} generated screens are asked for; it must be 0 or more")
    return [ToJudge(f"painted-{seed}", None, seed) for seed in range(first, first + count)]


def _opened(wanted: ToJudge) -> tuple[FittingScreen, Image.Image]:
    if wanted.screen is not None:
        return wanted.screen, load_image(wanted.screen.image)
    made = generate_screen(wanted.seed)
    listed = [e.label for e in made.elements]
    return FittingScreen(Path(wanted.name), "painted", made.elements, listed, []), made.image


def collect(
    grounder: Grounder, screens: Sequence[ToJudge], out: Path, progress: Callable[[int, int], None] | None = None
) -> list[Path]:
    """Stores each screen's cases in a file of its own, those that ``out`` does not hold yet; returns the files."""
    out.mkdir(parents=True, exist_ok=True)
    files = []
    for number, wanted in enumerate(screens, 1):
        path = out / f"{wanted.name}.safetensors"
        if not path.is_file():
            screen, image = _opened(wanted)
            store(judged_screen(grounder, grounder.observe(image), screen, wanted.name), path)
        files.append(path)
        if progress is not None:
            progress(number, len(screens))
    return files


def store(judged: Judged, path: Path) -> None:
    items, cases = judged.items, judged.cases

    def rows(values: Sequence[npt.NDArray[np.float32]], *shape: int) -> Tensor:
        return torch.from_numpy(np.array(values, np.float32).reshape(-1, *shape)).half()

    def joined(values: Sequence[npt.NDArray[np.float32]], *shape: int) -> Tensor:
        return torch.from_numpy(np.concatenate([np.zeros((0, *shape), np.float32), *values])).half()

    count = len(items.rects)
    tensors = {
        "rects": torch.from_numpy(items.rects),
        "sorts": torch.from_numpy(items.sorts),
        "vectors": torch.from_numpy(items.vectors).half(),
        "size": torch.tensor([items.size.width, items.size.height]),
        "said": rows([c.question.said for c in cases], 384),
        "looked": rows([c.question.looked for c in cases], 384),
        "told": rows([c.question.told for c in cases], cases[0].question.told.size if cases else 1),
        "scores": rows([c.question.scores for c in cases], count, 8),
        "near": torch.from_numpy(np.concatenate([np.zeros((0, NEAR), np.int64), *(c.places.near for c in cases)])),
        "geometry": joined([c.places.geometry for c in cases], NEAR, 14),
        "own": joined([c.places.own for c in cases], 8),
        "looks": joined([c.places.looks for c in cases], 2, 384),
        "right": torch.from_numpy(np.concatenate([np.zeros(0, np.bool_), *(c.right for c in cases)])),
        "why": torch.from_numpy(np.concatenate([np.zeros(0, np.int64), *(c.sort for c in cases)])),
        "counts": torch.tensor([len(c.right) for c in cases], dtype=torch.int64),
    }
    partial = path.with_suffix(".partial")
    save_file({k: v.contiguous() for k, v in tensors.items()}, partial, metadata={"about": json.dumps(judged.name)})
    partial.replace(path)


def open_judged(path: Path) -> Judged:
    """Raises BadInput for a file that is none of ours."""
    try:
        with safe_open(str(path), framework="pt") as file:
            name = json.loads((file.metadata() or {})["about"])
            t = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118 - no mapping
        width, height = t["size"].tolist()
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise BadInput(f"{path} holds no marked places: {error}") from error
    floats = {
        k: t[k].float().numpy() for k in ("vectors", "said", "looked", "told", "scores", "geometry", "own", "looks")
    }
    items = Items(t["rects"].numpy(), t["sorts"].numpy(), floats["vectors"], Size(width, height))
    cases, at = [], 0
    for number, count in enumerate(t["counts"].tolist()):
        own = slice(at, at + count)
        question = Question(*(floats[k][number] for k in ("said", "looked", "told", "scores")))
        places = Marked(t["near"][own].numpy(), *(floats[k][own] for k in ("geometry", "own", "looks")))
        cases.append(Case(question, places, t["right"][own].numpy(), t["why"][own].numpy()))
        at += count
    return Judged(str(name), items, cases)
