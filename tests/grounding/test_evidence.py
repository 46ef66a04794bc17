"""Drafts and features from attention, text and structure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image, ImageDraw

from reticle_grounding.evidence import Draft, Scene, drafts, spans, without_twins
from reticle_grounding.features import FEATURES, describe
from reticle_grounding.geometry import Point, Rect, Size, Transform
from reticle_grounding.looks import Agreement
from reticle_grounding.ocr import TextBox, proportional_words
from reticle_grounding.proposals import NOTHING, Elements, entries_of, find_elements, marks_left_of
from reticle_grounding.regions import find_regions
from reticle_grounding.rows import parted
from reticle_grounding.types import FloatMap
from reticle_grounding.words import parse, tokens

SIZE = Size(560, 280)
TRANSFORM = Transform.for_image(SIZE, SIZE, 28)


def line(text: str, left: float, top: float, char: float = 8.0) -> TextBox:
    rect = Rect(left, top, left + char * len(text), top + 18)
    return TextBox(text, rect, 0.99, proportional_words(text, rect))


def even() -> FloatMap:
    return np.full((10, 20), 1 / 200, dtype=np.float32)


def scene(
    instruction: str, texts: list[TextBox], elements: Elements = NOTHING, attention: FloatMap | None = None
) -> Scene:
    if attention is None:
        return Scene(parse(instruction), even(), TRANSFORM, (), tuple(texts), elements)
    regions = tuple(r.mapped(TRANSFORM) for r in find_regions(attention))
    return Scene(parse(instruction), attention, TRANSFORM, regions, tuple(texts), elements)


def peak(row: int, column: int) -> FloatMap:
    attention = np.full((10, 20), 1e-4, dtype=np.float32)
    attention[row, column] = 1.0
    return attention / attention.sum()


def test_one_word_of_a_menu_bar_is_a_place_of_its_own() -> None:
    bar = line("File Edit View Search Tools", 0, 0)
    found = spans(parse("open the Search menu"), [bar])[0]
    assert found.text == "Search"
    assert found.rect.left == 8.0 * len("File Edit View ")
    assert found.rect.width == 8.0 * len("Search")
    assert not found.whole


def test_a_name_twice_in_one_line_gives_two_places() -> None:
    row = line("Delete Rename Delete", 0, 0)
    found = [f for f in spans(parse("Delete"), [row]) if f.text == "Delete"]
    assert sorted(f.rect.left for f in found) == [0.0, 8.0 * len("Delete Rename ")]


def test_ordinals_count_equal_texts_in_reading_order() -> None:
    texts = [line("Delete", 300, 40), line("Delete", 20, 40), line("Delete", 20, 90)]
    made = drafts(scene("the second Delete", texts))
    rows = describe(scene("the second Delete", texts), made)
    assert {d.region.left if d.region.top == 40 else "low": r["ordinal"] for d, r in zip(made, rows, strict=True)} == {
        20.0: -1.0,
        300.0: 1.0,
        "low": -1.0,
    }


def test_a_field_is_counted_with_its_label() -> None:
    texts = [line("Size", 20, 40), line("Size", 20, 120)]
    boxes = (Rect(80, 36, 200, 62), Rect(80, 116, 200, 142))
    where = scene("the second Size field", texts, Elements(boxes, ()))
    made = drafts(where)
    fits = {d.region.top: r["ordinal"] for d, r in zip(made, describe(where, made), strict=True) if d.kind == "entry"}
    assert fits == {36.0: -1.0, 116.0: 1.0}


def test_a_name_with_a_preposition_is_no_place_in_something() -> None:
    where = scene("the Date of birth field", [line("Date of birth", 20, 40), line("Birth certificate", 20, 140)])
    assert spans(where.wanted, where.texts)[0].text == "Date of birth"


def test_what_holds_several_texts_is_no_place_to_click() -> None:
    texts = [line(name, 20 + 120 * i, 120) for i, name in enumerate(("Red", "Green", "Blue"))]
    bar, button = Rect(10, 112, 380, 150), Rect(14, 114, 60, 146)
    found = drafts(scene("x", texts, Elements((bar, button), ()), peak(4, 1)))
    attended = [d.region for d in found if d.kind == "attended" and d.origin == "element"]
    assert button in attended
    assert bar not in attended


def test_a_relation_prefers_the_place_beside_its_anchor() -> None:
    texts = [line("Edit", 300, 40), line("Edit", 300, 200), line("Billing", 200, 200)]
    where = scene("Edit next to Billing", texts)
    made = drafts(where)
    fits = {d.point.y: r["relation"] for d, r in zip(made, describe(where, made), strict=True) if d.text == "Edit"}
    assert fits[209.0] > fits[49.0] > 0.0


def test_sides_of_the_screen_prefer_what_stands_there() -> None:
    texts = [line("Menu", 10, 10), line("Menu", 510, 250)]
    for instruction, fits in (("Menu, top left", (1, -1)), ("Menu at the bottom right", (-1, 1)), ("Menu", (0, 0))):
        known = replace(scene(instruction, texts), size=SIZE)
        made = drafts(known)
        placed = {d.region.left: row["placed"] for d, row in zip(made, describe(known, made), strict=True)}
        assert tuple(np.sign(placed[left]) for left in (10, 510)) == fits


def test_attention_and_text_on_one_place_support_each_other() -> None:
    texts = [line("Open", 60, 60), line("Open", 400, 200)]
    where = scene("Open", texts, attention=peak(2, 2))
    made = drafts(where)
    rows = describe(where, made)
    near = next(r for d, r in zip(made, rows, strict=True) if d.origin == "text" and d.point.x < 200)
    far = next(r for d, r in zip(made, rows, strict=True) if d.origin == "text" and d.point.x > 200)
    assert near["attention_peak"] == 1.0
    assert far["attention_peak"] < 0.01
    assert near["attention_lag"] > far["attention_lag"]
    assert made[0].origin == "attention"
    assert made[0].attended == 1


def test_every_draft_has_every_feature_and_finite_values() -> None:
    where = scene("the second Open next to File", [line("Open File:", 60, 60)], attention=peak(2, 2))
    for row in describe(where, drafts(where)):
        assert tuple(row) == FEATURES
        assert all(np.isfinite(v) for v in row.values())


def test_a_flat_map_gives_no_attention_evidence() -> None:
    where = scene("Open", [line("Open", 60, 60)])
    rows = describe(where, drafts(where))
    assert [row["attention_peak"] for row in rows] == [0.0]


def form() -> np.ndarray:
    """A label with an entry right of it, a check box with a label, a slider, and an icon."""
    picture = Image.new("RGB", (SIZE.width, SIZE.height), (238, 238, 238))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((120, 40, 330, 66), fill="white", outline=(120, 120, 120))
    draw.rectangle((20, 102, 34, 116), fill="white", outline=(90, 90, 90))
    draw.rectangle((120, 160, 330, 164), fill=(80, 120, 200))
    draw.rectangle((200, 154, 210, 170), fill=(60, 60, 60))
    draw.line((500, 200, 520, 220), fill="black", width=4)
    draw.line((520, 200, 500, 220), fill="black", width=4)
    return np.asarray(picture)


TEXTS = [line("Name:", 30, 44), line("Wrap lines", 42, 100), line("Volume", 30, 152)]


def test_the_entry_right_of_its_label_is_the_field() -> None:
    where = scene("the Name field", TEXTS, find_elements(form(), TEXTS))
    entry = next(d for d in drafts(where) if d.kind == "entry")
    assert Rect(120, 40, 331, 67).contains(entry.point)
    assert entry.region.iou(Rect(121, 41, 330, 66)) > 0.9


def test_the_square_left_of_its_label_is_the_check_box() -> None:
    where = scene("toggle Wrap lines", TEXTS, find_elements(form(), TEXTS))
    mark = next(d for d in drafts(where) if d.kind == "mark")
    assert Rect(20, 102, 35, 117).contains(mark.point)


def test_a_slider_is_found_by_its_groove() -> None:
    entries = entries_of(TEXTS[2].rect, find_elements(form(), TEXTS), TEXTS)
    assert entries
    assert entries[0].track
    assert Rect(115, 150, 335, 174).contains(entries[0].rect.center)


def test_a_control_behind_another_text_is_not_this_labels() -> None:
    blocked = [*TEXTS, line("of", 85, 44)]
    assert not [e for e in entries_of(TEXTS[0].rect, find_elements(form(), blocked), blocked) if not e.below]


def test_a_control_behind_another_control_is_not_this_labels() -> None:
    row = Elements((Rect(300, 40, 380, 66), Rect(120, 40, 290, 66)), ())
    assert [e.rect.left for e in entries_of(TEXTS[0].rect, row, TEXTS)] == [120]


def test_a_field_no_higher_than_its_letters_is_its_labels() -> None:
    """OCR's boxes are a third higher than the letters, and compact forms give a field just their height."""
    label = replace(line("Timeout", 20, 40), rect=Rect(20, 40, 90, 66))
    field = Rect(100, 44, 240, 60)
    assert [e.rect for e in entries_of(label.rect, Elements((field,), ()), [label])] == [field]
    rule = Rect(100, 52, 240, 60)
    assert entries_of(label.rect, Elements((rule,), ()), [label]) == [], "too low for letters"


def test_a_spin_box_is_found_between_its_label_and_its_buttons() -> None:
    label = line("Margin", 20, 40)
    number, less, more = Rect(100, 38, 139, 68), Rect(142, 38, 173, 68), Rect(176, 38, 207, 68)
    found = entries_of(label.rect, Elements((number, less, more), ()), [label])
    assert [e.rect for e in found] == [number]
    wide = Rect(142, 38, 260, 68)
    found = entries_of(label.rect, Elements((number, wide), ()), [label])
    assert [e.rect for e in found] == [wide], "a picture in a drop-down is not its value"


def test_an_element_of_no_other_evidence_is_a_candidate_where_attention_points() -> None:
    elements = find_elements(form(), TEXTS)
    lit = drafts(scene("close it", TEXTS, elements, peak(7, 18)))
    assert any(d.kind == "attended" and Rect(495, 195, 525, 225).contains(d.point) for d in lit)
    assert not any(d.kind == "attended" for d in drafts(scene("close it", TEXTS, elements)))


def test_what_an_entry_shows_is_no_place_beside_it_where_a_field_is_asked_for() -> None:
    texts = [line("Direction", 20, 115)]
    entry, shown = Rect(120, 110, 240, 136), Rect(130, 114, 170, 130)
    elements = Elements((entry,), (shown,))

    def attended(words: str) -> list[Rect]:
        found = drafts(scene(words, texts, elements, peak(4, 5)))
        return [d.region for d in found if d.kind == "attended"]

    assert shown in attended("the Direction")
    assert attended("the Direction field") == []


def test_marks_stand_level_with_their_label() -> None:
    elements = Elements((Rect(10, 10, 24, 24),), ())
    assert marks_left_of(Rect(30, 8, 100, 26), elements) == [Rect(10, 10, 24, 24)]
    assert marks_left_of(Rect(30, 40, 100, 58), elements) == []


def test_candidates_are_different_places() -> None:
    rect = Rect(10, 10, 60, 30)
    same = Draft(Rect(0, 0, 84, 56), Point(42, 28), "attention", None)
    other = Draft(Rect(200, 10, 260, 30), Point(230, 20), "text", "Open")
    ranked = [(0.9, Draft(rect, rect.center, "text", "Open")), (0.5, same), (0.4, other), (0.3, other)]
    assert [p for p, _ in without_twins(ranked, 5)] == [0.9, 0.4]


def test_an_attended_area_around_a_better_answer_is_no_other_answer() -> None:
    entry = Draft(Rect(100, 100, 180, 116), Point(140, 108), "text", "Replace", None)
    area = Rect(90, 60, 330, 190)
    attended, frame = (Draft(area, area.center, origin, None) for origin in ("attention", "element"))
    assert [d for _, d in without_twins([(0.9, entry), (0.8, attended)], 5)] == [entry]
    assert [d for _, d in without_twins([(0.9, entry), (0.8, frame)], 5)] == [entry, frame], "a large control is one"
    assert [d for _, d in without_twins([(0.9, attended), (0.8, entry)], 5)] == [attended]


def seen_as(rects: tuple[Rect, ...], scores: tuple[float, ...]) -> Agreement:
    looks = np.array(scores, np.float32)
    return Agreement(rects, looks, np.zeros(0, np.float32), np.eye(len(rects), dtype=np.float32))


def test_a_slider_after_a_drawing_is_the_field_that_the_drawing_names() -> None:
    loudspeaker, other = Rect(100, 100, 124, 124), Rect(400, 100, 424, 124)
    groove, far = Rect(128, 106, 240, 118), Rect(480, 106, 550, 118)
    elements = Elements((), (loudspeaker, other), (groove, far))
    asked = replace(scene("adjust the volume", [], elements), agreement=seen_as((loudspeaker, other), (0.6, 0.5)))
    made = drafts(asked)
    rows = {(d.kind, d.region): row for d, row in zip(made, describe(asked, made), strict=True)}
    slider = rows["track", groove]
    assert slider["entry_signed"] == slider["entry_asked"] == slider["look_top"] == 1.0
    assert abs(slider["look"] - 0.6) < 1e-6, "it is asked for by what is drawn before it"
    assert ("look", loudspeaker) not in rows, "it mutes"
    assert ("look", other) in rows
    assert ("track", far) not in rows, "too far from its drawing"
    for instruction, for_field in (("set the volume", 1.0), ("press mute", 0.0)):
        again = replace(asked, wanted=parse(instruction))
        made = drafts(again)
        rows = {(d.kind, d.region): row for d, row in zip(made, describe(again, made), strict=True)}
        assert rows["look", loudspeaker]["sign_for_field"] == for_field, "only where a value is to be set"


def keys_and_faces(columns: int, rows: int = 2) -> tuple[tuple[Rect, ...], list[TextBox]]:
    places = [(x, y) for y in range(rows) for x in range(columns)]
    keys = tuple(Rect(20 + 60 * x, 20 + 30 * y, 76 + 60 * x, 46 + 30 * y) for x, y in places)
    return keys, [line(str(n), key.left + 24, key.top + 4) for n, key in enumerate(keys)]


def test_the_next_key_is_no_entry_of_a_key() -> None:
    keys, faces = keys_and_faces(4)
    assert all(entries_of(face.rect, Elements(keys, ()), faces) == [] for face in faces)
    field = Rect(20, 84, 256, 110)
    below = entries_of(faces[4].rect, Elements((*keys, field), ()), faces)
    assert [e.rect for e in below] == [field], "that is of another size"


def test_a_value_beside_its_name_in_a_table_is_an_entry() -> None:
    cells, texts = keys_and_faces(2, rows=1)
    assert [e.rect for e in entries_of(texts[0].rect, Elements(cells, ()), texts)] == [cells[1]]


def test_a_bar_of_tools_below_a_name_is_no_field() -> None:
    label, bar = line("Audio", 20, 10), Rect(0, 34, 400, 66)
    tools = tuple(Rect(10 + 40 * i, 40, 34 + 40 * i, 60) for i in range(6))
    assert entries_of(label.rect, Elements((bar,), tools[:4]), [label])
    assert entries_of(label.rect, Elements((bar,), tools), [label]) == []
    tabs = [line(name, 20 + 90 * i, 40) for i, name in enumerate(("One", "Two", "Three"))]
    assert entries_of(label.rect, Elements((bar,), ()), [label, *tabs[:2]])
    assert entries_of(label.rect, Elements((bar,), ()), [label, *tabs]) == []
    letters = tuple(Rect(20 + 8 * i, 42, 26 + 8 * i, 56) for i in range(9))
    assert entries_of(label.rect, Elements((bar,), letters), [label, line("typed text", 20, 40)]), "letters are text"


def test_a_control_is_found_by_the_name_of_its_row() -> None:
    """Three equal drawings in three rows: the rest of the instruction says which drawing, the name says which row."""
    texts = (line("Anna Berg", 20, 40), line("Tom Hill", 20, 100), line("Eva Stone", 20, 160))
    bins = tuple(Rect(400, 38 + 60 * i, 420, 58 + 60 * i) for i in range(3))
    flat = np.zeros(3, np.float32)
    equal, different = np.ones((3, 1), np.float32), np.eye(3, dtype=np.float32)
    agreement = Agreement(bins, flat, flat, equal, rest_drawn=flat + 0.5, rest_meant=flat)
    part = parted(tokens("remove Tom Hill"), texts)
    bare = scene("remove Tom Hill", list(texts))
    where = replace(bare, agreement=agreement).with_rows(part)
    made = drafts(where)
    rows = {d.region: r for d, r in zip(made, describe(where, made), strict=True)}
    assert rows[bins[1]]["rest_row"] > 0.3
    assert rows[bins[1]]["rest_drawn_top"] == 1.0
    assert not {bins[0], bins[2]} & rows.keys()
    assert rows[texts[1].rect]["rest_name"] > 0.5
    alone = replace(bare, agreement=replace(agreement, seen=different)).with_rows(part)
    assert alone.part is None, "drawings that no other row has are no controls of rows"


def test_the_next_word_of_a_menu_bar_stands_beside_its_neighbour() -> None:
    bar = line("File Edit View Help", 0, 0)
    where = scene("the menu right of View", [bar])
    made = drafts(where)
    rows = describe(where, made)
    beside = {d.text: r["next_to"] for d, r in zip(made, rows, strict=True)}
    assert beside["Help"] == 1.0
    assert beside.get("File", 0.0) == 0.0
    assert next(r["anchor"] for d, r in zip(made, rows, strict=True) if d.text == "View") == 1.0


def test_a_field_without_a_name_is_found_beside_its_neighbour() -> None:
    field, other = Rect(20, 36, 180, 62), Rect(300, 36, 380, 62)
    elements = Elements((field, other), ())
    asked = scene("the field left of Clear", [line("Clear", 200, 40)], elements)
    made = drafts(asked)
    rows = {d.region: row for d, row in zip(made, describe(asked, made), strict=True) if d.kind == "entry"}
    assert rows[field]["next_to"] == rows[field]["next_field"] == 1.0
    assert all(not row["next_to"] for region, row in rows.items() if region == other), "on the other side"
    button = scene("the button left of Clear", [line("Clear", 200, 40)], elements)
    assert not [d for d in drafts(button) if d.kind == "entry" and d.region == field], "only where a field is asked for"


def test_a_neighbour_of_the_sort_that_is_asked_for_is_told_from_others() -> None:
    texts = [line("Name", 20, 40), line("Send", 100, 40)]

    def told(instruction: str) -> dict[str, float]:
        where = scene(instruction, texts)
        made = drafts(where)
        return next(r for d, r in zip(made, describe(where, made), strict=True) if d.text == "Send")

    assert told("the label right of Name")["next_written"] == 1.0
    assert told("the icon right of Name")["next_written"] == 0.0
    assert told("the button right of Name")["next_to"] == 1.0


def test_of_two_places_on_the_side_that_is_told_the_next_one_counts_most() -> None:
    texts = [line("Name", 20, 40), line("Send", 100, 40), line("Clear", 300, 40)]
    where = scene("the button right of Name", texts)
    made = drafts(where)
    fits = {d.text: r["next_to"] for d, r in zip(made, describe(where, made), strict=True)}
    assert fits["Send"] == 1.0
    assert 0.0 <= fits.get("Clear", 0.0) < 0.5


def test_where_the_target_is_named_the_next_place_counts_no_more_than_others() -> None:
    texts = [line("Name", 20, 40), line("Send", 100, 40), line("Clear", 300, 40)]
    where = scene("Clear, right of Name", texts)
    rows = describe(where, drafts(where))
    assert all(row["next_to"] == row["anchor"] == 0.0 for row in rows)


def test_a_slider_and_a_label_answer_to_what_names_them() -> None:
    track = Rect(120, 44, 300, 54)
    elements = Elements((), (), (track,))
    for instruction, feature, kind in (
        ("drag the Volume slider", "track_asked", "track"),
        ("the label Volume", "text_asked", ""),
    ):
        where = scene(instruction, [line("Volume", 20, 40)], elements)
        made = drafts(where)
        asked = [(d.kind, r[feature]) for d, r in zip(made, describe(where, made), strict=True)]
        assert (kind, 1.0) in asked
        assert all(value == 0.0 for other, value in asked if other != kind)
