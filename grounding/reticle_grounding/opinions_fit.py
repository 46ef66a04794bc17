"""Fits the constants of opinions: how much other wordings, or a second look, change the first answer's log-odds.

Asked on the captured screens that calibration is fitted on (``fitting_apps``), which neither the validation counts nor
matcher, channel and pointer were trained on::

    python -m reticle_grounding.opinions_fit wording --captured screens/desktop --captured screens/web
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import cast

import numpy as np
import numpy.typing as npt
from scipy import optimize

from .errors import ReticleError
from .fitting import ABSENT_PER_SCREEN, SEED, KeptReader
from .geometry import Rect
from .images import load_image
from .opinions import DATA_FILE, NO_CHANGE, Place, Pooling, places, save_pooling
from .second_look import SecondLookRule
from .types import HeardKind
from .wordings import wordings

KINDS: dict[str, HeardKind] = {"wording": "wording", "second-look": "second look"}
ALONE = 0.5
"""Weight of how true the best place's probability is, beside choosing among all places."""
HELD = 20.0
"""Penalty on the squared distance of the constants from those that change nothing: a few screens change little."""
WORDINGS = 3
PLACES = 20
"""Best places of the first answer that are weighed."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """One instruction: all places, and which of them are right."""

    places: list[Place]
    right: list[bool]
    absent: bool


def fit(samples: Sequence[Asked]) -> Pooling:
    """The constants under which the right places (or none) are most likely; ``own``, ``others``, ``agreed`` >= 0.

    Raises ReticleError when there is nothing right or nothing wrong to learn from.
    """
    tables = [_table(s) for s in samples if s.places]
    right = sum(int(y.sum()) for _, y in tables)
    if not 0 < right < sum(len(y) for _, y in tables):
        raise ReticleError("opinions need right and wrong places to be fitted on; the screens gave only one kind")
    start = np.array([NO_CHANGE.own, NO_CHANGE.others, NO_CHANGE.agreed])

    def loss(theta: npt.NDArray[np.float64]) -> float:
        total = 0.0
        for x, y in tables:
            z = x @ theta
            top = max(0.0, float(z.max()))
            weight, none = np.exp(z - top), np.exp(-top)
            good = float((weight * y).sum()) if y.any() else none
            total += float(np.log(weight.sum() + none) - np.log(max(good, 1e-30)))
            best = int(z.argmax())
            total += ALONE * float(np.logaddexp(0.0, z[best]) - y[best] * z[best])
        return (total + HELD * float(((theta - start) ** 2).sum())) / len(tables)

    found = optimize.minimize(loss, start, method="L-BFGS-B", bounds=[(0.0, 4.0)] * 3)
    own, others, agreed = (float(v) for v in found.x)
    return Pooling(own, others, agreed)


def _table(sample: Asked) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Rows that the constants (own, others, agreed) are multiplied with, and what is right."""
    rows = [[p.first, p.mean, p.share] for p in sample.places]
    return np.array(rows), np.array(sample.right, dtype=np.float64)


def figures(samples: Sequence[Asked], law: Pooling) -> dict[str, int | float | None]:
    """What first answers become under a law: right ones among the present, and error and Brier score of ``p_true``."""
    from .evaluation.risk import Answer, brier, calibration_error, reliability

    answers = []
    for sample in samples:
        scored = [place.logit(law) for place in sample.places]
        best = int(np.argmax(scored)) if scored else None
        p = None if best is None else float(1.0 / (1.0 + np.exp(-scored[best])))
        answers.append(Answer(p, best is not None and sample.right[best], not sample.absent))
    present = [a.right for a in answers if a.present]
    error, squared = calibration_error(reliability(answers)), brier(answers)
    return {
        "accuracy": round(sum(present) / len(present), 4) if present else None,
        "ece": None if error is None else round(error, 4),
        "brier": None if squared is None else round(squared, 4),
    }


def collect(
    folders: Sequence[Path],
    kind: HeardKind,
    every: int = 1,
    limit: int | None = None,
    texts: Path | None = None,
    progress: Progress | None = None,
) -> Iterator[Asked]:
    """Asks on every ``every``-th fitting screen; instructions without a further opinion are left out.

    Args:
        limit: screens at most.
        texts: keeps what is read on each screen and crop for the next fit.
        progress: called with (screens done, all).

    Raises as :func:`reticle_grounding.fitting.fit_on_captured` does.
    """
    from .evidence import without_twins
    from .options import GroundingConfig
    from .predictor import Grounder
    from .training.fitting_targets import fitting_screens

    rule = SecondLookRule()
    grounder = Grounder.open(config=GroundingConfig(second_look=rule))
    if texts is not None:
        grounder.reader = KeptReader(grounder.reader, texts)
    screens = [s for folder in folders for s in fitting_screens(folder)][::every][:limit]
    for done, screen in enumerate(screens, 1):
        observation = grounder.observe(load_image(screen.image))
        rng = Random(f"{SEED} {screen.image.name}")
        lines = [t.text for t in observation.texts()]
        for target in screen.targets(rng, lines, ABSENT_PER_SCREEN):
            weighed = observation.weigh(target.instruction)
            first = without_twins(weighed.ranked(grounder.calibration), PLACES)
            if kind == "wording":
                said = wordings(target.instruction, WORDINGS)
                opinions = [observation.in_other_words(words) for words in said]
            else:
                opinions = observation.looked_again(target.instruction, first)
            if not opinions:
                continue
            found = places(first, opinions)
            box = Rect(*map(float, target.bbox)) if target.bbox else None
            right = [box is not None and box.contains(p.draft.point) for p in found]
            yield Asked(found, right, box is None)
        if progress is not None:
            progress(done, len(screens))


def main(arguments: Sequence[str] | None = None) -> int:
    """Fits one kind of opinion; prints constants and figures before and after (on the fit's own screens) as JSON."""
    parser = argparse.ArgumentParser(prog="python -m reticle_grounding.opinions_fit", description=main.__doc__)
    parser.add_argument("kind", choices=sorted(KINDS))
    parser.add_argument("--captured", type=Path, action="append", required=True, help="folder of captured screens")
    parser.add_argument("--every", type=int, default=1, help="ask on one fitting screen in so many")
    parser.add_argument("--screens", type=int, default=None, help="and on so many at most")
    parser.add_argument("--texts", type=Path, default=None, help="folder that keeps what is read on each screen")
    parser.add_argument("--out", type=Path, default=DATA_FILE, help="file to write; the shipped one by default")
    chosen = parser.parse_args(arguments)
    try:
        kind = KINDS[chosen.kind]
        samples = list(collect(chosen.captured, kind, max(1, chosen.every), chosen.screens, chosen.texts, _progress))
        law = fit(samples)
        named = " ".join(f"--captured {folder.parent.name}/{folder.name}" for folder in chosen.captured)
        command = f"python -m reticle_grounding.opinions_fit {chosen.kind} {named} --every {chosen.every}"
        command += "" if chosen.screens is None else f" --screens {chosen.screens}"
        before, after = figures(samples, NO_CHANGE), figures(samples, law)
        told = {f"{name}_before": v for name, v in before.items()} | {f"{name}_after": v for name, v in after.items()}
        law = replace(law, meta={"command": command, "instructions": len(samples), **told})
        save_pooling(kind, law, cast(Path, chosen.out))
    except ReticleError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(json.dumps({"own": law.own, "others": law.others, "agreed": law.agreed, **law.meta}) + "\n")
    return 0


def _progress(done: int, total: int) -> None:
    sys.stderr.write(f"\r{done}/{total}" + ("\n" if done == total else ""))
    sys.stderr.flush()


if __name__ == "__main__":
    raise SystemExit(main())
