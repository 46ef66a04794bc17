"""How often is the grounder right, and does it know when? Asks about labelled targets and counts.

What targets, sets, baselines and figures are is told in the modules of :mod:`reticle_grounding.evaluation`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from .evaluation import counting
from .evaluation.baselines import largest_match, text_search
from .evaluation.counting import Outcome, share
from .evaluation.presets import Applied, rescaled
from .evaluation.results import Evaluation, KindResult, Sized
from .evaluation.risk import Answer
from .evaluation.sets import AbsentChoice, TargetSet, listed
from .evaluation.targets import Target, by_image, read_targets
from .geometry import Affine, Point
from .images import load_image
from .ocr import TextBox
from .predictor import Grounder, Observation
from .sources import PointerSource

__all__ = ["Evaluation", "KindResult", "Target", "by_image", "evaluate", "evaluate_set", "read_targets"]

Progress = Callable[[int, int], None]
"""Targets done, targets in all."""


def evaluate(
    targets: Sequence[Target], grounder: Grounder, progress: Progress | None = None, *, baselines: bool = False
) -> Evaluation:
    """Grounds every target, one observation per picture, and counts. Raises BadInput for an unusable picture.

    With ``baselines`` plain text search answers too, on the text that the grounder reads.
    """
    return evaluate_set(listed("targets", targets), grounder, progress, baselines=baselines)


def evaluate_set(
    measured: TargetSet,
    grounder: Grounder,
    progress: Progress | None = None,
    *,
    baselines: bool = False,
    applied: Applied | None = None,
    answers: list[Answer] | None = None,
) -> Evaluation:
    """As :func:`evaluate`, for a set whose absent targets may be chosen once its screens have been read.

    Args:
        applied: the rule for the size of pictures; its limit of pixels must be that of the grounder already.
        answers: receives what the risk is computed from (near-absent targets left out).
    """
    outcomes: list[Outcome] = []
    near: list[Outcome] = []
    screens: list[float] = []
    for screen in measured.screens:
        image = load_image(screen.image)
        seen = rescaled(image, applied.rule.rescale_to) if applied and applied.rule.rescale_to else image
        observation = grounder.observe(seen)
        back = Affine.scaling(image.width / seen.width, image.height / seen.height)
        texts = _texts(observation, grounder) if baselines or screen.absent or screen.near else ()
        counted = [(target, outcomes) for target in (*screen.targets, *_chosen(screen.absent, texts))]
        for target, group in [*counted, *((target, near) for target in _chosen(screen.near, texts))]:
            outcome = _ask(observation, target, back)
            group.append(_with_baselines(outcome, texts, back) if baselines else outcome)
            if progress is not None:
                progress(len(outcomes) + len(near), measured.planned)
        screens.append(sum(observation.screen_ms.values()))
    if progress is not None and len(outcomes) + len(near) < measured.planned:
        progress(len(outcomes) + len(near), len(outcomes) + len(near))
    if answers is not None:
        answers += [outcome.answer for outcome in outcomes]
    return _summary(measured, outcomes, near, screens, grounder, baselines, applied)


def _chosen(choice: AbsentChoice | None, texts: Sequence[TextBox]) -> list[Target]:
    return [] if choice is None else choice([box.text for box in texts])


def _texts(observation: Observation, grounder: Grounder) -> Sequence[TextBox]:
    """The whole screen's text; where the grounder does not read all of it, read apart so that it gains nothing."""
    if grounder.config.reading == "screen":
        return observation.texts()
    return grounder.reader.read(np.asarray(observation.image))


def _ask(observation: Observation, target: Target, back: Affine) -> Outcome:
    """``back`` maps the observed picture to the target's."""
    known = sum(observation.screen_ms.values())
    start = time.perf_counter()
    explained = observation.explain(target.instruction)
    grounding = explained.grounding
    own = (time.perf_counter() - start) * 1000 - (sum(observation.screen_ms.values()) - known)
    once = {"process", "vision", "prefill", "total"} | set(observation.screen_ms)
    phases = {name: ms for name, ms in grounding.timings_ms.items() if name not in once}
    return Outcome(
        target,
        tuple(_right(target, c.point, back) for c in grounding.candidates),
        grounding.candidates[0].p_true if grounding.candidates else None,
        grounding.threshold,
        grounding.found,
        _right(target, explained.by_attention(), back),
        _right(target, explained.by_text(), back),
        {**phases, "total": own},
        looked_again=any(o.kind == "second look" for o in grounding.opinions),
    )


def _with_baselines(outcome: Outcome, texts: Sequence[TextBox], back: Affine) -> Outcome:
    target = outcome.target
    hits = tuple(_right(target, point, back) for point in text_search(target.instruction, texts))
    largest = _right(target, largest_match(target.instruction, texts), back)
    return replace(outcome, search_hits=hits, largest_hit=largest)


def _right(target: Target, point: Point | None, back: Affine) -> bool:
    return target.holds(None if point is None else back.point(point))


def _sized(grounder: Grounder, applied: Applied | None) -> Sized:
    return {
        "preset": applied.preset.name if applied else None,
        "source": applied.preset.source if applied else None,
        "asked_max_pixels": applied.rule.max_pixels if applied else grounder.config.max_pixels,
        "max_pixels": grounder.source.max_pixels if isinstance(grounder.source, PointerSource) else None,
        "rescaled_to": applied.rule.rescale_to if applied else None,
    }


def _summary(
    measured: TargetSet,
    outcomes: Sequence[Outcome],
    near: Sequence[Outcome],
    screens: Sequence[float],
    grounder: Grounder,
    baselines: bool,
    applied: Applied | None,
) -> Evaluation:
    present = [o for o in outcomes if o.present]
    absent = [o for o in outcomes if not o.present]
    answers = [o.answer for o in outcomes]
    shipped, keeping = outcomes[0].threshold, counting.rejection_keeping(answers)
    own = [o.timings_ms["total"] for o in outcomes]
    return {
        "n": len(outcomes),
        "absent": len(absent),
        "accuracy": share(o.right for o in present),
        "accuracy_found": share(o.found and o.right for o in present),
        "hit_at_3": share(any(o.hits[:3]) for o in present),
        "by_kind": {kind: counting.kind_result(group) for kind, group in counting.by_kind(present).items()},
        "attention_only_accuracy": share(o.attention_hit for o in present),
        "text_only_accuracy": share(o.text_hit for o in present),
        "found_rate": share(o.found for o in present),
        "absent_rejection": share(not o.found for o in absent),
        "at_shipped_threshold": counting.rejection(answers, shipped),
        "at_threshold_keeping_95": keeping,
        "near_absent": counting.near_absent([o.answer for o in near], shipped, keeping["threshold"]),
        "risk": counting.risk(answers),
        "calibration": counting.calibration(answers),
        "baselines": counting.baselines(present) if baselines else None,
        "published": counting.published(measured.origin, outcomes),
        "sized": _sized(grounder, applied),
        "vlm_verifier": grounder.config.vlm_verifier,
        "wordings": grounder.config.wordings,
        "second_look": grounder.config.second_look is not None,
        "looked_again": share(o.looked_again for o in outcomes) or 0.0,
        "screens": len(screens),
        "ms_p50": round(float(np.percentile(own, 50)), 1),
        "ms_p90": round(float(np.percentile(own, 90)), 1),
        "ms_screen_p50": round(float(np.percentile(screens, 50)), 1),
        "ms_by_phase": _means(outcomes),
        "reading": grounder.config.reading,
        "model": grounder.name,
    }


def _means(outcomes: Sequence[Outcome]) -> dict[str, float]:
    names = sorted({name for o in outcomes for name in o.timings_ms})
    return {name: round(sum(o.timings_ms.get(name, 0.0) for o in outcomes) / len(outcomes), 1) for name in names}
