"""Fits the calibration: asks about screens with known answers and weighs what the evidence said.

The shipped file is fitted on captured screens of applications that the matcher was not trained on (``fitting_apps``),
with wordings that it was not trained with, and with targets that are not there; see :func:`fit_on_captured`. The law
alone also sees texts and fields of the other training applications, where it learns how labels stand to fields; what
the matcher makes of these applications is too good to take probabilities from.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, TypeAlias

from .calibration import DATA_FILE, Calibration
from .calibration_fit import Sample, fit
from .errors import ReticleError
from .geometry import Rect
from .images import load_image
from .ocr import Reader, RgbArray, TextBox, TextReader, Word
from .underlined import reread

if TYPE_CHECKING:
    from .predictor import Grounder, Observation

Meta: TypeAlias = dict[str, str | int | float | None]
Progress: TypeAlias = Callable[[int, int], None]
UNITS, STARTS, PENALTY = 12, 8, 30.0
SEED = 7
GENERATED_SEEDS = (7_000_000, 7_000_500)
"""Where painted screens for the fit begin; training and measuring use other seeds."""
ABSENT_PER_SCREEN = 3
GENERATED_WEIGHT = 4.0
"""Each target on a painted screen counts as so many: their boxes say exactly what is a field and what its label."""
ABSENT_WEIGHT = 4.0
"""And each absent target on a captured one: there are few of them, and clicking something else is worse than asking."""

FURTHER_WEIGHT = 0.5
"""And each one on a screen of an application that the matcher was trained on."""
BESIDE_MENU_WEIGHT = 0.25
"""And any for something outside an open menu, times this: lists hold all that is on the screen, but while a menu is
open people ask for its items; whatever else is pressed only closes it."""
WISH_WEIGHT = 0.3
"""And each wish that was written for a captured screen: there are more of them than people have among what they say."""
STILL_WEIGHT = 0.25
"""And any for a label or heading, times this: pressing one does nothing, and who says a label means what it labels."""
OUTSIDE = 0.5
"""What stands further outside than that is no title of the bar that the menu hangs from."""


class KeptReader:
    """A reader that keeps what it read of whole pictures in a folder, by the picture's pixels.

    Underlined letters are read anew in what an earlier version kept.
    """

    def __init__(self, reader: Reader, folder: Path) -> None:
        self._reader, self._folder = reader, folder
        folder.mkdir(parents=True, exist_ok=True)

    def read(self, image: RgbArray, region: Rect | None = None) -> list[TextBox]:
        if region is not None:
            return self._reader.read(image, region)
        path = self._file(image)
        if path.is_file():
            return reread([_box(row) for row in json.loads(path.read_text("utf-8"))])
        found = self._reader.read(image)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps([_row(box) for box in found], ensure_ascii=False), encoding="utf-8")
        partial.replace(path)
        return found

    def knows(self, image: RgbArray) -> bool:
        """Whether the whole picture was read before."""
        return self._file(image).is_file()

    def _file(self, image: RgbArray) -> Path:
        return self._folder / f"{hashlib.sha256(image.tobytes()).hexdigest()[:32]}.json"


def _row(box: TextBox) -> dict[str, object]:
    words = [[w.text, w.rect.as_tuple()] for w in box.words]
    return {"text": box.text, "rect": box.rect.as_tuple(), "score": box.score, "words": words}


def _box(row: dict[str, object]) -> TextBox:
    words = tuple(Word(text, Rect(*rect)) for text, rect in row["words"])  # type: ignore[attr-defined]
    return TextBox(str(row["text"]), Rect(*row["rect"]), float(str(row["score"])), words)  # type: ignore[misc]


def fit_calibration(
    targets: Path,
    model_dir: Path | None = None,
    *,
    out: Path | None = None,
    command: str = "",
    progress: Progress | None = None,
) -> Meta:
    """Fits on a targets file and writes the coefficients; returns what was reached.

    Args:
        targets: as :func:`reticle_grounding.evaluation.targets.read_targets` takes it; absent targets are negatives.
        model_dir: None is the embedded model.
        out: None replaces the shipped file.
        command: what made the file, kept in it; by default this command with the targets file's name.
        progress: called with (targets done, all).

    Raises BadInput for a bad targets file, CheckpointError for a bad model, ReticleError when nothing can be learnt.
    """
    from .predictor import Grounder

    grounder = Grounder.open(model_dir)
    samples = collect(targets, grounder, progress)
    return _write(samples, grounder, command or f"reticle calibrate {targets.name}", out or DATA_FILE)


def fit_on_captured(
    folders: Sequence[Path],
    model_dir: Path | None = None,
    *,
    generated: int = 0,
    further: int = 0,
    drawn: Sequence[Path] = (),
    texts: Path | None = None,
    out: Path | None = None,
    progress: Progress | None = None,
) -> Meta:
    """Fits on the ``fitting_apps`` of folders of captured screens; what made the shipped file. Errors as above.

    Args:
        generated: targets on painted screens beside them, half from each of :data:`GENERATED_SEEDS`; forms are rarer on
            the captured ones.
        further: screens of each other training application beside them.
        drawn: folders of screens drawn with widgets of a toolkit, all of which join those.
        texts: keeps what is read on each screen for the next fit.
        progress: called with (screens done, all).
    """
    from .predictor import Grounder
    from .training.fitting_targets import FittingScreen, all_screens, fitting_screens, further_screens
    from .training.targets import write_targets

    grounder = Grounder.open(model_dir)
    if texts is not None:
        grounder.reader = KeptReader(TextReader(), texts)
    screens: list[FittingScreen] = [s for folder in folders for s in fitting_screens(folder)]
    others = [s for folder in folders for s in further_screens(folder, further)] if further else []
    others += [s for folder in drawn for s in all_screens(folder)]
    samples: list[Sample] = []
    beside: list[Sample] = []
    painted: list[Sample] = []
    for done, screen in enumerate([*screens, *others], 1):
        apart = done > len(screens)
        observation = grounder.observe(load_image(screen.image))
        rng = Random(f"{SEED} {screen.image.name}")
        lines = [t.text for t in observation.texts()]
        for target in screen.targets(rng, lines, 0 if apart else ABSENT_PER_SCREEN):
            if apart and target.kind == "icon":
                continue
            box = Rect(*map(float, target.bbox)) if target.bbox else None
            sample = _sample(observation, target.instruction, box)
            sample["weight"] = STILL_WEIGHT if target.bbox in screen.still else 1.0
            if target.indirect and target in screen.spoken:
                sample["weight"] *= WISH_WEIGHT
            (beside if apart else samples).append(sample)
        if progress is not None:
            progress(done, len(screens) + len(others))
    for seed in GENERATED_SEEDS if generated else ():
        with tempfile.TemporaryDirectory() as folder:
            painted += collect(write_targets(Path(folder), seed, generated // len(GENERATED_SEEDS)), grounder)
    named = " ".join(f"--captured {folder.parent.name}/{folder.name}" for folder in folders)
    named += f" --generated {generated}" if generated else ""
    named += f" --further {further}" if further else ""
    named += "".join(f" --drawn {folder.name}" for folder in drawn)
    command = f"python -m reticle_grounding.fitting {named}"
    return _write(samples, grounder, command, out or DATA_FILE, painted, beside)


def _contradicts(sample: Sample) -> bool:
    """A right answer that is a bare text where a field was asked for: the words were understood wrongly."""
    return any(right and row.get("bare_for_field") for row, right in zip(sample["rows"], sample["right"], strict=True))


def _weighing(sample: Sample, weight: float) -> Sample:
    """The sample with that weight times its own, less where its answer stands outside an open menu."""
    answers = [row for row, right in zip(sample["rows"], sample["right"], strict=True) if right]
    outside = any(row.get("off_menu", 0.0) > OUTSIDE for row in answers)
    weight *= sample.get("weight", 1.0) * (BESIDE_MENU_WEIGHT if outside else 1.0)
    return Sample(rows=sample["rows"], right=sample["right"], absent=sample["absent"], weight=weight)


def _write(
    samples: Sequence[Sample],
    grounder: Grounder,
    command: str,
    out: Path,
    painted: Sequence[Sample] = (),
    beside: Sequence[Sample] = (),
) -> Meta:
    from .features import FEATURES

    samples, painted, beside = ([s for s in part if not _contradicts(s)] for part in (samples, painted, beside))
    weighed = [
        *(_weighing(s, ABSENT_WEIGHT if s["absent"] else 1.0) for s in samples),
        *(_weighing(s, GENERATED_WEIGHT) for s in painted),
    ]
    lighter = [_weighing(s, FURTHER_WEIGHT) for s in beside]
    fitted = fit(weighed, FEATURES, PENALTY, UNITS, STARTS, lighter)
    meta: Meta = {"command": command, "model": grounder.name, **fitted.meta}
    if lighter:
        meta["further"] = len(lighter)
    Calibration(fitted.weights, fitted.bias, fitted.threshold, meta, fitted.hidden).save(out)
    return {**meta, "threshold": round(fitted.threshold, 4), "written": str(out)}


def collect(targets: Path, grounder: Grounder, progress: Progress | None = None) -> list[Sample]:
    """Features and truth of every target's candidates. Raises BadInput for a bad targets file."""
    from .evaluation.targets import by_image, read_targets

    items = read_targets(targets)
    samples: list[Sample] = []
    for image, group in by_image(items):
        observation = grounder.observe(image)
        for target in group:
            samples.append(_sample(observation, target.instruction, target.box))
            if progress is not None:
                progress(len(samples), len(items))
    return samples


def _sample(observation: Observation, instruction: str, box: Rect | None) -> Sample:
    weighed = observation.weigh(instruction)
    right = [box is not None and box.contains(d.point) for d in weighed.drafts]
    return {"rows": [dict(r) for r in weighed.rows], "right": right, "absent": box is None}


def main(arguments: Sequence[str] | None = None) -> int:
    """Fits the shipped file again; prints what was reached as JSON."""
    parser = argparse.ArgumentParser(prog="python -m reticle_grounding.fitting", description=main.__doc__)
    parser.add_argument("--captured", type=Path, action="append", required=True, help="folder of captured screens")
    parser.add_argument("--generated", type=int, default=0, help="targets on painted screens beside them")
    parser.add_argument("--further", type=int, default=0, help="screens of each other training application beside them")
    parser.add_argument("--drawn", type=Path, action="append", default=[], help="folder of `reticle data tk` or `qt`")
    parser.add_argument("--model", type=Path, default=None, help="model folder; the embedded model by default")
    parser.add_argument("--texts", type=Path, default=None, help="folder that keeps what is read on each screen")
    parser.add_argument("--out", type=Path, default=None, help="file to write; the shipped one by default")
    chosen = parser.parse_args(arguments)
    try:
        result = fit_on_captured(
            chosen.captured,
            chosen.model,
            generated=chosen.generated,
            further=chosen.further,
            drawn=chosen.drawn,
            texts=chosen.texts,
            out=chosen.out,
            progress=_progress,
        )
    except ReticleError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(json.dumps(result) + "\n")
    return 0


def _progress(done: int, total: int) -> None:
    sys.stderr.write(f"\r{done}/{total}" + ("\n" if done == total else ""))
    sys.stderr.flush()


if __name__ == "__main__":
    raise SystemExit(main())
