"""Other ways to read labels: wrapped ones joined, without symbols and shortcuts; detections are as high as OCR's."""

from __future__ import annotations

import numpy as np
import pytest

from reticle_grounding.evidence import Scene, drafts, line_at, spans
from reticle_grounding.features import describe
from reticle_grounding.geometry import Rect, Size, Transform
from reticle_grounding.labels import readings, reunited, without_shortcut, wrapped
from reticle_grounding.ocr import TextBox, proportional_words
from reticle_grounding.proposals import Elements
from reticle_grounding.words import parse

HEIGHT = 22.0
"""Of a detection of 12-pixel letters; their lines are 16 pixels apart."""


def at(text: str, left: float, top: float, height: float = HEIGHT) -> TextBox:
    rect = Rect(left, top, left + 7.0 * len(text), top + height)
    return TextBox(text, rect, 0.99, proportional_words(text, rect))


def centred(text: str, middle: float, top: float) -> TextBox:
    return at(text, middle - 3.5 * len(text), top)


def said(texts: list[TextBox]) -> list[str]:
    return [t.text for t in wrapped(texts)]


def test_lines_under_one_centre_are_one_label() -> None:
    upper, lower = centred("Keyboard and", 100, 40), centred("Mouse", 100, 56)
    [joined] = wrapped([upper, lower])
    assert joined.text == "Keyboard and Mouse"
    assert joined.rect == Rect(upper.rect.left, 40, upper.rect.right, 56 + HEIGHT)
    assert [w.rect for w in joined.words] == [w.rect for w in (*upper.words, *lower.words)]


def test_lines_from_one_left_edge_are_one_label() -> None:
    assert said([at("Payees, categories", 10, 40), at("and budgets", 10, 56)]) == ["Payees, categories and budgets"]


def test_three_lines_are_one_label_only_under_one_centre() -> None:
    lines = (("Date", 40), ("and time of", 56), ("arrival", 72))
    assert said([centred(text, 100, top) for text, top in lines]) == ["Date and time of arrival"]
    assert said([at(text, 10, top) for text, top in lines]) == []


def test_a_file_name_goes_on_after_its_dot() -> None:
    assert said([centred("meeting minutes.", 100, 40), centred("txt", 100, 60)]) == ["meeting minutes. txt"]


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        ([at("Copy", 10, 40), at("Paste", 10, 64)], "items of a menu"),
        ([at("Full name:", 10, 40), at("Street", 10, 56)], "a label of a field"),
        ([at("Saved.", 10, 40), at("Close", 10, 56)], "a sentence"),
        ([at("Open", 10, 40), at("Save", 150, 56)], "beside each other"),
        ([at("Title", 10, 40, 40), at("caption", 10, 68)], "letters of other size"),
        ([at("Folder", 10, 40), at("Folder", 10, 56)], "equal lines"),
        ([at("first", 10, 40), at("• second", 10, 56)], "an item of a list"),
        ([at("12", 10, 40), at("34", 10, 56)], "numbers"),
        ([at("one two three four", 10, 40), at("five six seven", 10, 56)], "too many words"),
        ([at(f"line {'abcd'[i]}", 10, 40.0 + 16 * i) for i in range(4)], "a paragraph"),
        ([at("Lorem " + "i" * 60, 10, 40), at("dolor " + "s" * 60, 10, 56)], "running text"),
        ([at("Name", 10, 40), at("Size", 60, 40), at("Long columns head", 10, 56)], "two above one"),
    ],
)
def test_other_lines_are_not_joined(texts: list[TextBox], why: str) -> None:
    assert said(texts) == [], why


def test_wrapped_items_of_a_list_are_joined_one_by_one() -> None:
    column = [at(t, 10, 40 + y) for t, y in (("Draft", 0), ("ticket", 16), ("Rapid", 50), ("roadmap", 66))]
    assert said(column) == ["Draft ticket", "Rapid roadmap"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Save Ctrl+S", "Save"),
        ("SaveCtrl+S", "Save"),
        ("Zoom In Ctrl++", "Zoom In"),
        ("Redo Shift+Ctrl+Z", "Redo"),
        ("Reload F5", "Reload"),
        ("Quit (Alt+F4)", "Quit"),
        ("First Page Ctrl+Page Up", "First Page"),
    ],
)
def test_a_shortcut_is_no_part_of_the_name(text: str, name: str) -> None:
    box = at(text, 10, 40)
    cleaned = without_shortcut(box)
    assert cleaned is not None
    assert cleaned.text == name
    assert cleaned.rect.left == 10
    assert cleaned.rect.right == pytest.approx(10 + 7 * len(name))


@pytest.mark.parametrize("text", ["Ctrl+S", "Ctrl+Shift+F1", "Ctrl + F5", "F5", "PDF 1", "C++ F", "> Alt+C"])
def test_keys_alone_are_left_as_they_are(text: str) -> None:
    assert without_shortcut(at(text, 10, 40)) is None


def test_readings_come_beside_the_detections() -> None:
    texts = (
        at("●Left-handed", 10, 20),
        at("Quit Alt+F4", 10, 80),
        centred("Facing", 300, 40),
        centred("Pages", 300, 56),
    )
    assert [t.text for t in readings(texts)] == ["Left-handed", "Quit", "Facing Pages"]
    assert readings((at("× x", 10, 20),)) == ()


def scene(instruction: str, texts: tuple[TextBox, ...], elements: Elements) -> Scene:
    attention = np.full((10, 20), 1 / 200, dtype=np.float32)
    size = Size(560, 280)
    transform = Transform.for_image(size, size, 28)
    return Scene(parse(instruction), attention, transform, (), texts, elements, extra=readings(texts))


def test_a_wrapped_label_is_one_place_alone_in_its_button() -> None:
    texts = (centred("Desktop", 100, 40), centred("Preferences", 100, 56), at("Preferences", 300, 40))
    where = scene("Desktop Preferences", texts, Elements((Rect(40, 30, 160, 90),), ()))
    made = drafts(where)
    best = next(i for i, draft in enumerate(made) if draft.text == "Desktop Preferences")
    assert made[best].point == Rect(61.5, 40, 138.5, 78).center
    assert line_at(made[best], where) == "Desktop Preferences"
    row = describe(where, made)[best]
    assert (row["text_exact"], row["text_whole"], row["alone_in_box"]) == (1.0, 1.0, 1.0)


def test_another_reading_takes_the_place_of_what_says_the_same() -> None:
    texts = (at("Save Ctrl+S", 10, 40), centred("Single", 300, 40), centred("Page", 300, 56))
    saves = spans(parse("Save"), texts, readings(texts))
    assert [(f.text, f.whole) for f in saves] == [("Save", True)]
    pages = [f for f in spans(parse("Page"), texts, readings(texts)) if f.text == "Page"]
    assert [f.whole for f in pages] == [True]


def test_words_of_one_label_that_were_detected_apart_are_read_together() -> None:
    new, tab, preset = at("New", 57, 82), at("Tab From", 84, 82), at("Preset", 146, 83)
    other = at("Close", 57, 112)
    [joined] = reunited([preset, other, tab, new])
    assert joined.text == "New Tab From Preset"
    assert joined.rect == Rect(57, 82, preset.rect.right, 83 + HEIGHT)
    assert joined in readings((new, tab, preset, other))


@pytest.mark.parametrize(
    ("left", "right", "why"),
    [
        (at("File", 10, 40), at("Edit", 10 + 28 + 12, 40), "names of menus"),
        (at("Save", 10, 40), at("all", 10 + 28 + 5, 52), "another line"),
        (at("Name", 10, 40), at("Title", 10 + 28 + 5, 40, 40), "letters of other size"),
        (at("one two three four", 10, 40), at("five six seven", 141, 40), "running text"),
    ],
)
def test_other_neighbours_stay_apart(left: TextBox, right: TextBox, why: str) -> None:
    assert reunited([left, right]) == [], why
