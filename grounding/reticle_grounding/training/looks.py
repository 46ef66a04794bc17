"""Training pairs of the matcher: small pictures of controls, and phrases that mean them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt
from PIL import Image

from reticle_grounding.geometry import Rect
from reticle_grounding.matcher import crops

from .canvas import Box, Element
from .concepts import Concept, by_icon, by_label, concepts, kin
from .icon_library import IconLibrary
from .instructions import phrase, plain
from .scenes import SceneFile
from .spoken import Spoken, icon_words

Ink = tuple[int, int, int]
WRAPPERS = (
    "the {} icon",
    "click the {} icon",
    "click the {} button",
    "the {} button",
    "{} button in the toolbar",
    "press {}",
    "click on {}",
    "select {}",
    "{} button",
    "please {}",
    "I want to {}",
    "hit the {} symbol",
)
DESCRIBED = 0.25
"""Share of the icons of a concept that are asked for by the words of their own name."""
NEIGHBOUR = 0.5
"""Share of drawn icons with others beside them."""


COMMON_SOURCES = {
    "Adwaita": 3,
    "breeze": 3,
    "Tango": 4,
    "gnome": 4,
    "Papirus": 2,
    "oxygen": 2,
    "mate": 2,
    "elementary": 2,
    "fortawesome": 2,
    "material-design-icons": 2,
    "bootstrap-icons": 2,
    "signs": 3,
}
"""Sets that desktops and pages use most; their pictures are drawn so many times as often."""


@dataclass(frozen=True, slots=True)
class Look:
    """A crop and what it means."""

    crop: npt.NDArray[np.uint8]
    """[SIDE, SIDE, 3]."""
    phrase: str
    """Empty for a picture that nobody asks for."""
    group: str
    """Crops and phrases of one group belong together."""
    also: frozenset[str] = frozenset()
    """Groups that the picture may mean too: neither right nor wrong for it."""


def wrapped(rng: Random, words: str) -> str:
    """The words as somebody would say them."""
    said = rng.choice(WRAPPERS).format(words) if rng.random() < 0.4 else words
    return said[:1].upper() + said[1:] if rng.random() < 0.3 else said


def said(rng: Random, concept: Concept) -> str:
    """A label or a wording of a concept."""
    if not concept.phrases or rng.random() < 0.35:
        return wrapped(rng, rng.choice(concept.labels))
    words = rng.choice(concept.phrases)
    return wrapped(rng, words) if rng.random() < 0.5 else words


def described(rng: Random, icon: str, share: float) -> str:
    """In ``share`` of the cases a wording of people who want the icon, where there is one; else nothing."""
    known = icon_words().get(icon)
    if known is None or rng.random() >= share:
        return ""
    words = rng.choice(known.all())
    return wrapped(rng, words) if rng.random() < 0.3 else words


class DrawnIcons:
    """Icons of libraries on drawn backgrounds.

    Args:
        held_out: sources (themes or packs) that are not drawn, for validation.
    """

    def __init__(self, folders: Sequence[Path], held_out: Sequence[str] = (), only: bool = False) -> None:
        """``only``: draw nothing but the held-out sources."""
        self.libraries = [IconLibrary(folder) for folder in folders]
        known = by_icon()
        self.by_concept: dict[int, list[tuple[int, int]]] = defaultdict(list)
        self.others: list[tuple[int, int]] = []
        for at, library in enumerate(self.libraries):
            for number, entry in enumerate(library.entries):
                if (entry["source"] in held_out) != only:
                    continue
                often = [(at, number)] * COMMON_SOURCES.get(entry["source"], 1)
                for concept in known.get(entry["name"], ()):
                    self.by_concept[concept] += often
                if entry["name"] not in known:
                    self.others += often
        self.concepts = sorted(self.by_concept)

    def draw(self, rng: Random, concept_share: float = 0.65) -> Look:
        """One icon with a phrase for it."""
        if rng.random() < concept_share or not self.others:
            number = rng.choice(self.concepts)
            concept = concepts()[number]
            chosen = rng.choice(self.by_concept[number])
            icon = self.libraries[chosen[0]].entries[chosen[1]]["name"]
            also = frozenset(name for n in by_icon()[icon] for name in kin()[concepts()[n].name])
            words = described(rng, icon, DESCRIBED) or said(rng, concept)
            return Look(self.picture(rng, chosen), words, concept.name, also)
        chosen = rng.choice(self.others)
        entry = self.libraries[chosen[0]].entries[chosen[1]]
        words = entry["name"]
        if entry["words"] and rng.random() < 0.5:
            words = " ".join(str(w) for w in rng.sample(entry["words"], min(len(entry["words"]), rng.randint(1, 2))))
        words = described(rng, entry["name"], 0.6) or wrapped(rng, words)
        return Look(self.picture(rng, chosen), words, entry["name"])

    def picture(self, rng: Random, chosen: tuple[int, int]) -> npt.NDArray[np.uint8]:
        back, ink = _colours(rng)
        target = rng.choice((14, 16, 16, 18, 20, 22, 22, 24, 24, 28, 32, 36))
        pad = target + 14
        canvas = Image.new("RGB", (pad * 2 + target, pad * 2 + target), back)
        if rng.random() < 0.35:
            _button(rng, canvas, pad, target, back, ink)
        if rng.random() < NEIGHBOUR:
            step = round(target * rng.uniform(1.35, 2.2))
            for dx, dy in rng.choice((((-1, 0), (1, 0)), ((1, 0),), ((-1, 0),), ((0, -1), (0, 1)))):
                other = rng.choice(self.others or [chosen])
                self._paste(rng, canvas, other, pad + dx * step, pad + dy * step, target, ink)
        alpha = 0.4 if rng.random() < 0.07 else 1.0
        inked = self._paste(rng, canvas, chosen, pad, pad, target, ink, alpha)
        pixels = np.asarray(canvas)
        return next(iter(crops.cut(pixels, [_jittered(rng, inked, target)])))

    def _paste(
        self,
        rng: Random,
        canvas: Image.Image,
        chosen: tuple[int, int],
        x: int,
        y: int,
        side: int,
        ink: Ink,
        alpha: float = 1.0,
    ) -> Rect:
        """Draws one picture and returns its inked rectangle."""
        picture, mono = self.libraries[chosen[0]].picture(chosen[1])
        if mono:
            mask = Image.fromarray(picture)
            image = Image.new("RGB", mask.size, ink)
        else:
            rgba = Image.fromarray(picture)
            mask, image = rgba.getchannel("A"), rgba.convert("RGB")
        if mask.width != side:
            how = rng.choice((Image.Resampling.LANCZOS, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC))
            mask, image = mask.resize((side, side), how), image.resize((side, side), how)
        if alpha < 1.0:
            mask = mask.point([round(v * alpha) for v in range(256)])
        canvas.paste(image, (x, y), mask)
        inside = mask.point([0] * 60 + [255] * 196).getbbox() or (0, 0, side, side)
        return Rect(x + inside[0], y + inside[1], x + inside[2], y + inside[3])


def _colours(rng: Random) -> tuple[Ink, Ink]:
    """Background and ink with enough contrast."""
    draw = rng.random()
    if draw < 0.5:
        v = rng.randint(215, 255)
        back = (v, min(255, v + rng.randint(-3, 3)), min(255, v + rng.randint(-4, 5)))
    elif draw < 0.85:
        v = rng.randint(18, 75)
        back = (v, v + rng.randint(0, 6), v + rng.randint(0, 14))
    else:
        back = (rng.randint(0, 255), rng.randint(0, 255), rng.randint(0, 255))
    light = 0.3 * back[0] + 0.59 * back[1] + 0.11 * back[2] > 135
    v = rng.randint(0, 110) if light else rng.randint(150, 255)
    if rng.random() < 0.75:
        return back, (v, v, v)
    shift = [rng.randint(0, 120) if light else rng.randint(140, 255) for _ in range(3)]
    return back, (shift[0], shift[1], shift[2])


def _button(rng: Random, canvas: Image.Image, pad: int, target: int, back: Ink, ink: Ink) -> None:
    """A button's border and face around the icon."""
    from PIL import ImageDraw

    grow = rng.randint(3, 9)
    box = (pad - grow, pad - grow, pad + target + grow, pad + target + grow)
    mix = rng.uniform(0.05, 0.3)
    tone = tuple(round(b + (i - b) * mix) for b, i in zip(back, ink, strict=True))
    face = tuple(round(b + (i - b) * mix * 0.4) for b, i in zip(back, ink, strict=True))
    draw = ImageDraw.Draw(canvas)
    draw.rounded_rectangle(box, rng.choice((0, 2, 4, 6, 30)), fill=face if rng.random() < 0.6 else None, outline=tone)


def _jittered(rng: Random, inked: Rect, target: int) -> Rect:
    """As a detector would find it: the ink, or the icon's own square, a little off."""
    if rng.random() < 0.3:
        c, half = inked.center, target / 2 * rng.uniform(0.9, 1.4)
        inked = Rect(c.x - half, c.y - half, c.x + half, c.y + half)
    by = [rng.uniform(-0.07, 0.07) * target for _ in range(4)]
    return Rect(inked.left + by[0], inked.top + by[1], max(inked.right + by[2], inked.left + 6), inked.bottom + by[3])


@dataclass
class CapturedLooks:
    """Crops of real controls without drawn names, from captured or rendered screens; kept in memory."""

    files: list[SceneFile]
    spoken: Mapping[str, Sequence[Spoken]] = field(default_factory=dict)
    """Written instructions by picture; they join what an element may be asked for by."""
    icons: list[tuple[npt.NDArray[np.uint8], Element]] = field(default_factory=list)
    """Crops at several framings, with the element they show."""
    others: list[npt.NDArray[np.uint8]] = field(default_factory=list)
    """Crops of texts, fields and anything else."""
    shares: list[float] = field(default_factory=list)
    """How often each crop of ``icons`` is drawn: a name of many crops less than each of them, more than a rare name."""

    def load(self, rng: Random, framings: int = 3) -> None:
        """Opens every screen once."""
        for file in self.files:
            scene = file.open()
            written: defaultdict[Box, list[str]] = defaultdict(list)
            for said in self.spoken.get(file.name.partition(":")[2], ()):
                written[said.box].append(said.instruction)
            for element in map(without_unheard, scene.elements):
                element = replace(element, says=(*element.says, *written[element.box]))
                box = Rect(*map(float, element.box))
                square = max(box.width, box.height) <= 2.2 * min(box.width, box.height)
                if element.kind == "icon" and square and max(box.width, box.height) <= 110:
                    rects = [framed(rng, scene.pixels, box) for _ in range(framings)]
                    self.icons += [(c, element) for c in crops.cut(scene.pixels, rects)]
                elif rng.random() < 0.1:
                    self.others += list(crops.cut(scene.pixels, [framed(rng, scene.pixels, box)]))
        counts = Counter(plain(element.label) for _, element in self.icons)
        self.shares = list(accumulate(counts[plain(element.label)] ** -0.6 for _, element in self.icons))

    def draw(self, rng: Random) -> Look:
        """One real icon with a phrase for it."""
        crop, element = rng.choices(self.icons, cum_weights=self.shares)[0]
        words, _ = phrase(rng, element)
        number = by_label().get(plain(element.label))
        if number is not None and rng.random() < 0.4:
            words = said(rng, concepts()[number])
        group = concepts()[number].name if number is not None else plain(element.label)
        return Look(crop, words, group, kin().get(group, frozenset()))

    def draw_other(self, rng: Random) -> Look:
        return Look(rng.choice(self.others), "", "")


def without_unheard(element: Element) -> Element:
    """The element without wordings that are kept from training."""
    kept = _unheard()
    if not any(text in kept for text in element.says):
        return element
    return replace(element, says=tuple(text for text in element.says if text not in kept))


@lru_cache(maxsize=1)
def _unheard() -> frozenset[str]:
    wordings = {text for concept in concepts() for text in concept.unheard}
    return frozenset(wordings | {text[:1].upper() + text[1:] for text in wordings})


def framed(rng: Random, pixels: npt.NDArray[np.uint8], box: Rect) -> Rect:
    """The element's own box or, as a detector finds it, the drawing inside; a little off."""
    if rng.random() < 0.65:
        box = drawing(pixels, box)
    by = [rng.uniform(-1.6, 1.6) for _ in range(4)]
    return Rect(box.left + by[0], box.top + by[1], max(box.right + by[2], box.left + 6), box.bottom + by[3])


def drawing(pixels: npt.NDArray[np.uint8], box: Rect) -> Rect:
    """The part of a box that differs from its most usual colour, borders left out; the box itself where none does."""
    left, top, right, bottom = (max(0, int(v)) for v in box.as_tuple())
    edge = 3 if min(right - left, bottom - top) > 20 else 1
    part = pixels[top + edge : bottom - edge, left + edge : right - edge].astype(np.int32)
    if part.size == 0:
        return box
    flat = part.reshape(-1, 3)
    code = (flat[:, 0] >> 2) * 4096 + (flat[:, 1] >> 2) * 64 + (flat[:, 2] >> 2)
    values, counts = np.unique(code, return_counts=True)
    usual = flat[code == values[counts.argmax()]].mean(axis=0)
    ink = np.abs(part - usual).max(axis=2) > 24
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if len(rows) < 3 or len(columns) < 3:
        return box
    left, top = left + edge, top + edge
    return Rect(left + columns[0], top + rows[0], left + columns[-1] + 1, top + rows[-1] + 1)
