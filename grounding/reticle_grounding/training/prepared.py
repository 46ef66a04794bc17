"""Screens made ready for training the reading channel: what the frozen parts of the model make of each, stored once.

What is read, seen and computed by the vision tower does not change while the channel, the language model and the
pointer head are trained, so every screen is gone through once.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TypeAlias

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from reticle_grounding.errors import BadInput
from reticle_grounding.fitting import KeptReader
from reticle_grounding.geometry import Rect, Size
from reticle_grounding.images import load_image
from reticle_grounding.looks import Looks
from reticle_grounding.matcher.matcher import Matcher, open_matcher
from reticle_grounding.model.channel import SENSE, PatchReading, on_patches
from reticle_grounding.model.pointer_model import PointerModel
from reticle_grounding.ocr import Reader, TextBox, TextReader, proportional_words
from reticle_grounding.proposals import Proposal, find_elements
from reticle_grounding.reading import Reading, reading_of

from .canvas import Box, Element
from .harvested import as_element, fitting_apps, harvested_rows
from .looks import drawing
from .spoken import Spoken, spoken_on

Parts: TypeAlias = tuple[str, ...]
PARTS: Parts = ("training", "fitting", "validation")


@dataclass(frozen=True, slots=True)
class ScreenToPrepare:
    """A captured screen with what may be asked about it."""

    name: str
    part: str
    image: Path
    elements: list[Element]
    spoken: list[Spoken]
    area: int = 0
    """Pixels of the picture, where the list tells."""


def screens_of(folder: Path) -> list[ScreenToPrepare]:
    """All screens of a folder of captured ones, those with written instructions first. Raises BadInput."""
    training, validation = harvested_rows(folder)
    fitting, written = fitting_apps(training), spoken_on(folder.resolve().name)
    found = []
    for rows, part in ((training, "training"), (validation, "validation")):
        for row in rows:
            elements = [e for e in map(as_element, row["elements"]) if e is not None]
            name = f"{folder.resolve().name}-{Path(row['image']).stem}"
            which = "fitting" if row["app"] in fitting else part
            spoken = list(written.get(row["image"], ()))
            area = row.get("width", 0) * row.get("height", 0)
            found.append(ScreenToPrepare(name, which, folder / row["image"], elements, spoken, area))
    return sorted(found, key=lambda s: not s.spoken)


class ListedReader:
    """ "Reads" the names that a screen's list says are written in their boxes, for screens that nobody has read yet."""

    def __init__(self, elements: Sequence[Element]) -> None:
        self._elements = elements

    def read(self, image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], region: Rect | None = None) -> list[TextBox]:
        boxes = []
        for element in self._elements:
            if element.kind == "text":
                rect = drawing(image, Rect(*map(float, element.box)))
                words = proportional_words(element.label, rect)
                boxes += [TextBox(element.label, rect, 0.99, words)] if words else []
        return sorted(boxes, key=lambda b: (round(b.rect.center.y / 12), b.rect.left))


def prepare(screen: ScreenToPrepare, model: PointerModel, matcher: Matcher, reader: Reader, out: Path) -> None:
    """Stores one screen as a safetensors file."""
    image = load_image(screen.image)
    pixels = np.asarray(image)
    texts = reader.read(pixels)
    elements = find_elements(pixels, texts)
    looks = Looks(matcher, pixels, elements, texts)
    reading = reading_of(elements, texts, looks.read, looks.rects, looks.seen)
    with torch.inference_mode():
        view = model.runner.view(image, model.processor, {})
    about = {
        "name": screen.name,
        "part": screen.part,
        "size": [image.width, image.height],
        "shape": list(view.map_shape),
        "elements": [[e.role, e.box, e.label, e.kind, e.icon, e.says] for e in screen.elements],
        "spoken": [[s.box, s.instruction, s.indirect] for s in screen.spoken],
        "sorts": [s.sort for s in reading.shapes],
    }
    tensors = {
        "merged": view.sight.merged.to(torch.bfloat16),
        "texts": _table(reading.texts),
        "text_vectors": torch.from_numpy(reading.text_vectors.reshape(-1, SENSE)).to(torch.bfloat16),
        "looks": _table(reading.looks),
        "look_vectors": torch.from_numpy(reading.look_vectors.reshape(-1, SENSE)).to(torch.bfloat16),
        "named": _table([rect for rect, _ in reading.named]),
        "named_by": torch.tensor([number for _, number in reading.named], dtype=torch.int32),
        "shapes": _table([s.rect for s in reading.shapes]),
    }
    partial = out / f"{screen.name}.partial"
    save_file({k: v.contiguous() for k, v in tensors.items()}, partial, metadata={"about": json.dumps(about)})
    partial.replace(out / f"{screen.name}.safetensors")


def _table(rects: Sequence[Rect]) -> Tensor:
    return torch.tensor([r.as_tuple() for r in rects], dtype=torch.float32).view(-1, 4)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A stored screen, opened."""

    name: str
    part: str
    size: Size
    """Of the capture."""
    shape: tuple[int, int]
    """Rows and columns of patches."""
    merged: Tensor
    """[V, d] of the vision tower."""
    reading: Reading
    elements: list[Element]
    spoken: list[Spoken]

    def on_patches(self, cell: int) -> PatchReading:
        from reticle_grounding.geometry import Transform

        model = Size(self.shape[1] * cell, self.shape[0] * cell)
        return on_patches(self.reading, Transform.for_image(self.size, model, cell), self.shape)


def part_of(path: Path) -> str:
    """The part of the data that a stored screen belongs to, without opening the rest. Raises BadInput."""
    from safetensors import safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            return str(json.loads(file.metadata()["about"])["part"])
    except Exception as error:
        raise BadInput(f"{path} is no prepared screen: {error}") from error


def open_prepared(path: Path) -> Prepared:
    """Raises BadInput for a file that is none of ours."""
    from safetensors import safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            about = json.loads(file.metadata()["about"])
        t = load_file(path)
    except Exception as error:
        raise BadInput(f"{path} is no prepared screen: {error}") from error

    def rects(name: str) -> list[Rect]:
        return [Rect(*row) for row in t[name].tolist()]

    shapes = tuple(Proposal(rect, sort) for rect, sort in zip(rects("shapes"), about["sorts"], strict=True))
    named = tuple(zip(rects("named"), t["named_by"].tolist(), strict=True))
    vectors = {k: t[k].float().numpy() for k in ("text_vectors", "look_vectors")}
    reading = Reading(
        tuple(rects("texts")), vectors["text_vectors"], tuple(rects("looks")), vectors["look_vectors"], named, shapes
    )

    def box(values: Sequence[int]) -> Box:
        left, top, right, bottom = values
        return left, top, right, bottom

    elements = [
        Element(r, box(b), label, kind, icon, 0, tuple(says)) for r, b, label, kind, icon, says in about["elements"]
    ]
    spoken = [Spoken(box(b), words, indirect) for b, words, indirect in about["spoken"]]
    rows, columns = about["shape"]
    return Prepared(
        about["name"], about["part"], Size(*about["size"]), (rows, columns), t["merged"], reading, elements, spoken
    )


def prepare_all(
    screens: Sequence[ScreenToPrepare],
    out: Path,
    model_dir: Path,
    matcher_dir: Path,
    texts: Path,
    *,
    read: bool = True,
    bf16: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Prepares those screens that ``out`` does not hold yet.

    Args:
        texts: folder that keeps what was read on each screen.
        read: read screens that were not read before; else their lists serve.
        bf16: vision tower in bfloat16, where the processor is fast at it.
        progress: called with (done, all).
    """
    out.mkdir(parents=True, exist_ok=True)
    model, matcher = PointerModel.open(model_dir), open_matcher(matcher_dir)
    if bf16:
        model.module.backbone.model.visual.to(torch.bfloat16)
    kept = KeptReader(TextReader(), texts)
    for number, screen in enumerate(screens, 1):
        if not (out / f"{screen.name}.safetensors").is_file():
            known = read or kept.knows(np.asarray(load_image(screen.image)))
            prepare(screen, model, matcher, kept if known else ListedReader(screen.elements), out)
        if progress is not None:
            progress(number, len(screens))


def main() -> None:
    """Prepares the screens of folders of captured ones; run it once per core with another --rank."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--captured", type=Path, action="append", required=True)
    parser.add_argument("--model", type=Path, required=True, help="folder with pointer and matcher")
    parser.add_argument("--texts", type=Path, required=True, help="folder that keeps what was read on each screen")
    parser.add_argument("--part", action="append", choices=PARTS, help="only these screens")
    parser.add_argument(
        "--read", action="store_true", help="read screens that were not read before; else use their lists"
    )
    parser.add_argument("--bf16", action="store_true", help="bfloat16 arithmetic, where the processor is fast at it")
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--rank", type=int, default=0)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    screens = [s for folder in chosen.captured for s in screens_of(folder) if s.part in (chosen.part or PARTS)]
    rng = Random(5)  # small screens first, mostly: the vision tower's time grows with the square of their area
    screens = sorted(screens, key=lambda s: (not s.spoken, s.area * rng.uniform(0.3, 1.0)))[: chosen.limit]

    def report(done: int, every: int) -> None:
        if done % 20 == 0 or done == every:
            sys.stderr.write(f"{done}/{every}\n")
            sys.stderr.flush()

    own = screens[chosen.rank :: chosen.workers]
    prepare_all(
        own, chosen.out, chosen.model, chosen.model, chosen.texts, read=chosen.read, bf16=chosen.bf16, progress=report
    )


if __name__ == "__main__":
    main()
