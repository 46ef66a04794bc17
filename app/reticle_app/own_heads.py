"""Heads of one's own: made of recorded runs, kept in the user's data folder, used by an option or the settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from reticle_grounding.errors import BadInput

from .config import Settings

if TYPE_CHECKING:
    from reticle_agent.trace.export.own_steps import OwnStep, OwnSteps
    from reticle_grounding.own_head_fit import Labelled
    from reticle_grounding.predictor import Grounder, Observation

NONE = "none"
"""Said instead of a file: the shipped law, whatever the settings name."""
SUFFIX = ".json"
ABSENT_PER_PICTURE = 2
SEED = 7
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Trained:
    """What became of the steps."""

    path: Path | None
    """The head's file; None when it was not better on held-out steps, and nothing was written."""
    why: str | None
    """Why it is not better."""
    measured: dict[str, str | int | float | None]
    traces: int
    left_out: Sequence[str]


def steps_to_learn(folder: Path, out: Path | None) -> OwnSteps:
    """The labelled steps of the traces in ``folder``, found before any model is opened.

    Raises BadInput when there is no trace, the steps are too few, or ``out`` is no name of a head's file.
    """
    from reticle_agent.trace.export.own_steps import OwnSteps
    from reticle_grounding.own_head_fit import enough

    if out is not None and (out.suffix != SUFFIX or out.is_dir()):
        raise BadInput(f"--out {out}: the name of a head's file ends in {SUFFIX}")
    own = OwnSteps.read(folder)
    enough(len(own.steps), len({step.group for step in own.steps}))
    return own


def train_head(
    own: OwnSteps, grounder: Grounder, out: Path | None, heads: Path, progress: Progress | None = None
) -> Trained:
    """Fits a head on the steps and measures it on those held out.

    Args:
        own: as :func:`steps_to_learn` finds them.
        grounder: with the shipped law.
        out: file to write; None is a new one in ``heads``, named after model, fingerprint and time.
        progress: called with (pictures done, all).

    Raises BadInput when there is nothing to learn, or ``out`` cannot be written.
    """
    from reticle_grounding.features import FEATURES
    from reticle_grounding.own_head import Head, model_of
    from reticle_grounding.own_head_fit import fit_head
    from reticle_grounding.risk_curve import calibration_digest

    fingerprint = model_of(grounder)
    law, measured = fit_head(_samples(own, grounder, progress), grounder.calibration, FEATURES)
    created = datetime.now(timezone.utc).isoformat(timespec="seconds")
    figures: dict[str, str | int | float | None] = {"traces": own.traces, **measured.figures()}
    why = measured.fault()
    path: Path | None = None
    if why is None:
        head = Head(law, grounder.name, fingerprint, calibration_digest(), created, figures)
        name = f"{re.sub(r'[^A-Za-z0-9.]+', '-', head.model)}-{fingerprint[:12]}-{head.name.removeprefix('head-')}"
        path = head.save(out or heads / f"{name}{SUFFIX}")
    return Trained(path, why, figures, own.traces, own.left_out)


def _samples(own: OwnSteps, grounder: Grounder, progress: Progress | None) -> list[Labelled]:
    from reticle_grounding.own_head_fit import labelled

    total = len({(step.trace, step.target.frame) for step in own.steps})
    found: list[Labelled] = []
    for done, (picture, steps) in enumerate(own.pictures(), 1):
        observation = grounder.observe(picture)
        for step in steps:
            target = step.target
            assert target.by is not None, "labels are vouched for"
            found.append(labelled(observation, target.words, target.region, target.point, step.group, target.by))
        for words in _absent(own, steps[0], observation):
            found.append(labelled(observation, words, None, None, steps[0].group, "none"))
        if progress is not None:
            progress(done, total)
    return found


def _absent(own: OwnSteps, here: OwnStep, observation: Observation) -> list[str]:
    """Instructions for texts of other tasks' screens of which no content word is read on this one."""
    from reticle_grounding.training.absent import AbsentCandidate, content_words, unread
    from reticle_grounding.training.instructions import Target

    others = {s.target.words: s for s in own.steps if s.group != here.group and s.target.text is not None}
    order = sorted(others)
    Random(f"{SEED} {here.trace.name} {here.target.frame}").shuffle(order)
    candidates = [
        AbsentCandidate(Target(words, None, "text", "", False), tuple(sorted(found)))
        for words in order
        if (found := content_words(words) | content_words(others[words].target.text or ""))
    ]
    return [t.instruction for t in unread(candidates, [t.text for t in observation.texts()], ABSENT_PER_PICTURE)]


def head_file(choice: str | None, settings: Settings) -> Path | None:
    """The file that ``--head`` or else the settings name; None is the shipped law.

    Raises BadInput for a name that nothing has.
    """
    asked = choice if choice is not None else None if settings.head is None else str(settings.head)
    if asked is None or asked == NONE:
        return None
    places = (Path(asked), settings.heads / asked, settings.heads / f"{asked}{SUFFIX}")
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise BadInput(
            f"there is no head {asked}, neither a file nor a name in {settings.heads}; `reticle heads list` shows "
            f"those there are, --head {NONE} does without"
        )
    return found


def with_head(grounder: Grounder, file: Path | None) -> Grounder:
    """The grounder weighing by the head of ``file``, or as it is without one.

    Raises BadInput for a file that is no head, one of another model, and one that is not better.
    """
    from reticle_grounding.own_head import load_head, use_head

    return grounder if file is None else use_head(grounder, load_head(file), file)


def kept_heads(settings: Settings) -> list[Path]:
    """The files in the user's folder of heads, oldest first."""
    found = settings.heads.glob(f"*{SUFFIX}") if settings.heads.is_dir() else ()
    return sorted(found, key=lambda path: (path.stat().st_mtime, path.name))
