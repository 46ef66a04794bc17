"""Screens whose places tell what kind of control they are, stored once: what :mod:`.controls_train` learns from."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import safe_open
from safetensors.numpy import save_file
from safetensors.torch import load_file

from reticle_grounding.controls.kinds import DRAWN_BUTTON, KINDS, NONE, Table
from reticle_grounding.controls.places import LARGEST, Places, places_of
from reticle_grounding.errors import BadInput
from reticle_grounding.fitting import KeptReader
from reticle_grounding.geometry import Rect
from reticle_grounding.images import load_image
from reticle_grounding.labels import all_said
from reticle_grounding.looks import worth_a_look
from reticle_grounding.matcher.matcher import Matcher, open_matcher
from reticle_grounding.ocr import RgbArray, TextBox, TextReader, Word
from reticle_grounding.proposals import find_elements

from .harvested import FIELD_ROLES, OTHER_ROLES, Row, fitting_apps, harvested_rows
from .prepared import PARTS
from .screens import painted

PAINTED = "painted"
"""Stands for the application of screens that this project paints."""
PAINTED_SEED = 32_000_000
_SAME = {
    "spin box": "field",
    "check box": "check",
    "radio button": "check",
    "switch": "check",
    "list item": "cell",
    "tree item": "cell",
    "heading": "label",
    "key": "button",
    "title bar": "none",
}
"""Roles that are kinds by another name."""


@dataclass(frozen=True, slots=True, eq=False)
class KnownScreen:
    """The places of a screen with what they are."""

    app: str
    places: Places
    kinds: npt.NDArray[np.int64]
    """[places] numbers of :data:`KINDS`."""
    covers: Table
    """[places] how much each has in common (IoU) with the control it lies on."""


def kind_of(role: str) -> int:
    """Number of the kind of a role, of a list's or of this project's own."""
    own = FIELD_ROLES.get(role) or OTHER_ROLES.get(role) or role
    own = _SAME.get(own, own)
    return KINDS.index(own) if own in KINDS else DRAWN_BUTTON


def known(
    rects: Table, boxes: Sequence[Sequence[float]], kinds: Sequence[int], area: float
) -> tuple[npt.NDArray[np.int64], Table]:
    """What each rectangle is: the kind of the smallest control that its middle lies in, and their IoU.

    Controls that cover a large share of the ``area`` of the screen (pixels) hold others and do not count.
    """
    table = np.array(boxes, np.float32).reshape(-1, 4)
    areas = (table[:, 2] - table[:, 0]) * (table[:, 3] - table[:, 1])
    found, covers = np.full(len(rects), NONE, np.int64), np.zeros(len(rects), np.float32)
    for number, (left, top, right, bottom) in enumerate(rects):
        x, y = (left + right) / 2, (top + bottom) / 2
        inside = (table[:, 0] <= x) & (x < table[:, 2]) & (table[:, 1] <= y) & (y < table[:, 3])
        around = np.flatnonzero(inside & (areas < LARGEST * area))
        if not len(around):
            continue
        at = int(around[np.argmin(areas[around])])
        wide = min(right, table[at, 2]) - max(left, table[at, 0])
        high = min(bottom, table[at, 3]) - max(top, table[at, 1])
        both = max(0.0, wide) * max(0.0, high)
        found[number] = kinds[at]
        covers[number] = both / ((right - left) * (bottom - top) + areas[at] - both)
    return found, covers


def look_at(image: RgbArray, texts: Sequence[TextBox], matcher: Matcher) -> Places:
    """The places of a picture on which these texts were read."""
    elements = find_elements(image, texts)
    drawings = worth_a_look(elements)
    read, seen = matcher.say(all_said(texts)), matcher.see(image, drawings)
    return places_of(image, texts, elements, drawings, read, seen)


def store(screen: KnownScreen, path: Path) -> None:
    """Writes one screen as a safetensors file."""
    places = screen.places
    tensors = {
        "rects": places.rects,
        "sorts": places.sorts,
        "vectors": places.vectors.astype(np.float16),
        "crops": places.crops,
        "about": places.about,
        "kinds": screen.kinds,
        "covers": screen.covers,
    }
    partial = path.with_suffix(".partial")
    about = json.dumps({"app": screen.app, "line": places.line})
    save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, partial, metadata={"about": about})
    partial.replace(path)


def open_stored(path: Path) -> KnownScreen:
    """Raises BadInput for a file that is none of ours."""
    try:
        with safe_open(str(path), framework="pt") as file:
            about = json.loads(file.metadata()["about"])
        t = {name: value.numpy() for name, value in load_file(path).items()}
        vectors = t["vectors"].astype(np.float32)
        places = Places(t["rects"], t["sorts"], vectors, t["crops"], t["about"], float(about["line"]))
        return KnownScreen(str(about["app"]), places, t["kinds"], t["covers"])
    except Exception as error:
        raise BadInput(f"{path} is no screen with known places: {error}") from error


def rows_of(folder: Path, part: str) -> list[Row]:
    """Rows of one part (:data:`PARTS`) of a folder of captured screens. Raises BadInput."""
    training, validation = harvested_rows(folder)
    fitting = fitting_apps(training)
    parts = {
        "training": [r for r in training if r["app"] not in fitting],
        "fitting": [r for r in training if r["app"] in fitting],
        "validation": validation,
    }
    return parts[part]


def from_row(folder: Path, row: Row, texts: Sequence[TextBox], image: RgbArray, matcher: Matcher) -> KnownScreen:
    """A captured screen on which these texts were read."""
    listed = [e for e in row["elements"] if e["bbox"][2] > e["bbox"][0] and e["bbox"][3] > e["bbox"][1]]
    places = look_at(image, texts, matcher)
    kinds = [kind_of(e.get("role", "")) for e in listed]
    return KnownScreen(
        row["app"], places, *known(places.rects, [e["bbox"] for e in listed], kinds, image.shape[0] * image.shape[1])
    )


def from_seed(seed: int, matcher: Matcher) -> KnownScreen:
    """A painted screen, whose texts are known."""
    canvas = painted(seed)
    image = np.asarray(canvas.image.convert("RGB"))
    texts = []
    for run in canvas.runs:
        rect = Rect(*map(float, run.box))
        if run.text.strip():
            texts.append(TextBox(run.text, rect, 0.95, (Word(run.text, rect),)))
    places = look_at(image, texts, matcher)
    boxes, kinds = [e.box for e in canvas.elements], [kind_of(e.role) for e in canvas.elements]
    return KnownScreen(PAINTED, places, *known(places.rects, boxes, kinds, image.shape[0] * image.shape[1]))


def main() -> None:
    """Stores the places of captured and painted screens; run it once per core with another --rank."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--captured", type=Path, action="append", default=[])
    parser.add_argument("--part", action="append", choices=PARTS, help="of the captured ones; training by default")
    parser.add_argument("--texts", type=Path, required=True, help="folder that keeps what was read on each screen")
    parser.add_argument("--read", action="store_true", help="read screens that were not read before; else leave them")
    parser.add_argument("--painted", type=int, default=0, help="painted screens beside them")
    parser.add_argument("--matcher", type=Path, required=True, help="folder with the matcher whose vectors count")
    parser.add_argument("--limit", type=int, default=None, help="captured screens of each folder")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rank", type=int, default=0)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    chosen.out.mkdir(parents=True, exist_ok=True)
    matcher, reader = open_matcher(chosen.matcher), KeptReader(TextReader(), chosen.texts)
    done = 0
    for folder in chosen.captured:
        rows = [row for part in chosen.part or ("training",) for row in rows_of(folder, part)]
        for row in rows[: chosen.limit][chosen.rank :: chosen.workers]:
            path = chosen.out / f"{folder.resolve().name}-{Path(row['image']).stem}.safetensors"
            if not path.is_file():
                image = np.asarray(load_image(folder / row["image"]))
                if chosen.read or reader.knows(image):
                    store(from_row(folder, row, reader.read(image), image, matcher), path)
            done = _told(done)
    for seed in range(PAINTED_SEED, PAINTED_SEED + chosen.painted)[chosen.rank :: chosen.workers]:
        path = chosen.out / f"{PAINTED}-{seed}.safetensors"
        if not path.is_file():
            store(from_seed(seed, matcher), path)
        done = _told(done)


def _told(done: int) -> int:
    if (done + 1) % 20 == 0:
        sys.stderr.write(f"{done + 1}\n")
        sys.stderr.flush()
    return done + 1


if __name__ == "__main__":
    main()
