"""The features of a draft: what calibration weighs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from .captions import Captions
from .evidence import NEAR_PX, Draft, Lookup, Scene, anchors, framed_fields, peaked
from .geometry import Point, Rect
from .kind_features import KIND_FEATURES, KindSense
from .rows import gap_beside, sides_of
from .words import DRAWN_SORTS, NO_MATCH, WRITTEN_SORTS, Match, Role, lacks_action, match, tokens

ROW_FEATURES = (
    "track_asked",
    "text_asked",
    "text_not_asked",
    "rest_row",
    "rest_drawn",
    "rest_drawn_top",
    "rest_meant",
    "rest_name",
    "next_to",
    "next_written",
    "next_drawn",
    "next_field",
    "anchor",
)
"""What a control's row or neighbour, or the kind of control that is named, says; 0 where the instruction tells none."""
USED_FEATURES = ("used", "used_top", "used_lead", "used_asked", "used_beyond")
"""What programs use a known drawing for."""
HEARD_FEATURES = ("heard", "heard_top", "heard_lead", "heard_often")
"""What people are known to say who want such a text."""
CAPTION_FEATURES = ("captioned", "caption_text", "caption_meant")
"""What the words beside or under a drawing say."""
FEATURES = (
    "region",
    "attention_peak",
    "attention_focus",
    "attention_lag",
    "attention_mass",
    "attended",
    "text",
    "text_exact",
    "text_precision",
    "text_recall",
    "text_gap",
    "text_ties",
    "text_whole",
    "text_quoted",
    "text_no_action",
    "entry",
    "entry_asked",
    "entry_colon",
    "entry_second",
    "entry_gap",
    "entry_below",
    "entry_track",
    "entry_signed",
    "mark",
    "mark_asked",
    "label_with_mark",
    "label_mark_asked",
    "text_for_icon",
    "label_with_entry",
    "label_has_entry",
    "sign_for_field",
    "bare_for_field",
    "alone_in_box",
    "text_long",
    "boxed_asked",
    "wide",
    "high",
    "holds_texts",
    "ordinal",
    "relation",
    "placed",
    "look",
    "look_top",
    "look_lead",
    "look_clear",
    "look_asked",
    "known",
    "named",
    "named_top",
    "named_lead",
    "named_clear",
    "meant",
    "meant_top",
    "meant_lead",
    "meant_only",
    *ROW_FEATURES,
    *USED_FEATURES,
    *CAPTION_FEATURES,
    *HEARD_FEATURES,
    *KIND_FEATURES,
)
"""Names of the features, in the order calibration stores them."""


BEHIND = 20.0
"""So far (capture pixels) behind the next place beside an anchor, another one counts half."""
ROW = 12
"""Places whose heights differ by less (capture pixels) are of one row."""


def describe(scene: Scene, made: Sequence[Draft]) -> list[dict[str, float]]:
    """The features of every draft; keys are exactly :data:`FEATURES`, values about -1..1."""
    look = Lookup(scene.attention, scene.transform)
    best = max((d.found.match.score for d in made if d.found), default=0.0)
    with_entry = {d.found.rect: d for d in made if d.found and d.kind in ("entry", "track") and d.place == 0}
    with_mark = {d.found.rect for d in made if d.found and d.kind == "mark"}
    signs = {d.look for d in made if d.kind in ("entry", "track") and d.found is None}
    ordered = _ordinal_fits(scene, made)
    beside, best_of_row = _Beside(scene), scene.best_of_row
    ties = _ties(made)
    lit = [look.mean(d.region) for d in made]
    senses, sense = _Senses(scene), KindSense(scene)
    rows = []
    for draft, ordinal, tied, own in zip(made, ordered, ties, lit, strict=True):
        row = dict.fromkeys(FEATURES, 0.0)
        row["region"] = float(draft.origin == "attention")
        row |= _attention_features(draft, scene, look, own, max(lit))
        row |= _text_features(draft, scene, best)
        row |= _element_features(draft, scene, with_entry, signs)
        row |= _mark_features(draft, scene, with_mark)
        row["ordinal"], row["text_ties"] = ordinal, tied
        row["relation"] = _relation_fit(draft, scene)
        row["placed"] = _placed_fit(draft, scene)
        row |= _asked_features(draft, scene)
        row |= _rest_features(draft, scene, best_of_row)
        row |= beside.features(draft)
        row |= senses.of(draft)
        row |= _size_features(draft, scene)
        labelled = with_entry.get(draft.found.rect) if draft.found and draft.origin == "text" else None
        row |= sense.of(draft, labelled)
        rows.append(row)
    return rows


def _attention_features(draft: Draft, scene: Scene, look: Lookup, own: float, best: float) -> dict[str, float]:
    """``own`` and ``best``: mean attention under this draft, and under the draft that has most."""
    if not peaked(scene.attention):
        return {}
    peak = look.peak(draft.region)
    over_uniform = float(scene.attention.max()) * scene.attention.size
    return {
        "attention_peak": peak,
        "attention_focus": peak * min(1.0, float(np.log10(max(over_uniform, 1.0))) / 3),
        "attention_lag": max(-1.0, float(np.log10(max(own, 1e-12) / max(best, 1e-12))) / 4),
        "attention_mass": look.mass(draft.region),
        "attended": float(draft.kind == "attended"),
    }


def _text_features(draft: Draft, scene: Scene, best: float) -> dict[str, float]:
    how = draft.found.match if draft.found else _inside(draft, scene)
    return {
        "text": how.score,
        "text_exact": float(how.exact),
        "text_precision": how.precision,
        "text_recall": how.recall,
        "text_gap": best - how.score,
        "text_whole": float(draft.found.whole) if draft.found else 0.0,
        "text_quoted": float(scene.wanted.quoted and how.exact),
        "text_no_action": float(
            draft.found is not None and how.score > 0.0 and lacks_action(scene.wanted, draft.found.text)
        ),
    }


def _inside(draft: Draft, scene: Scene) -> Match:
    """The match of the text that a click on an attention region would hit; a large region holds many others."""
    if draft.origin != "attention":
        return NO_MATCH
    hit = [t for t in scene.texts if t.rect.grown(NEAR_PX).contains(draft.point)]
    return max((match(scene.wanted, t.text) for t in hit), key=lambda m: m.score, default=NO_MATCH)


def _element_features(
    draft: Draft, scene: Scene, with_entry: Collection[Rect], signs: set[int | None]
) -> dict[str, float]:
    role, found = scene.wanted.role, draft.found
    entry = float(draft.kind in ("entry", "track"))
    asked = float(role is Role.FIELD)
    boxed = float(draft.origin == "text" and _alone_in_box(draft, scene))
    labels = float(found is not None and draft.origin == "text" and found.rect in with_entry)
    return {
        "entry": entry,
        "entry_asked": entry * asked,
        "entry_colon": entry * float(found is not None and found.colon),
        "entry_second": entry * float(found is not None and draft.place > 0),
        "entry_gap": entry * min(1.0, draft.gap / 10),
        "entry_below": entry * float(draft.below),
        "entry_track": float(draft.kind == "track"),
        "entry_signed": entry * float(found is None),
        "label_has_entry": labels,
        "label_with_entry": labels * max(asked, float(found is not None and found.colon)),
        "sign_for_field": asked * float(draft.kind == "look" and draft.look in signs),
        "bare_for_field": asked * float(draft.origin == "text") * (1.0 - max(boxed, labels)),
        "alone_in_box": boxed,
        "text_long": min(1.0, len(draft.text.split()) / 12) if draft.origin == "text" and draft.text else 0.0,
        "boxed_asked": boxed * float(role is Role.BUTTON),
    }


def _size_features(draft: Draft, scene: Scene) -> dict[str, float]:
    """Sides, and how many texts an element holds: what holds several is a group of controls."""
    held = 0 if draft.origin == "text" else sum(draft.region.contains(t.rect.center) for t in scene.texts)
    wide, high = min(1.0, draft.region.width / 400), min(1.0, draft.region.height / 100)
    return {"wide": wide, "high": high, "holds_texts": min(1.0, held / 4)}


def _mark_features(draft: Draft, scene: Scene, with_mark: set[Rect]) -> dict[str, float]:
    """A check mark and its label: where both are one control either will do, else only the mark."""
    role = scene.wanted.role
    asked, mark = float(role is Role.CHECK), float(draft.kind == "mark")
    written = draft.origin == "text" or (draft.origin == "attention" and draft.text is not None)
    labels = float(draft.found is not None and draft.origin == "text" and draft.found.rect in with_mark)
    return {
        "mark": mark,
        "mark_asked": mark * asked,
        "label_with_mark": labels,
        "label_mark_asked": labels * asked,
        "text_for_icon": float(written and role is Role.ICON),
    }


def _asked_features(draft: Draft, scene: Scene) -> dict[str, float]:
    """Whether the instruction speaks of a slider, or of written words, and the draft is one."""
    wanted = scene.wanted
    return {
        "track_asked": float(wanted.dragged and draft.kind == "track"),
        "text_asked": float(wanted.written and draft.origin == "text"),
        "text_not_asked": float(wanted.written and draft.kind in ("entry", "track", "mark")),
    }


def _rest_features(draft: Draft, scene: Scene, best: float) -> dict[str, float]:
    """How the draft stands to a name in the instruction, and what it has of the rest; ``best`` is the most that a
    drawing of its rows has of that."""
    part, agreement = scene.part, scene.agreement
    if part is None:
        return {}
    repeated = draft.look in scene.row_looks or draft.line in scene.row_lines
    row = part.stands(draft.region) if repeated else 0.0
    made = {"rest_row": row, "rest_name": part.share * float(part.is_name(draft.region))}
    if row and draft.look is not None and len(agreement.rest_drawn):
        made["rest_drawn"] = drawn = float(agreement.rest_drawn[draft.look])
        made["rest_drawn_top"] = float(drawn >= best)
    if row and draft.line is not None and len(agreement.rest_meant):
        made["rest_meant"] = float(agreement.rest_meant[draft.line])
    return made


class _Beside:
    """Which places are the next ones on the side of the anchor that the instruction tells; only where it does not name
    the target, because a named one need not be the next, and the law has learned nothing of that."""

    def __init__(self, scene: Scene) -> None:
        self._sides = sides_of(scene.wanted.relation) if scene.wanted.unnamed else ()
        self._anchors = anchors(scene) if self._sides else []
        self._sort = scene.wanted.sort
        self._field = scene.wanted.role in (Role.FIELD, Role.CHECK)
        pool = [*scene.agreement.rects, *(t.rect for t in scene.texts)]
        pool += [p.rect for p in framed_fields(scene)] if self._anchors else []
        self._least = []
        for anchor in self._anchors:
            words = [w.rect for t in scene.texts if t.rect.contains(anchor.center) for w in t.words]
            gaps = (gap_beside(r, anchor, self._sides) for r in (*pool, *words))
            self._least.append(min((g for g in gaps if g is not None), default=0.0))

    def features(self, draft: Draft) -> dict[str, float]:
        """Where no side is told, nothing; else also whether the draft is of the sort that is asked for."""
        if not self._anchors:
            return {}
        fit = self.fit(draft.region)
        return {
            "next_to": fit,
            "next_written": fit * float(self._sort in WRITTEN_SORTS and draft.origin == "text"),
            "next_field": fit * float(self._field and draft.kind in ("entry", "track", "mark")),
            "next_drawn": fit * float(self._sort in DRAWN_SORTS and draft.look is not None and draft.found is None),
            "anchor": self.is_anchor(draft),
        }

    def is_anchor(self, draft: Draft) -> float:
        """1 for what the target is said to stand beside."""
        return float(any(anchor.contains(draft.point) for anchor in self._anchors))

    def fit(self, region: Rect) -> float:
        """1 for the next one, less the further behind that one it stands; 0 elsewhere, or where no side is told."""
        fits = [0.0]
        for anchor, least in zip(self._anchors, self._least, strict=True):
            gap = gap_beside(region, anchor, self._sides)
            if gap is not None:
                fits.append(1.0 / (1.0 + max(0.0, gap - least) / BEHIND))
        return max(fits)


def _alone_in_box(draft: Draft, scene: Scene) -> bool:
    """Whether a text stands in a button or entry of its own; a menu bar or table holds others too."""
    holder = scene.elements.around(draft.region)
    if holder is None or holder.height > 3.5 * draft.region.height:
        return False
    inside = [t.rect for t in scene.texts if holder.contains(t.rect.center)]
    return all(rect.contains(draft.point) or draft.region.contains(rect.center) for rect in inside)


def _ties(made: Sequence[Draft]) -> list[float]:
    """0 for a text whose score is alone, towards 1 the more others of its kind have the same score."""
    scores = [round(d.found.match.score, 2) if d.found and d.origin == "text" else None for d in made]
    return [0.0 if s is None else 1.0 - 1.0 / max(1, scores.count(s)) for s in scores]


def _ordinal_fits(scene: Scene, made: Sequence[Draft]) -> list[float]:
    """+1 for the draft that the ordinal counts to among the best texts, or among equal drawings; -1 for its equals."""
    fits = [0.0] * len(made)
    wanted = scene.wanted.ordinal
    if wanted is None:
        return fits
    named = {i: d.found for i, d in enumerate(made) if d.found is not None}
    best = max((found.match.score for found in named.values()), default=0.0)
    texts = {i: found.rect for i, found in named.items() if found.match.score >= 0.97 * best}
    drawings = {i: made[i].region for i in _equal_drawings(scene, made)}
    for equal in (texts, drawings):
        places = _in_reading_order(equal)
        position = wanted - 1 if wanted > 0 else len(places) + wanted
        for at, place in enumerate(places):
            for index in place:
                fits[index] = 1.0 if at == position else -1.0
    return fits


def _equal_drawings(scene: Scene, made: Sequence[Draft]) -> list[int]:
    """Drafts that show the same as the one that looks most like what is asked for."""
    looks = {i: d.look for i, d in enumerate(made) if d.look is not None and d.kind not in ("entry", "track")}
    if not looks:
        return []
    top = max(looks.values(), key=lambda look: float(scene.agreement.looks[look]))
    alike = set(scene.agreement.alike(top))
    return [i for i, look in looks.items() if look in alike]


def _in_reading_order(rects: Mapping[int, Rect]) -> list[list[int]]:
    """Numbers row by row; those of one place (a drawing and the box around it, a label and its field) together."""
    places: list[list[int]] = []
    for i in sorted(rects, key=lambda i: (round(rects[i].center.y / ROW), rects[i].center.x)):
        own = rects[i]
        firsts = ((place, rects[place[0]]) for place in places)
        same = next((p for p, r in firsts if r.contains(own.center) or own.contains(r.center)), None)
        if same is None:
            places.append([i])
        else:
            same.append(i)
    return places


_NEAR = frozenset(
    {"next to", "beside", "near", "for", "in", "on", "of", "inside", "within", "belonging to", "in front of"}
)


def _relation_fit(draft: Draft, scene: Scene) -> float:
    """0..1: how well the draft stands to the best text for the anchor; 0 where there is no anchor or no such text."""
    wanted = scene.wanted
    if wanted.relation is None or not wanted.anchor or not scene.texts:
        return 0.0
    wish = frozenset(wanted.anchor)
    anchored = [(len(wish & frozenset(tokens(t.text))) / len(wish), t) for t in scene.texts]
    anchors = [t.rect for share, t in anchored if share > 0.6 and not t.rect.contains(draft.point)]
    return max((_stands(wanted.relation, draft.point, a) for a in anchors), default=0.0)


def _stands(relation: str, point: Point, anchor: Rect) -> float:
    dx, dy = point.x - anchor.center.x, point.y - anchor.center.y
    near = 1.0 / (1.0 + (abs(dx) + 2 * abs(dy)) / 200)
    sided = any(across * dx + down * dy > 0 for across, down in sides_of(relation))
    return near if relation in _NEAR or sided else 0.0


def _placed_fit(draft: Draft, scene: Scene) -> float:
    """-1..1: how far on the side of the screen it stands that the instruction tells; 0 where it tells none."""
    size = scene.size
    if size is None or scene.wanted.sides == (0.0, 0.0):
        return 0.0
    (across, down), at = scene.wanted.sides, draft.point
    fits = [across * (2 * at.x / size.width - 1)] if across else []
    fits += [down * (2 * at.y / size.height - 1)] if down else []
    return sum(fits) / len(fits)


class _Senses:
    """Features from the matcher: how a draft looks, and what its text means."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        agreement = scene.agreement
        self._looks, self._texts = np.sort(agreement.looks)[::-1], np.sort(agreement.texts)[::-1]
        self._spread, self._named = _spread(self._looks), np.sort(agreement.named)[::-1]
        self._named_spread = _spread(self._named)
        self._used, self._heard = np.sort(agreement.used)[::-1], np.sort(agreement.heard)[::-1]
        self._captions = Captions(scene.texts)

    def of(self, draft: Draft) -> dict[str, float]:
        made: dict[str, float] = {}
        agreement = self._scene.agreement
        if draft.look is not None:
            look = float(agreement.looks[draft.look])
            made["look"] = look
            made["look_top"] = float(draft.place == 0)
            made["look_lead"] = look - _best_other(self._looks, look)
            made["look_clear"] = (look - self._spread[0]) / self._spread[1] / 6
            made["look_asked"] = float(self._scene.wanted.role is Role.ICON)
        if draft.look is not None and len(agreement.named):
            named = float(agreement.named[draft.look])
            made["known"] = float(agreement.known[draft.look])
            made["named"] = named
            made["named_top"] = float(named >= self._named[0])
            made["named_lead"] = named - _best_other(self._named, named)
            made["named_clear"] = (named - self._named_spread[0]) / self._named_spread[1] / 6
        if draft.look is not None and len(agreement.used):
            used = float(agreement.used[draft.look])
            made |= _standing("used", used, self._used)
            made["used_asked"] = used * float(self._scene.wanted.role is Role.ICON)
            made["used_beyond"] = max(0.0, used - max(0.0, made.get("named", 0.0)))
        if draft.kind in ("look", "attended") and draft.origin == "element":
            made |= self._captioned(draft)
        line = draft.line if draft.line is not None else self._line_under(draft)
        if line is not None and len(agreement.texts):
            made |= _standing("meant", float(agreement.texts[line]), self._texts)
            made["meant_only"] = float(draft.kind == "meant")
        if line is not None and len(agreement.heard):
            made |= _standing("heard", float(agreement.heard[line]), self._heard)
            made["heard_often"] = float(agreement.often[line])
        return made

    def _captioned(self, draft: Draft) -> dict[str, float]:
        """What the caption of a drawing says of the instruction; nothing without one."""
        number, scores = self._captions.of(draft.region), self._scene.agreement.texts
        if number is None:
            return {}
        said = match(self._scene.wanted, self._scene.texts[number].text).score
        meant = float(scores[number]) if len(scores) else 0.0
        return {"captioned": 1.0, "caption_text": said, "caption_meant": meant}

    def _line_under(self, draft: Draft) -> int | None:
        """The text that a draft is, or that labels it."""
        if draft.found is None:
            return None
        point = draft.found.rect.center
        return next((i for i, t in enumerate(self._scene.texts) if t.rect.contains(point)), None)


def _spread(scores: npt.NDArray[np.float32]) -> tuple[float, float]:
    """Mean and spread of scores, neither of them 0 to divide by."""
    return (float(scores.mean()), float(scores.std()) + 1e-3) if len(scores) else (0.0, 1.0)


def _standing(name: str, own: float, ordered: npt.NDArray[np.float32]) -> dict[str, float]:
    """A score, whether it is the best (of scores best first; 0 is none), and its lead before the best other."""
    return {name: own, f"{name}_top": float(0.0 < own >= ordered[0]), f"{name}_lead": own - _best_other(ordered, own)}


def _best_other(ordered: npt.NDArray[np.float32], own: float) -> float:
    """The best score (of scores best first) that is not the own one; the own one where there is no other, because a
    lead over nothing says nothing."""
    if len(ordered) < 2:
        return own
    return float(ordered[1] if own >= ordered[0] else ordered[0])
