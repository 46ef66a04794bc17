"""Further opinions on one instruction, from other wordings and closer looks, and what they change of ``p_true``.

An opinion is the ranked answer of the same grounder to the same question put differently. Candidates of all opinions
are joined by place, and a small law adds to the log-odds of the first answer what the others say about that place. It
never lowers a candidate for being agreed with (its constants are not negative); :mod:`.opinions_fit` fits it, and it
lies in ``data/opinions.json`` beside the calibration, which stays as it is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias, cast

from .calibration import probability
from .errors import ReticleError
from .evidence import Draft
from .geometry import Rect
from .types import HeardKind

DATA_FILE = Path(__file__).parent / "data" / "opinions.json"
LEAST, MOST = -5.0, 6.0
"""Log-odds are held between these, and a place that an opinion does not know has the least."""
ADOPTED = 5
"""Best places of each opinion that join where the first answer does not have them."""
CONSULTED = 14
"""Best places of each opinion that are compared."""

Ranked: TypeAlias = Sequence[tuple[float, Draft]]
"""``p_true`` and draft (capture pixels), best first."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """One more answer."""

    kind: HeardKind
    instruction: str
    """As it was put."""
    part: Rect
    """What was looked at, capture pixels; it says nothing about places outside."""
    ranked: Ranked


@dataclass(frozen=True, slots=True)
class Pooling:
    """``own * first + others * mean + agreed * share``: the log-odds of a place that opinions speak about.

    ``first`` are the log-odds of the first answer, ``mean`` those of the opinions, ``share`` is how many of them have
    the place first. No constant is negative, so agreement never lowers a place; and there is none by itself, which
    would lift what is absent, too. Places that no opinion speaks about get ``own * first``.
    """

    own: float
    others: float
    agreed: float
    meta: Mapping[str, str | int | float | None] = field(default_factory=dict)
    """How it was fitted: command, n, and what it reached."""

    def __post_init__(self) -> None:
        if min(self.own, self.others, self.agreed) < 0:
            raise ReticleError("agreement would lower a candidate; the constants of opinions must not be negative")


NO_CHANGE = Pooling(1.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Place:
    """A candidate of any opinion and what is said about it."""

    draft: Draft
    first: float
    """Log-odds of the first answer, held."""
    mean: float
    """Mean log-odds of the opinions that speak about it; 0 where none does."""
    share: float
    """Share of these that have it first."""
    spoken: bool
    """Whether any opinion speaks about it."""

    def logit(self, law: Pooling) -> float:
        return law.own * self.first + law.others * self.mean + law.agreed * self.share


@dataclass(frozen=True, slots=True)
class Pooled:
    """A candidate after all opinions."""

    p_true: float
    place: Place


def pooled(first: Ranked, opinions: Sequence[Opinion], law: Pooling) -> list[Pooled]:
    """All places of the first answer and the best of the others, best first."""
    weighed = [(place.logit(law), place) for place in places(first, opinions)]
    return [Pooled(probability(z), p) for z, p in sorted(weighed, key=lambda pair: -pair[0])]


def places(first: Ranked, opinions: Sequence[Opinion]) -> list[Place]:
    """What is said about each place, finer ones before those they lie in and those that only opinions have last.

    What a second look finds inside a region of the first attention map is that place seen more sharply, and takes over
    the region's log-odds; other new places have the least.
    """
    known = [(draft, held(p)) for p, draft in first]
    finer: list[tuple[Draft, float]] = []
    new: list[tuple[Draft, float]] = []
    for opinion in opinions:
        for _, draft in opinion.ranked[:ADOPTED]:
            coarse = [z for d, z in known if opinion.kind == "second look" and _sharpens(draft, d)]
            if any(same_place(draft, d) for d, _ in (*known, *finer, *new) if not _sharpens(draft, d)):
                continue
            (finer if coarse else new).append((draft, max(coarse, default=LEAST)))
    return [_place(draft, logit, opinions) for draft, logit in (*finer, *known, *new)]


def _sharpens(fine: Draft, coarse: Draft) -> bool:
    """Whether a place lies inside a larger region of an attention map."""
    inside = coarse.region.contains(fine.point) and fine.region.area < coarse.region.area
    return inside and coarse.origin == "attention"


def _place(draft: Draft, first: float, opinions: Sequence[Opinion]) -> Place:
    said: list[float] = []
    tops = 0
    for opinion in opinions:
        if not opinion.part.contains(draft.point):
            continue
        at = next((i for i, (_, d) in enumerate(opinion.ranked[:CONSULTED]) if same_place(draft, d)), None)
        said.append(LEAST if at is None else held(opinion.ranked[at][0]))
        tops += at == 0
    count = len(said)
    return Place(draft, first, sum(said) / count if count else 0.0, tops / count if count else 0.0, count > 0)


def same_place(one: Draft, other: Draft) -> bool:
    """Whether a click on one is as good as a click on the other; regions more than six times larger mean something
    else."""
    if one.region.grown(2).contains(other.point) and other.region.grown(2).contains(one.point):
        return True
    small, large = sorted((one, other), key=lambda d: d.region.area)
    return large.region.contains(small.point) and large.region.area <= 6 * small.region.area


def held(p: float) -> float:
    """Log-odds of a probability, between :data:`LEAST` and :data:`MOST`."""
    p = min(max(p, 1e-9), 1.0 - 1e-9)
    return min(max(math.log(p / (1.0 - p)), LEAST), MOST)


def load_pooling(kind: HeardKind, path: Path = DATA_FILE) -> Pooling:
    """The constants for one kind of opinion. Raises ReticleError naming a file that is missing or malformed."""
    try:
        row = cast(dict[str, dict[str, object]], json.loads(path.read_text(encoding="utf-8")))[kind]
        numbers = {name: float(cast(float, row[name])) for name in ("own", "others", "agreed")}
        meta = cast(dict[str, str | int | float | None], row.get("meta", {}))
    except OSError as error:
        raise ReticleError(f"cannot read the constants of opinions {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReticleError(f"the constants of opinions {path} are not valid for {kind}s: {error!r}") from error
    if not all(math.isfinite(v) for v in numbers.values()):
        raise ReticleError(f"the constants of opinions {path} hold numbers that are not finite")
    return Pooling(**numbers, meta=meta)


def save_pooling(kind: HeardKind, law: Pooling, path: Path = DATA_FILE) -> None:
    """Writes the constants of one kind; those of the other stay."""
    document = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    numbers = {name: round(getattr(law, name), 5) for name in ("own", "others", "agreed")}
    document[kind] = {**numbers, "meta": dict(law.meta)}
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
