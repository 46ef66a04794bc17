"""What the judge is trained on: instructions with the captions of their candidates, kept as JSON lines.

They come from captured screens of the training applications, weighed as at work. The applications that calibration is
fitted on, and those of validation, stay apart.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Literal, get_args

import numpy as np

from reticle_grounding.errors import BadInput, ReticleError
from reticle_grounding.geometry import Rect
from reticle_grounding.images import load_image
from reticle_grounding.ocr import TextReader

from .fitting_targets import FittingScreen, screens_of
from .harvested import fitting_apps, harvested_rows

Part = Literal["training", "fitting", "validation"]
ABSENT_PER_SCREEN = 3


@dataclass(frozen=True, slots=True)
class JudgeSample:
    """One instruction."""

    instruction: str
    captions: list[str]
    """Of all candidates, those that screening holds best first."""
    right: list[bool]
    spoken: bool
    """Written for this screen, not made from a name."""
    kind: str


def screens_of_part(folder: Path, part: Part) -> list[FittingScreen]:
    """Screens of one part of a folder's applications. Raises BadInput as :func:`harvested_rows` does."""
    training, validation = harvested_rows(folder)
    kept = fitting_apps(training)
    if part == "validation":
        return screens_of(folder, validation)
    return screens_of(folder, [r for r in training if (r["app"] in kept) == (part == "fitting")])


def collect(
    folders: Sequence[Path], part: Part, model: Path | None, texts: Path | None, threads: int, known: bool
) -> Iterator[JudgeSample]:
    """Weighs every screen's instructions; ``known`` skips screens that ``texts`` does not hold yet."""
    from reticle_grounding.fitting import SEED, KeptReader
    from reticle_grounding.predictor import Grounder

    grounder = Grounder.open(model)
    reader = TextReader(threads)
    kept = KeptReader(reader, texts) if texts is not None else None
    grounder.reader = kept or reader
    for screen in (s for folder in folders for s in screens_of_part(folder, part)):
        picture = load_image(screen.image)
        if known and kept is not None and not kept.knows(np.asarray(picture)):
            continue
        observation = grounder.observe(picture)
        lines = [t.text for t in observation.texts()]
        targets = screen.targets(Random(f"{SEED} {screen.image.name}"), lines, ABSENT_PER_SCREEN)
        for number, target in enumerate(targets):
            screened = observation.screened(target.instruction)
            box = Rect(*map(float, target.bbox)) if target.bbox else None
            right = [box is not None and box.contains(draft.point) for draft in screened.drafts]
            captions = observation.captions(screened)
            yield JudgeSample(target.instruction, captions, right, number < len(screen.spoken), target.kind)


def read(path: Path) -> list[JudgeSample]:
    """Raises BadInput naming the file and what is wrong."""
    try:
        return [JudgeSample(**json.loads(line)) for line in path.read_text("utf-8").splitlines() if line]
    except (OSError, ValueError, TypeError) as error:
        raise BadInput(f"cannot read the judge's samples {path}: {error}") from error


def main() -> int:
    """Collects samples for the judge from captured screens."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path, help="file to write, JSON lines")
    parser.add_argument("--captured", type=Path, action="append", required=True, help="folder of captured screens")
    parser.add_argument("--part", choices=get_args(Part), default="training")
    parser.add_argument("--model", type=Path, default=None, help="model folder; the embedded model by default")
    parser.add_argument("--texts", type=Path, default=None, help="folder that keeps what is read on each screen")
    parser.add_argument("--known", action="store_true", help="only screens whose texts are kept there already")
    parser.add_argument("--threads", type=int, default=2, help="threads for reading")
    chosen = parser.parse_args()
    try:
        with chosen.out.open("w", encoding="utf-8") as file:
            samples = collect(chosen.captured, chosen.part, chosen.model, chosen.texts, chosen.threads, chosen.known)
            for count, sample in enumerate(samples, 1):
                file.write(json.dumps(asdict(sample), ensure_ascii=False) + "\n")
                if count % 100 == 0:
                    sys.stderr.write(f"\r{count} instructions")
    except ReticleError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
