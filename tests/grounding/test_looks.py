"""What the matcher says becomes candidates and features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from reticle_grounding.calibration import Calibration
from reticle_grounding.evidence import MAX_LOOKS
from reticle_grounding.features import FEATURES, HEARD_FEATURES
from reticle_grounding.geometry import Rect
from reticle_grounding.labels import all_said, as_said
from reticle_grounding.looks import MAX_SEEN, Looks, worth_a_look
from reticle_grounding.matcher.icons import Recalled
from reticle_grounding.matcher.matcher import NoMatcher, Vectors
from reticle_grounding.matcher.quantised import Quantised
from reticle_grounding.matcher.sentences import DIM
from reticle_grounding.matcher.wishes import LEAN, KnownTexts, WishMemory
from reticle_grounding.ocr import RgbArray, TextBox, proportional_words
from reticle_grounding.options import GroundingConfig
from reticle_grounding.predictor import Grounder
from reticle_grounding.proposals import Elements
from reticle_grounding.sources import EvenAttention
from reticle_grounding.weighing import Weighed
from reticle_grounding.words import parse

RED, BLUE = Rect(40, 40, 64, 64), Rect(140, 40, 164, 64)
MEANINGS = {"stop": (1.0, 0.0), "crimson": (1.0, 0.0), "cold": (0.0, 1.0)}


class ColourMatcher:
    """Sees how red and how blue something is; knows a few words."""

    def see(self, image: np.ndarray, rects: Sequence[Rect]) -> Vectors:
        made = []
        for r in rects:
            part = image[int(r.top) : int(r.bottom), int(r.left) : int(r.right)].reshape(-1, 3).astype(float)
            red, blue = (part[:, 0] - part[:, 2]).mean() / 255, (part[:, 2] - part[:, 0]).mean() / 255
            red, blue = max(red, 0.0), max(blue, 0.0)
            made.append((red, blue, max(0.0, 1.0 - red**2 - blue**2) ** 0.5))
        return np.array(made, np.float32).reshape(-1, 3)

    def say(self, phrases: Sequence[str]) -> Vectors:
        vectors = [next((v for w, v in MEANINGS.items() if w in p.lower()), (0.0, 0.0)) for p in phrases]
        return np.array([(*v, 0.0) for v in vectors], np.float32).reshape(-1, 3)

    ask = say

    def recall(self, image: np.ndarray, rects: Sequence[Rect]) -> None:
        return None

    def named(self, recalled: Recalled, said: np.ndarray) -> np.ndarray:
        raise AssertionError("nothing is known by heart here")

    used = named

    def known(self, read: np.ndarray) -> None:
        return None


class Lines:
    def __init__(self, *texts: TextBox) -> None:
        self.texts = texts

    def read(self, image: RgbArray, region: Rect | None = None) -> list[TextBox]:
        return list(self.texts)


def line(text: str, left: float, top: float) -> TextBox:
    rect = Rect(left, top, left + 8 * len(text), top + 16)
    return TextBox(text, rect, 0.99, proportional_words(text, rect))


def screen() -> Image.Image:
    image = Image.new("RGB", (300, 200), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse(RED.as_tuple(), fill="red")
    draw.ellipse(BLUE.as_tuple(), fill="blue")
    return image


def weighed(instruction: str, *texts: TextBox, config: GroundingConfig | None = None) -> Weighed:
    config = config or GroundingConfig(attention=False)
    made = Grounder(EvenAttention(), Lines(*texts), Calibration({"look": 4.0}, -2.0, 0.3), config, ColourMatcher())
    return made.observe(screen()).weigh(instruction)


def test_the_proposal_that_looks_right_is_a_candidate_with_its_features() -> None:
    found = weighed("the stop icon")
    looks = [(d, r) for d, r in zip(found.drafts, found.rows, strict=True) if d.kind == "look"]
    best, row = looks[0]
    assert RED.contains(best.point)
    assert row["look_top"] == row["look_asked"] == 1.0
    assert row["look"] > 0.5
    assert row["look_lead"] > 0.0
    assert set(row) == set(FEATURES)


def test_a_text_that_means_the_same_is_a_candidate() -> None:
    found = weighed("stop", line("Crimson", 30, 120), line("Cold", 150, 120))
    meant = [d for d in found.drafts if d.kind == "meant"]
    assert [d.text for d in meant] == ["Crimson"]
    row = found.rows[list(found.drafts).index(meant[0])]
    assert row["meant"] == row["meant_top"] == row["meant_only"] == 1.0


class Remembering(ColourMatcher):
    """Knows two labels by their first axis, and one wish for each; what it says of texts is nothing else."""

    def say(self, phrases: Sequence[str]) -> Vectors:
        axes = {"Volume": 0, "Rename": 1, "louder": 2, "other title": 3}
        said = np.zeros((len(phrases), DIM), np.float32)
        for row, phrase in zip(said, phrases, strict=True):
            row[next((axis for words, axis in axes.items() if words in phrase), 4)] = 1.0
        return said

    def ask(self, phrases: Sequence[str]) -> Vectors:
        return np.zeros((len(phrases), 3), np.float32)

    def known(self, read: Vectors) -> KnownTexts | None:  # type: ignore[override]
        basis, kept = torch.eye(DIM)[:, :LEAN], torch.eye(LEAN)
        book = torch.zeros(LEAN, 256, 1)
        book[:, 1] = 1.0
        wishes = Quantised(kept[[2, 3]].to(torch.uint8), book)
        return WishMemory(basis, kept[[0, 1]], wishes, torch.tensor([1, 1])).known(read)


def heard(instruction: str, matcher: ColourMatcher) -> dict[str | None, dict[str, float]]:
    lines = Lines(line("Volume", 30, 120), line("Rename", 150, 120))
    made = Grounder(EvenAttention(), lines, Calibration({"text": 4.0}, -2.0, 0.3), None, matcher)
    found = made.observe(screen()).weigh(instruction)
    return {d.text: r for d, r in zip(found.drafts, found.rows, strict=True) if d.kind == "meant"}


def test_a_text_that_people_are_known_to_ask_for_so_is_a_candidate() -> None:
    rows = heard("make it louder", Remembering())
    assert list(rows) == ["Volume"]
    assert rows["Volume"]["heard"] == rows["Volume"]["heard_top"] == rows["Volume"]["heard_lead"] == 1.0
    assert 0.0 < rows["Volume"]["heard_often"] < 1.0
    assert rows["Volume"]["meant"] == 0.0
    assert list(heard("give it another title: other title", Remembering())) == ["Rename"]


def test_where_no_wishes_are_known_nothing_is_heard() -> None:
    found = weighed("stop", line("Crimson", 30, 120))
    assert any(row["meant"] > 0.0 for row in found.rows)
    assert all(row[name] == 0.0 for row in found.rows for name in HEARD_FEATURES)


class WholePhrases(ColourMatcher):
    """Knows a phrase when it hears all of it and nothing else; keeps what it was asked for."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def say(self, phrases: Sequence[str]) -> Vectors:
        self.heard += phrases
        vectors = [MEANINGS.get(p.lower(), (0.0, 0.0)) for p in phrases]
        return np.array([(*v, 0.0) for v in vectors], np.float32).reshape(-1, 3)

    ask = say


def test_the_part_of_the_screen_is_no_part_of_what_is_meant() -> None:
    matcher = WholePhrases()
    made = Grounder(
        EvenAttention(), Lines(line("Cold", 150, 120)), Calibration({"look": 4.0}, -2.0, 0.3), None, matcher
    )
    found = made.observe(screen()).weigh("crimson at the top left")
    best = max(zip(found.drafts, found.rows, strict=True), key=lambda pair: pair[1]["look"])
    assert RED.contains(best[0].point)
    assert best[1]["look"] > 0.5


def test_the_programs_name_is_not_compared() -> None:
    matcher = WholePhrases()
    texts = (line("About Cantor", 30, 120), line("Cold", 150, 120))
    made = Grounder(EvenAttention(), Lines(*texts), Calibration({"look": 4.0}, -2.0, 0.3), None, matcher)
    made.observe(screen()).weigh("who made Cantor")
    assert "who made the program" in matcher.heard
    assert "who made Cantor" not in matcher.heard


def test_a_text_that_says_it_is_no_second_candidate() -> None:
    found = weighed("stop", line("Stop", 30, 120))
    assert [d.kind for d in found.drafts if d.origin == "text"] == [""]
    assert found.rows[0]["meant"] == 1.0


@pytest.mark.parametrize(
    ("read", "said"),
    [
        ("% Preferences", "Preferences"),
        ("Preferences Ctrl+Shift+P", "Preferences"),
        ("○ Save as... Ctrl + S", "Save as"),
        ("Add…", "Add"),
        ("Name:", "Name"),
        ("+Add", "Add"),
        ("QFind...", "Find"),
        ("QBert", "QBert"),
        ("Find → ▶", "Find"),
        ("Extras√", "Extras"),
        ("Help ✓", "Help"),
        ("Welcome!×", "Welcome!"),
        ("...", "..."),
        ("C++", "C++"),
        ("100 %", "100"),
        ("Ctrl+S", "Ctrl+S"),
        ("A + B", "A + B"),
        ("×", "×"),
        ("Open", "Open"),
    ],
)
def test_stray_signs_and_keys_are_no_part_of_what_a_text_means(read: str, said: str) -> None:
    assert as_said(line(read, 0, 0)) == said


def test_how_many_there_are_is_no_part_of_a_name_unless_it_tells_names_apart() -> None:
    texts = [
        "Inbox 12",
        "Updates (3)",
        "Heading 1",
        "Heading 2",
        "Trash",
        "Trash 4",
        "Chapter Three",
        "PI 3",
        "Dell 17",
    ]
    said = all_said([line(text, 0, 30 * n) for n, text in enumerate(texts)])
    assert said == ["Inbox", "Updates", "Heading 1", "Heading 2", "Trash", "Trash 4", "Chapter Three", "PI 3", "Dell"]
    assert all_said([]) == []


def test_an_icon_read_as_a_sign_does_not_dilute_what_a_text_means(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    say = ColourMatcher.say
    monkeypatch.setattr(ColourMatcher, "say", lambda self, phrases: (said.extend(phrases), say(self, phrases))[1])
    weighed("stop", line("% Crimson", 30, 120))
    assert "Crimson" in said
    assert "% Crimson" not in said


def test_what_is_drawn_is_told_before_the_place() -> None:
    assert parse("the small cross in the corner").head == ("small", "cross")
    found = weighed("the cold one in crimson")  # as a whole, the matcher hears nothing but crimson
    looks = {d.point: row["look"] for d, row in zip(found.drafts, found.rows, strict=True) if d.look is not None}
    assert max(look for point, look in looks.items() if BLUE.contains(point)) > 0.5


def test_ordinals_count_equal_looks_in_reading_order() -> None:
    image = Image.new("RGB", (300, 200), "white")
    for left in (40, 140, 240):
        ImageDraw.Draw(image).ellipse((left, 40, left + 24, 64), fill="red")
    grounder = Grounder(EvenAttention(), Lines(), Calibration({}, 0.0, 0.5), GroundingConfig(), ColourMatcher())
    found = grounder.observe(image).weigh("the second stop icon")
    chosen = [d for d, r in zip(found.drafts, found.rows, strict=True) if r["ordinal"] == 1.0]
    assert [round(d.point.x / 100) for d in chosen] == [2]


def test_an_ordinal_may_count_further_than_the_best_looks() -> None:
    image = Image.new("RGB", (900, 200), "white")
    for i in range(20):
        ImageDraw.Draw(image).ellipse((20 + 40 * i, 40, 44 + 40 * i, 64), fill="red")
    grounder = Grounder(EvenAttention(), Lines(), Calibration({}, 0.0, 0.5), GroundingConfig(), ColourMatcher())
    observation = grounder.observe(image)
    assert sum(d.kind == "look" for d in observation.weigh("the stop icon").drafts) == MAX_LOOKS
    found = observation.weigh("the last stop icon")
    chosen = [d for d, r in zip(found.drafts, found.rows, strict=True) if r["ordinal"] == 1.0]
    assert [round(d.point.x) for d in chosen] == [792]


def test_without_a_matcher_nothing_is_seen_or_meant() -> None:
    config = GroundingConfig(attention=False, matcher=False)
    found = weighed("stop", line("Crimson", 30, 120), config=config)
    assert not found.drafts
    nothing = Looks(NoMatcher(), np.asarray(screen()), Elements((), (RED,)), [])
    assert nothing.against("stop", parse("stop")).best_looks(5) == []


def test_long_flat_and_huge_elements_are_not_looked_at() -> None:
    icons = (RED, Rect(10, 100, 200, 108), Rect(0, 0, 290, 190), Rect(5, 5, 8, 8))
    kept = worth_a_look(Elements((), icons))
    assert RED in kept
    assert len(kept) == 1


def test_the_cells_of_a_table_do_not_displace_the_icons_above_it() -> None:
    cells = tuple(Rect(x, y, x + 58, y + 16) for x in range(0, 1200, 60) for y in range(100, 640, 18))
    icons = tuple(Rect(x, 20, x + 16, 36) for x in range(10, 410, 40))
    assert len(cells) > MAX_SEEN
    assert set(worth_a_look(Elements(cells, icons))) == set(icons)
