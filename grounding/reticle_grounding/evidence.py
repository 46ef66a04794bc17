"""From attention, text and structure to drafts: possible places, each with named features that calibration weighs.

All coordinates are capture pixels. A draft of any origin gets every feature, so an attention peak on a word that also
matches the instruction counts twice without being listed twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np

from .controls.kinds import KINDS, NO_KINDS, NO_WISH, TEXT, Kinds, Shares
from .geometry import Point, Rect, Size, Space, Transform
from .looks import NOTHING_SEEN, Agreement
from .ocr import TextBox
from .proposals import Elements, Proposal, entries_of, marks_left_of, proposals_of
from .regions import Region
from .rows import COLUMN, LEVEL, Parted, gap_beside, repeated, sides_of
from .types import FloatMap, Origin
from .words import Match, Role, Wanted, match, may_match, tokens

MIN_TEXT = 0.3
"""Text spans that match less are no candidates."""
MAX_TEXTS = 24
MAX_LABELS = 8
"""Matches for which an entry or a check mark is looked for."""
SPAN_WORDS = 9
"""Longest run of words that is looked at as one name."""
MAX_ATTENDED = 8
"""Elements, and as many texts, that the attention lies on."""
ATTENDED = 0.25
"""Least attention of such an element, in shares of the map's maximum."""
MAX_HELD = 2
"""Texts in an element that attention lies on; one with more is a bar or a list, and its middle means nothing."""
INSIDE = 2.0
"""What an entry shows, which is no place of its own where a field is asked for, may stand out so far (pixels)."""
MAX_LOOKS = 14
"""Proposals that look like what is asked for."""
MAX_NAMED = 8
"""Proposals that are known as what is asked for, beside these."""
MAX_USED = 4
"""Proposals that programs use for what is asked for, beside these."""
FAR_GAP = 60.0
"""Farthest that the control at the end of a label's row stands from it, in heights of the label."""
SURELY = 0.6
"""Least share of the kind that such a control is told to be."""
_FAR_KINDS = (("mark", ("check",)), ("track", ("slider",)), ("entry", ("field", "drop-down")))
MAX_SIGNS = 3
"""Of each of these two, drawings that may stand before a field or slider instead of words."""
SIGN_GAP = 1.5
"""Farthest that such a field stands from its drawing, in heights of the drawing."""
MAX_SLIDERS = 4
"""Sliders without a name, where one is asked for."""
MAX_ALIKE = 24
"""More proposals that show the same, where the instruction counts."""
MAX_IN_ROW = 4
"""Drawings in the row of a name that are what the rest of the instruction says."""
MAX_ANCHORS = 3
LEAST_ANCHOR = 0.3
"""Weaker agreements make a drawing no anchor."""
MAX_MEANT, MAX_HEARD = 14, 6
"""Texts that mean what is asked for without saying it, and those of which people are known to say it."""
MAX_ITEMS = 8
"""Items of open menus that mean it, beside these."""
NEAR_PX = 6.0
"""A click this near to a text's box (capture pixels) counts as a hit on it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A run of words of one detection that answers to the instruction."""

    text: str
    rect: Rect
    match: Match
    whole: bool
    """The run is all that the detection says."""
    colon: bool
    """The detection ends with a colon, as labels of fields do."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A place before it is weighed."""

    region: Rect
    point: Point
    origin: Origin
    text: str | None
    found: Found | None = None
    """The text the draft rests on: its own, or its label's."""
    kind: str = ""
    """For elements: ``entry``, ``track``, ``mark``, ``attended`` or ``look``; texts: ``meant`` where only sense fits,
    ``attended`` where only attention lies on them."""
    place: int = 0
    """Position among the drafts of this kind from the same label, 0 is the nearest."""
    gap: float = 0.0
    """Entries: distance from the label in heights of the label."""
    below: bool = False
    """Entries: stands below the label instead of right of it."""
    attended: int | None = None
    """Rank (1 is the best) of the attention region the draft is made of."""
    look: int | None = None
    """Number of the proposal among the scene's looks; for an entry with a drawing before it, the drawing's number."""
    line: int | None = None
    """Number of the text that the draft is, among the scene's texts."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything known about one instruction on one screenshot."""

    wanted: Wanted
    attention: FloatMap
    """[n_h, n_w], sums to 1."""
    transform: Transform
    regions: tuple[Region, ...]
    """In capture pixels, best first."""
    texts: tuple[TextBox, ...]
    elements: Elements
    agreement: Agreement = NOTHING_SEEN
    """How far looks and texts agree with the instruction."""
    size: Size | None = None
    """Of the capture, where it is known."""
    extra: tuple[TextBox, ...] = ()
    """Other ways to read the texts, lying over them: see :func:`reticle_grounding.labels.readings`."""
    part: Parted | None = None
    """The instruction parted at a name on the screen, where rows of controls like those of other rows show it."""
    row_looks: frozenset[int] = frozenset()
    row_lines: frozenset[int] = frozenset()
    """Numbers of the looks and of the texts in rows of the name that other rows have, too."""
    kinds: Kinds = NO_KINDS
    """What each place of the screen may be."""
    wish: Shares = field(default_factory=lambda: NO_WISH)
    """Which kinds of controls the instruction means, as ``Controls.wished`` says it."""

    def with_rows(self, part: Parted | None) -> Scene:
        """The same with the rows that a name in the instruction tells, where there are such."""
        if part is None:
            return self
        looks = repeated(part, self.agreement.rects, self.agreement.same)
        said = [tokens(t.text) for t in self.texts]
        lines = repeated(part, [t.rect for t in self.texts], lambda n: np.array([words == said[n] for words in said]))
        return replace(self, part=part, row_looks=looks, row_lines=lines) if looks or lines else self

    @property
    def best_of_row(self) -> float:
        """Best agreement of a drawing in a row of the name with the rest of the instruction."""
        return max((float(self.agreement.rest_drawn[n]) for n in self.in_rows()), default=0.0)

    def in_rows(self) -> list[int]:
        """Drawings in rows of the name, those that are what the rest says first."""
        scores = self.agreement.rest_drawn
        return sorted(self.row_looks, key=lambda n: -float(scores[n])) if len(scores) else []

    def under(self, rect: Rect) -> tuple[float, float]:
        """Attention mass (0..1) and mean over the patches under a capture rectangle."""
        look = Lookup(self.attention, self.transform)
        return look.mass(rect), look.mean(rect)


def line_at(draft: Draft, scene: Scene) -> str | None:
    """All that the detections at a draft's point, and at its label, say; None when nothing is read there."""
    places = [draft.point, *([draft.found.rect.center] if draft.found else [])]
    lines = [t.text.strip() for t in scene.texts if any(t.rect.grown(NEAR_PX).contains(p) for p in places)]
    return " ".join(lines) or None


def spans(wanted: Wanted, texts: Sequence[TextBox], extra: Sequence[TextBox] = ()) -> list[Found]:
    """The best-matching run of words of every detection (two where they do not overlap), best first.

    What another reading (``extra``) says better than the detection under it joins in, and replaces what is the same.
    """
    found: list[Found] = []
    for box in texts:
        found += _spans_of(wanted, box)
    for box in extra:
        for other in _spans_of(wanted, box)[:1]:
            same = [f for f in found if f.rect.contains(other.rect.center) or other.rect.contains(f.rect.center)]
            if all((f.match.score, f.whole) < (other.match.score, other.whole) for f in same):
                found = [f for f in found if f not in same or f.text != other.text] + [other]
    return sorted(found, key=lambda f: -f.match.score)[:MAX_TEXTS]


def _spans_of(wanted: Wanted, box: TextBox) -> list[Found]:
    if not may_match(wanted, box.text):
        return []
    count = len(box.words)
    longest = min(SPAN_WORDS, count)
    ends = [i for i in range(count) if may_match(wanted, box.words[i].text)]
    runs = {(i, j + 1) for i in ends for j in ends if 0 <= j - i < longest} | {(0, count)}
    scored = []
    for start, stop in runs:
        text, rect = box.span(start, stop)
        how = match(wanted, text)
        if how.score >= MIN_TEXT:
            whole = stop - start == count
            colon = box.text.rstrip().endswith((":", "：")) and stop == count
            scored.append((how.score, start, stop, Found(text, rect, how, whole, colon)))
    scored.sort(key=lambda s: (-s[0], s[2] - s[1]))
    if not scored:
        return []
    _, start, stop, first = scored[0]
    second = [f for score, i, j, f in scored if (j <= start or i >= stop) and score >= 0.9 * scored[0][0]][:1]
    return [first, *second]


def drafts(scene: Scene) -> list[Draft]:
    """All places worth weighing; may be empty."""
    made = [_attention_draft(i, a, scene.texts) for i, a in enumerate(scene.regions, 1)]
    answers = spans(scene.wanted, scene.texts, scene.extra)
    made += [Draft(f.rect, f.rect.center, "text", f.text, f) for f in answers]
    meant = _meant_drafts(scene, answers)
    for answer in [*answers[:MAX_LABELS], *(d.found for d in meant if d.found is not None)]:
        made += _element_drafts(answer, scene)
    looks = _look_drafts(scene)
    made += [*looks, *_signed_drafts(scene, looks, [d.region for d in made if d.kind in ("entry", "track")]), *meant]
    made += _dragged_drafts(scene, [d.region for d in made if d.kind == "track"])
    made += _beside_drafts(scene, made)
    attended = _attended_drafts(scene, [d.region for d in made if d.origin != "attention"])
    if scene.wanted.dragged:
        made, attended = _without_signs(made, made), _without_signs(attended, made)
    if scene.wanted.role is not Role.FIELD:
        return [*made, *attended]
    entries = [d.region.grown(INSIDE) for d in made if d.kind in ("entry", "track")]
    attended = [d for d in attended if all(e.intersection(d.region) != d.region for e in entries)]
    return _without_labels(scene, [*made, *attended])


def _without_labels(scene: Scene, made: Sequence[Draft]) -> list[Draft]:
    """Where a field is asked for and an exact label has one, the label's own line is no answer."""
    named = [d.found.rect.center for d in made if d.found and d.found.match.exact and d.kind in ("entry", "track")]
    lines = [t.rect for t in scene.texts if any(t.rect.contains(center) for center in named)]
    return [d for d in made if d.kind in ("entry", "track") or not any(line.contains(d.point) for line in lines)]


def _without_signs(drafts: Sequence[Draft], made: Sequence[Draft]) -> list[Draft]:
    """Where a slider is asked for that has a drawing before it, the drawing is no answer: the loudspeaker mutes."""
    signed = {d.look for d in made if d.kind == "track" and d.look is not None}
    signs = [d.region for d in made if d.kind == "look" and d.look in signed]
    return [d for d in drafts if d.kind == "track" or d.text or not any(s.contains(d.point) for s in signs)]


def _look_drafts(scene: Scene) -> list[Draft]:
    """Proposals that look like what the words mean, best first; none without a matcher."""
    best = scene.agreement.best_looks(MAX_LOOKS)
    best += [n for n in scene.agreement.best_named(MAX_NAMED) if n not in best]
    used = [n for n in scene.agreement.best_used(MAX_USED) if n not in best]
    if scene.wanted.ordinal is not None and best:  # "the ninth star" needs them all
        best += [n for n in scene.agreement.alike(best[0]) if n not in best][:MAX_ALIKE]
    best += [n for n in (*used, *scene.in_rows()[:MAX_IN_ROW]) if n not in best]
    rects = scene.agreement.rects
    return [Draft(rects[n], rects[n].center, "element", None, kind="look", place=i, look=n) for i, n in enumerate(best)]


def _signed_drafts(scene: Scene, looks: Sequence[Draft], known: Sequence[Rect]) -> list[Draft]:
    """Fields and sliders that have a drawing before them instead of a label: a loudspeaker, a magnifying glass.

    ``known`` are those that a text labels (capture pixels), which are left out.
    """
    made: list[Draft] = []
    for sign in (*looks[:MAX_SIGNS], *looks[MAX_LOOKS : MAX_LOOKS + MAX_SIGNS]):
        beside = [e for e in entries_of(sign.region, scene.elements, scene.texts) if not e.below and e.gap <= SIGN_GAP]
        for entry in beside[:1]:
            if not any(_mostly(entry.rect, k) for k in (*known, *(d.region for d in made))):
                kind = "track" if entry.track else "entry"
                at = entry.rect.center
                made.append(Draft(entry.rect, at, "element", None, None, kind, sign.place, entry.gap, look=sign.look))
    return made


def _dragged_drafts(scene: Scene, known: Sequence[Rect]) -> list[Draft]:
    """Sliders that nothing names, where the instruction speaks of one; ``known`` have a name (capture pixels)."""
    if not scene.wanted.dragged:
        return []
    shares = {t: scene.kinds.share_at(t, "slider") for t in scene.elements.tracks}
    told = [t for t, share in shares.items() if share >= SURELY and not any(_mostly(t, k) for k in known)]
    best = sorted(told, key=lambda t: -shares[t])[:MAX_SLIDERS]
    return [Draft(t, t.center, "element", None, kind="track", place=i) for i, t in enumerate(best)]


def _meant_drafts(scene: Scene, answers: Sequence[Found]) -> list[Draft]:
    """Texts that mean the same in other words; not those that answer word by word already."""
    made = []
    ranked = (scene.agreement.best_texts(MAX_MEANT), scene.agreement.best_heard(MAX_HEARD), _best_items(scene))
    for place, number in enumerate(dict.fromkeys(chain.from_iterable(ranked))):
        box = scene.texts[number]
        if any(_mostly(answer.rect, box.rect) for answer in answers):
            continue
        made.append(_whole_text(scene, number, "meant", place))
    return made


def _best_items(scene: Scene) -> list[int]:
    """Texts in open menus, where the wish is most likely to be: those that mean it best."""
    menus, scores = scene.kinds.menus, scene.agreement.texts
    inside = [n for n, t in enumerate(scene.texts) if any(menu.contains(t.rect.center) for menu in menus)]
    return sorted(inside, key=lambda n: -float(scores[n]))[:MAX_ITEMS] if len(scores) else []


def _mostly(part: Rect, whole: Rect) -> bool:
    """Whether the part takes up most of the whole."""
    common = part.intersection(whole)
    return common is not None and common.area >= 0.6 * whole.area


def _attention_draft(rank: int, region: Region, texts: Sequence[TextBox]) -> Draft:
    inside = [w.text for t in texts for w in t.words if region.rect.contains(w.rect.center)]
    return Draft(region.rect, region.point, "attention", " ".join(inside) or None, attended=rank)


def _element_drafts(label: Found, scene: Scene) -> list[Draft]:
    made: list[Draft] = []
    marks = marks_left_of(label.rect, scene.elements)
    if scene.wanted.role is not Role.CHECK:
        marks = [m for m in marks if m in scene.elements.boxes]
    elif not any(scene.kinds.share_at(m, "check") >= SURELY for m in marks[:1]):
        marks = [*_before_the_row(label.rect, scene.kinds), *marks]
    made += [Draft(m, m.center, "element", label.text, label, "mark") for m in marks[:1]]
    for i, e in enumerate(entries_of(label.rect, scene.elements, scene.texts)[:2]):
        kind = "track" if e.track else "entry"
        made.append(Draft(e.rect, e.rect.center, "element", label.text, label, kind, i, gap=e.gap, below=e.below))
    return made + [d for d in _at_the_end(label, scene) if not any(_mostly(d.region, m.region) for m in made)]


def _at_the_end(label: Found, scene: Scene) -> list[Draft]:
    """The switch or field at the end of a label's row, as pages of settings have them, where it is told to be one."""
    own, kinds = label.rect, scene.kinds
    gaps = kinds.rects[:, 0] - own.right
    level = np.abs((kinds.rects[:, 1] + kinds.rects[:, 3]) / 2 - own.center.y) <= own.height
    there = (kinds.sorts != TEXT) & level & (gaps >= 0) & (gaps < FAR_GAP * own.height)
    others = [t.rect for t in scene.texts if not own.contains(t.rect.center)]
    for number in sorted(np.flatnonzero(there), key=lambda n: float(gaps[n])):
        rect, kind = Rect(*map(float, kinds.rects[number])), _told_as(kinds.shares[number])
        between = Rect(own.right, own.center.y - 2, rect.left, own.center.y + 2)
        if kind and not any(between.intersection(other) for other in others):
            gap = (rect.left - own.right) / own.height
            return [Draft(rect, rect.center, "element", label.text, label, kind, gap=gap)]
    return []


def _before_the_row(label: Rect, kinds: Kinds) -> list[Rect]:
    """The check mark (capture pixels) at the beginning of the row that a text stands in, where rows above or below have
    one, too; at most one."""
    checks = (kinds.sorts != TEXT) & (kinds.shares[:, KINDS.index("check")] >= SURELY)
    across, down = (kinds.rects[:, 0] + kinds.rects[:, 2]) / 2, (kinds.rects[:, 1] + kinds.rects[:, 3]) / 2
    gaps = label.left - kinds.rects[:, 2]
    there = checks & (np.abs(down - label.center.y) <= LEVEL * label.height / 2) & (gaps >= 0)
    for number in sorted(np.flatnonzero(there & (gaps < FAR_GAP * label.height)), key=lambda n: float(gaps[n])):
        column = checks & (np.abs(across - across[number]) <= COLUMN) & (np.abs(down - down[number]) > label.height)
        if column.any():
            return [Rect(*map(float, kinds.rects[number]))]
    return []


def _told_as(shares: Shares) -> str:
    """Kind of draft that a place of shares [kinds] is: ``mark``, ``track`` or ``entry``; empty for none of them."""
    for kind, names in _FAR_KINDS:
        if float(sum(shares[KINDS.index(name)] for name in names)) >= SURELY:
            return kind
    return ""


def anchors(scene: Scene) -> list[Rect]:
    """What the target is said to stand beside: words that say it, else the drawings that are most like it."""
    near = scene.wanted.near
    if not near:
        return []
    said = list(dict.fromkeys(rect for t in (*scene.texts, *scene.extra) for rect in _runs_of(near, t)))
    wish = frozenset(near)
    said = said or [t.rect for t in scene.texts if len(wish & frozenset(tokens(t.text))) > 0.6 * len(wish)]
    scores = scene.agreement.near_drawn
    if said or not len(scores):
        return said[:MAX_ANCHORS]
    best = np.argsort(-scores, kind="stable")[:MAX_ANCHORS]
    return [scene.agreement.rects[n] for n in best if scores[n] >= max(LEAST_ANCHOR, 0.9 * float(scores.max()))]


def _runs_of(near: tuple[str, ...], box: TextBox) -> list[Rect]:
    """Places in a detection that say just this; one that reads a whole menu bar says many things."""
    words = [tokens(w.text) for w in box.words]
    found = []
    for start in range(len(words)):
        for stop in range(start + 1, min(len(words), start + SPAN_WORDS) + 1):
            said = tuple(token for word in words[start:stop] for token in word)
            if said == near:
                found.append(box.span(start, stop)[1])
            if len(said) >= len(near):
                break
    return found


def _beside_drafts(scene: Scene, made: Sequence[Draft]) -> list[Draft]:
    """The next drawing and the next text on the side of an anchor that the instruction tells; where one detection holds
    the anchor and more, its next word; where a field is asked for, the next frame or track."""
    sides = sides_of(scene.wanted.relation)
    if not sides:
        return []
    found: list[Draft] = []

    def next_of(rects: Sequence[Rect], anchor: Rect) -> list[int]:
        gaps = [(gap, n) for n, r in enumerate(rects) if (gap := gap_beside(r, anchor, sides)) is not None]
        return [n for _, n in sorted(gaps)[:1]]

    rects, texts = scene.agreement.rects, scene.texts
    beside = anchors(scene)
    framed = framed_fields(scene) if beside else []
    for anchor in beside:
        for n in next_of([p.rect for p in framed], anchor):
            at, kind = framed[n].rect, "track" if framed[n].sort == "track" else "entry"
            if not any(d.kind in ("entry", "track") and _mostly(d.region, at) for d in (*made, *found)):
                found.append(Draft(at, at.center, "element", None, None, kind))
        for n in next_of(rects, anchor):
            found.append(Draft(rects[n], rects[n].center, "element", None, kind="look", place=MAX_LOOKS, look=n))
        for i in next_of([t.rect for t in texts], anchor):
            found.append(_whole_text(scene, i, "meant", MAX_MEANT))
        words = [w for t in texts if t.rect.contains(anchor.center) for w in t.words]
        for i in next_of([w.rect for w in words], anchor):
            how = match(scene.wanted, words[i].text)
            named = Found(words[i].text, words[i].rect, how, False, False)
            found.append(Draft(words[i].rect, words[i].rect.center, "text", words[i].text, named, "meant", MAX_MEANT))
    looks, lines = {d.look for d in made}, {d.line for d in made if d.line is not None}
    return [d for d in found if (d.look is None or d.look not in looks) and (d.line is None or d.line not in lines)]


def framed_fields(scene: Scene) -> list[Proposal]:
    """Where a field is asked for: what may be one by its shape alone (capture pixels), but no frame with many texts."""
    if scene.wanted.role is not Role.FIELD:
        return []
    centers = [t.rect.center for t in scene.texts]
    shapes = [p for p in proposals_of(scene.elements) if p.sort in ("bar", "track")]
    return [p for p in shapes if sum(map(p.rect.contains, centers)) <= MAX_HELD]


def _whole_text(scene: Scene, number: int, kind: str, place: int) -> Draft:
    """A text of the scene as a draft of its own, whether or not its words answer."""
    box = scene.texts[number]
    found = Found(box.text, box.rect, match(scene.wanted, box.text), True, box.text.rstrip().endswith((":", "：")))
    return Draft(box.rect, box.rect.center, "text", box.text, found, kind, place, line=number)


def _attended_drafts(scene: Scene, known: Sequence[Rect]) -> list[Draft]:
    """Elements and texts that the attention lies on and nothing else has found; none where the map is flat."""
    if not peaked(scene.attention):
        return []
    look = Lookup(scene.attention, scene.transform)

    def best(rects: Sequence[Rect]) -> list[int]:
        lit = [(look.mean(rect), number) for number, rect in enumerate(rects) if look.peak(rect) >= ATTENDED]
        return [number for _, number in sorted(lit, key=lambda pair: -pair[0])[:MAX_ATTENDED]]

    numbers = {rect: number for number, rect in enumerate(scene.agreement.rects)}
    centers = [t.rect.center for t in scene.texts]
    shapes = list(dict.fromkeys([*(p.rect for p in proposals_of(scene.elements)), *scene.agreement.rects]))
    shapes = [s for s in shapes if sum(map(s.contains, centers)) <= MAX_HELD]
    made = [
        Draft(shapes[i], shapes[i].center, "element", None, kind="attended", place=place, look=numbers.get(shapes[i]))
        for place, i in enumerate(best(shapes))
    ]
    for place, i in enumerate(best([t.rect for t in scene.texts])):
        made.append(_whole_text(scene, i, "attended", place))
    return [d for d in made if not any(_mostly(d.region, k) and _mostly(k, d.region) for k in known)]


def peaked(attention: FloatMap) -> bool:
    """Whether the map points anywhere at all."""
    return float(attention.max()) > 2.0 * float(attention.mean())


class Lookup:
    """Reads the attention map at capture rectangles."""

    def __init__(self, attention: FloatMap, transform: Transform) -> None:
        self._map = attention
        self._to_patch = transform.affine(Space.CAPTURE, Space.PATCH)
        self._top = max(float(self._map.max()), 1e-12)
        self._total = max(float(self._map.sum()), 1e-12)

    def peak(self, rect: Rect) -> float:
        """Largest value under the rectangle, relative to the map's maximum."""
        return float(self._under(rect).max()) / self._top

    def mass(self, rect: Rect) -> float:
        """Sum over the patches under the rectangle, 0..1."""
        return float(self._under(rect).sum()) / self._total

    def mean(self, rect: Rect) -> float:
        return float(self._under(rect).mean()) / self._total

    def _under(self, rect: Rect) -> FloatMap:
        height, width = self._map.shape
        area = self._to_patch.rect(rect)
        left, top = (min(max(int(v), 0), n - 1) for v, n in ((area.left, width), (area.top, height)))
        right = min(max(int(np.ceil(area.right)), left + 1), width)
        bottom = min(max(int(np.ceil(area.bottom)), top + 1), height)
        return self._map[top:bottom, left:right]


def without_twins(ranked: Sequence[tuple[float, Draft]], limit: int) -> list[tuple[float, Draft]]:
    """Best first, dropping drafts that mean the same place as a better one."""
    kept: list[tuple[float, Draft]] = []
    for p, draft in ranked:
        if not any(_same_place(draft, other) for _, other in kept):
            kept.append((p, draft))
        if len(kept) == limit:
            break
    return kept


def _same_place(draft: Draft, better: Draft) -> bool:
    """Whether either lies at the other; a much larger control around the better one is another place."""
    if better.region.grown(2).contains(draft.point):
        return True
    attended = draft.origin == "attention"  # whole patches around the better one, with its neighbours
    return draft.region.contains(better.point) and (attended or draft.region.area <= 6 * better.region.area)


def pinned(draft: Draft) -> Draft:
    """The draft with its point moved inside its region where rounding had put it outside."""
    if draft.region.contains(draft.point):
        return draft
    r = draft.region
    x = min(max(draft.point.x, r.left), r.right - min(0.5, r.width / 2))
    y = min(max(draft.point.y, r.top), r.bottom - min(0.5, r.height / 2))
    return replace(draft, point=Point(x, y))
