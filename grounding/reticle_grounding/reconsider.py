"""One answer reconsidered: other wordings first, the cheap ones, then a second look where it is still unsure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from .evidence import Draft, without_twins
from .geometry import Rect, Size, Transform
from .opinions import CONSULTED, Opinion, Pooled, Pooling, Ranked, load_pooling, pooled, same_place
from .second_look import MAX_CROPS, SecondLookRule, crops_for
from .types import Heard, HeardKind

WEIGHED = 50
"""Best places of an answer that are weighed again; as many as may be asked for."""
EVIDENCE: Mapping[HeardKind, str] = {"wording": "wordings", "second look": "second_look"}
"""Names under which a candidate's evidence tells what each kind of opinion said."""


@dataclass(frozen=True, slots=True)
class Reconsidered:
    """The answer after all opinions; without any, the first answer itself."""

    ranked: Ranked
    opinions: tuple[Opinion, ...] = ()
    evidence: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    """``id`` of a draft -> what the opinions said about it."""

    def with_opinions(self, opinions: Sequence[Opinion]) -> Reconsidered:
        """After further opinions of one kind; the same without any."""
        if not opinions:
            return self
        kind = opinions[0].kind
        found = pooled(without_twins(self.ranked, WEIGHED), opinions, _law(kind))
        evidence = dict(self.evidence)
        for one in found:
            evidence[id(one.place.draft)] = {**evidence.get(id(one.place.draft), {}), **_said(kind, one)}
        return Reconsidered([(f.p_true, f.place.draft) for f in found], (*self.opinions, *opinions), evidence)

    def heard(self) -> tuple[Heard, ...]:
        """The opinions for the record, each with whether it points where the answer does."""
        best = self.ranked[0][1] if self.ranked else None
        return tuple(_heard(opinion, best) for opinion in self.opinions)


def _said(kind: HeardKind, one: Pooled) -> dict[str, float]:
    name, place = EVIDENCE[kind], one.place
    if not place.spoken:
        return {}
    return {f"{name}_before": place.first, f"{name}_mean": place.mean, f"{name}_agree": place.share}


def _heard(opinion: Opinion, best: Draft | None) -> Heard:
    p, draft = opinion.ranked[0] if opinion.ranked else (None, None)
    agrees = draft is not None and best is not None and same_place(draft, best)
    point = None if draft is None else draft.point
    return Heard(opinion.kind, opinion.instruction, opinion.part, point, p, agrees)


@lru_cache(maxsize=2)
def _law(kind: HeardKind) -> Pooling:
    return load_pooling(kind)


def look_again(
    ranked: Ranked,
    size: Size,
    seen: Transform,
    rule: SecondLookRule,
    ask: Callable[[Rect], Ranked],
    instruction: str,
) -> list[Opinion]:
    """Second looks where the rule wants them: none where the first answer is sure and large enough, or is none at all.

    Args:
        size: of the capture.
        seen: capture -> model, for the size of the first answer in the model's pixels.
        ask: what the grounder says about a part of the capture, in capture pixels.
    """
    best = without_twins(ranked, min(rule.budget, MAX_CROPS) + 2)
    if not best or not rule.wanted(best[0][0], best[0][1].region, seen):
        return []
    parts = crops_for([draft.point for _, draft in best], size, rule)
    return [Opinion("second look", instruction, part, without_twins(ask(part), CONSULTED)) for part in parts]
