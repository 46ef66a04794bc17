"""Kinds of controls: how places are seen, what is learned, how weights are kept, and what the law hears of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from reticle_grounding.asked import kinds_asked
from reticle_grounding.assets import embedded_model_dir
from reticle_grounding.calibration import Calibration
from reticle_grounding.controls.controls import NoControls, TrainedControls, open_controls
from reticle_grounding.controls.kinds import BOX, DRAWING, DRAWN_BUTTON, KINDS, NO_KINDS, NONE, TEXT, Kinds
from reticle_grounding.controls.menus import open_menus
from reticle_grounding.controls.net import FILE, BothNets, load, pairs_of, save
from reticle_grounding.controls.places import CROP, MAX_BOXES, places_of
from reticle_grounding.errors import BadInput, CheckpointError
from reticle_grounding.evidence import MAX_MEANT, Draft, Found, Scene, drafts
from reticle_grounding.geometry import Point, Rect, Size, Transform
from reticle_grounding.kind_features import KIND_FEATURES, KindSense, place_of
from reticle_grounding.looks import NOTHING_SEEN, Looks
from reticle_grounding.matcher.matcher import Vectors, open_matcher
from reticle_grounding.ocr import RgbArray, TextBox, proportional_words
from reticle_grounding.options import GroundingConfig
from reticle_grounding.predictor import Grounder
from reticle_grounding.proposals import Elements
from reticle_grounding.sources import EvenAttention
from reticle_grounding.training import controls_data, controls_train, fonts
from reticle_grounding.training.controls_data import KnownScreen, from_seed, kind_of, known, open_stored, store
from reticle_grounding.training.controls_train import Screens, learn_wishes, measured, train
from reticle_grounding.words import NO_MATCH, parse

SIZE = Size(320, 200)
TITLE, TAB = Rect(100, 2, 180, 16), Rect(10, 30, 90, 44)
MATCHER = open_matcher(embedded_model_dir())


def written(text: str, rect: Rect) -> TextBox:
    return TextBox(text, rect, 0.99, proportional_words(text, rect))


def kinds_at(*places: tuple[Rect, str], sort: int = TEXT) -> Kinds:
    """Places told with 0.9 to be of a kind, and the menus that such places are."""
    rects = np.array([r.as_tuple() for r, _ in places], np.float32)
    shares = np.full((len(places), len(KINDS)), 0.1 / (len(KINDS) - 1), np.float32)
    for row, (_, kind) in zip(shares, places, strict=True):
        row[KINDS.index(kind)] = 0.9
    sorts = np.full(len(places), sort, np.int64)
    return Kinds(rects, sorts, shares, np.ones(len(places), np.float32), open_menus(rects, sorts, shares))


def scene_of(instruction: str, kinds: Kinds, wish: dict[str, float] | None = None) -> Scene:
    texts = (written("Shell", TITLE), written("Shell", TAB))
    even = np.full((2, 4), 1 / 8, np.float32)
    scene = Scene(parse(instruction), even, Transform.for_image(SIZE, SIZE, 10), (), texts, Elements((), ()), size=SIZE)
    told = np.full((2, len(KINDS)), 1 / len(KINDS), np.float32)
    for kind, share in (wish or {}).items():
        told[0, KINDS.index(kind)] = share
    return replace(scene, kinds=kinds, wish=told if wish else scene.wish)


def draft_at(rect: Rect, origin: str = "text", kind: str = "") -> Draft:
    return Draft(rect, rect.center, origin, "Shell", None, kind)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def screens() -> Iterator[list[KnownScreen]]:
    """Painted with the fonts of two packages, so that they are the same where more are installed."""
    known = {n: path for n, path in fonts.installed().items() if path.parent.name in ("dejavu", "urw-base35")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fonts, "installed", lambda: known)
        yield [from_seed(seed, MATCHER) for seed in range(8_400_000, 8_400_003)]


@pytest.mark.parametrize(
    ("role", "kind"),
    [
        ("page tab", "tab"),
        ("radio", "check"),
        ("switch", "check"),
        ("spin button", "field"),
        ("gridcell", "cell"),
        ("heading", "label"),
        ("title bar", "none"),
        ("scroll bar", "other"),
    ],
)
def test_roles_of_lists_are_kinds(role: str, kind: str) -> None:
    assert KINDS[kind_of(role)] == kind


def test_a_place_is_what_the_smallest_control_around_it_is() -> None:
    button, menu = KINDS.index("button"), KINDS.index("menu")
    boxes = [(0, 0, 320, 200), (0, 0, 100, 20), (10, 5, 30, 15)]
    rects = np.array([(12, 6, 28, 14), (60, 5, 80, 15), (200, 100, 220, 110)], np.float32)
    kinds, covers = known(rects, boxes, [menu, menu, button], 320 * 200)
    assert kinds.tolist() == [button, menu, NONE]  # the first box is the whole screen, which is no control
    assert covers.tolist() == pytest.approx([128 / 200, 200 / 2000, 0])


def test_places_are_texts_drawings_and_other_frames() -> None:
    image = np.asarray(Image.effect_noise((320, 200), 40).convert("RGB"))
    drawing, frame = Rect(0, 0, 20, 20), Rect(50, 50, 150, 80)
    frames = tuple(Rect(i, 190, i + 3, 195) for i in range(2 * MAX_BOXES))
    elements = Elements((frame, Rect(0, 0, 320, 200), drawing, *frames), ())
    read, seen = np.ones((1, 384), np.float32), np.full((1, 384), 2, np.float32)
    places = places_of(image, [written("Name:", Rect(300, 190, 330, 204))], elements, [drawing], read, seen)
    assert places.sorts.tolist() == [TEXT, DRAWING] + [BOX] * MAX_BOXES  # neither the screen nor the drawing again
    assert places.rects[2].tolist() == [50, 50, 150, 80]
    assert places.crops.shape == (2 + MAX_BOXES, 2, *CROP, 3)
    assert places.vectors[:3, 0].tolist() == [1, 2, 0]
    assert np.isfinite(places.about).all()
    assert places.line == 14


def test_a_screen_without_anything_has_no_places() -> None:
    empty = np.zeros((0, 384), np.float32)
    places = places_of(np.zeros((50, 60, 3), np.uint8), [], Elements((), ()), [], empty, empty)
    assert places.rects.shape == (0, 4)
    assert places.sorts.dtype == np.int64


def test_pairs_tell_side_and_holding() -> None:
    pairs = pairs_of(torch.tensor([[0.0, 0, 100, 20], [10, 5, 30, 15], [200, 0, 300, 20]]), 10.0)
    assert pairs.shape == (3, 3, 15)
    assert pairs[0, 2, 0] > 0.9 > 0 > pairs[2, 0, 0]  # right of it, left of it
    assert pairs[0, 1, 9] == 1
    assert pairs[1, 0, 10] == 1
    assert pairs[0, 2, 9] == 0


def test_a_point_lies_on_the_smallest_place() -> None:
    kinds = kinds_at((Rect(0, 0, 100, 100), "field"), (Rect(40, 40, 60, 60), "button"))
    assert kinds.under(Point(50, 50)) == 1
    assert kinds.under(Point(10, 10)) == 0
    assert kinds.under(Point(200, 10)) is None
    assert kinds.under(Point(50, 50), DRAWING) is None
    assert kinds.most_alike(Rect(2, 0, 99, 98)) == 0
    assert kinds.most_alike(Rect(300, 0, 310, 9)) is None
    assert NO_KINDS.most_alike(Rect(0, 0, 9, 9)) is None
    assert NO_KINDS.under(Point(1, 1)) is None


@pytest.mark.parametrize(
    ("instruction", "kinds"),
    [
        ("switch to the Shell tab", {"tab"}),
        ("tick the check box Remember", {"check"}),
        ("the Save button", {"button"}),
        ("open 'my tab' now", set()),
        ("the volume slider", {"slider"}),
        ("leave the program", set()),
        ("check for updates", set()),
    ],
)
def test_kinds_are_named_outside_quotes(instruction: str, kinds: set[str]) -> None:
    assert kinds_asked(instruction) == kinds == parse(instruction).asked


def test_the_law_hears_that_a_title_is_no_tab() -> None:
    kinds = kinds_at((TITLE, "none"), (TAB, "tab"))
    sense = KindSense(scene_of("the Shell tab", kinds, {"tab": 0.9}))
    title, tab = sense.of(draft_at(TITLE), None), sense.of(draft_at(TAB), None)
    assert title["is_none"] == title["is_none_text"] == pytest.approx(0.9)
    assert tab["is_asked"] == pytest.approx(0.9)
    assert tab["is_not_asked"] == pytest.approx(0.1)
    assert tab["wish_agree"] > 0.8 > 0.2 > title["wish_agree"]
    assert tab["wish_fit"] == tab["wish_fit_text"] > title["wish_fit"]
    assert set(title) <= set(KIND_FEATURES)


def test_a_button_that_is_a_text_is_not_one_without_words() -> None:
    kinds = kinds_at((TITLE, "button"))
    drawn = KindSense(scene_of("Shell", kinds, {KINDS[DRAWN_BUTTON]: 0.9}))
    assert drawn.of(draft_at(TITLE, "element", "look"), None)["wish_agree"] > 0.8
    assert drawn.of(draft_at(TITLE), None)["wish_agree"] < 0.2


def test_a_label_and_its_field_hear_of_each_other() -> None:
    label, field = Rect(10, 10, 60, 26), Rect(70, 8, 200, 28)
    sense = KindSense(scene_of("Name", kinds_at((label, "label"), (field, "field"))))
    text = draft_at(label)
    entry = replace(draft_at(field, "element", "entry"), found=Found("Name", label, NO_MATCH, True, False))
    told = sense.of(text, entry)
    assert told["is_label_of_entry"] == pytest.approx(0.9)
    assert told["is_label_of_field"] >= 0.9
    assert sense.of(entry, None)["is_entry_of_label"] == pytest.approx(0.9)
    assert "is_label_of_field" not in sense.of(text, None)
    heading = KindSense(scene_of("Name", kinds_at((label, "label"), (field, "none")))).of(text, entry)
    assert heading["is_label_of_field"] < 0.2 < heading["is_label_of_entry"]


ITEMS = tuple(Rect(60, 40 + 24 * n, 120 + 10 * n, 56 + 24 * n) for n in range(4))
"""The words of a menu's items."""


@pytest.mark.parametrize(
    ("places", "count"),
    [
        ([(item, "menu item") for item in ITEMS], 1),
        ([(item, kind) for item, kind in zip(ITEMS, ("menu item", "menu", "menu item"), strict=False)], 1),
        ([(item, kind) for item, kind in zip(ITEMS, ("menu", "menu", "menu item"), strict=False)], 0),
        ([(item, "menu item") for item in ITEMS[:2]], 0),
        ([(item, "cell") for item in ITEMS], 0),
        ([(Rect(60 * n, 40, 60 * n + 50, 56), "menu item") for n in range(4)], 0),
        ([(Rect(60, 80 * n, 110, 80 * n + 16), "menu item") for n in range(4)], 0),
    ],
    ids=["items", "with a menu in it", "a bar in a column", "two", "cells", "a row", "far apart"],
)
def test_items_under_each_other_are_an_open_menu(places: list[tuple[Rect, str]], count: int) -> None:
    menus = kinds_at(*places).menus
    assert len(menus) == count
    assert all(menu.contains(rect.center) for menu in menus for rect, _ in places)
    assert kinds_at(*places, sort=DRAWING).menus == ()


def test_two_menus_side_by_side_are_two() -> None:
    beside = [Rect(r.left + 150, r.top + 30, r.right + 150, r.bottom + 30) for r in ITEMS]
    menus = kinds_at(*((r, "menu item") for r in (*ITEMS, *beside))).menus
    assert len(menus) == 2
    assert all(sum(menu.contains(rect.center) for menu in menus) == 1 for rect in (*ITEMS, *beside))


def test_the_law_hears_what_stands_outside_an_open_menu() -> None:
    bar, outside = Rect(200, 14, 240, 30), Rect(200, 100, 280, 114)
    sense = KindSense(scene_of("Shell", kinds_at((bar, "menu"), (outside, "tab"), *((r, "menu item") for r in ITEMS))))
    item, tab, menu = (sense.of(draft_at(rect), None) for rect in (ITEMS[1], outside, bar))
    assert (item["in_menu"], item["off_menu"]) == (1.0, 0.0)
    assert (tab["in_menu"], tab["off_menu"]) == (0.0, pytest.approx(1.0, abs=0.02))
    assert menu["off_menu"] < 0.2, "the bar belongs to the menu"
    closed = KindSense(scene_of("Shell", kinds_at((TAB, "tab")))).of(draft_at(TAB), None)
    assert "in_menu" not in closed
    assert "off_menu" not in closed


def test_items_of_an_open_menu_are_drafts_however_little_they_mean_it() -> None:
    outside = [written(f"Line {n}", Rect(200, 10 + 14 * n, 260, 22 + 14 * n)) for n in range(MAX_MEANT)]
    texts = (*outside, *(written(name, rect) for name, rect in zip("ABCD", ITEMS, strict=True)))
    scores = np.linspace(0.9, 0.1, len(texts), dtype=np.float32)
    scene = replace(scene_of("quite another thing", kinds_at(*((r, "menu item") for r in ITEMS))), texts=texts)
    scene = replace(scene, agreement=replace(NOTHING_SEEN, texts=scores))
    made = {d.text for d in drafts(scene) if d.kind == "meant"}
    assert made == {t.text for t in texts}
    closed = replace(scene, kinds=NO_KINDS)
    assert {d.text for d in drafts(closed) if d.kind == "meant"} == {t.text for t in outside}


def at_the_end_of_the_row(kind: str, *between: TextBox, sort: int = DRAWING) -> list[Draft]:
    """Drafts of what is told to be of a kind, 900 pixels right of "Wi-Fi"."""
    label, control = written("Wi-Fi", Rect(20, 40, 70, 60)), Rect(970, 40, 1010, 60)
    kinds = kinds_at((control, kind), sort=sort)
    scene = replace(scene_of("turn on Wi-Fi", kinds), texts=(label, *between), size=Size(1280, 200))
    return [d for d in drafts(scene) if d.region == control]


def test_a_switch_at_the_end_of_a_row_is_its_labels() -> None:
    [switch] = at_the_end_of_the_row("check")
    assert (switch.kind, switch.text) == ("mark", "Wi-Fi")
    assert [d.kind for d in at_the_end_of_the_row("drop-down")] == ["entry"]
    assert [d.kind for d in at_the_end_of_the_row("slider")] == ["track"]
    assert at_the_end_of_the_row("button") == [], "many things stand in a row"
    assert at_the_end_of_the_row("check", written("Bluetooth", Rect(500, 40, 580, 60))) == [], "that is nearer to it"
    assert at_the_end_of_the_row("check", sort=TEXT) == [], "words are no switch"


ROWS = (20.0, 60.0, 100.0)
MARKS = tuple(Rect(10, top + 3, 24, top + 17) for top in ROWS)
NAMES = ("Porto", "Kyoto", "Split")
CITIES = tuple(written(name, Rect(700, top, 760, top + 20)) for name, top in zip(NAMES, ROWS, strict=True))


def marked_rows(instruction: str, *marks: Rect, boxes: tuple[Rect, ...] = (), sort: int = DRAWING) -> list[Draft]:
    """Drafts of check marks for a table that shows a person and a city in each row, and a mark at its beginning."""
    people = tuple(written(name, Rect(60, top, 110, top + 20)) for name, top in zip("ABC", ROWS, strict=True))
    kinds = kinds_at(*((mark, "check") for mark in marks), sort=sort)
    scene = replace(scene_of(instruction, kinds), texts=(*people, *CITIES), size=Size(1280, 200))
    return [d for d in drafts(replace(scene, elements=Elements(boxes, ()))) if d.kind == "mark"]


@pytest.mark.parametrize("instruction", ["tick the row with Kyoto", "unmark the one in Kyoto", "deselect Kyoto"])
def test_the_mark_before_a_row_belongs_to_all_its_texts(instruction: str) -> None:
    [mark] = marked_rows(instruction, *MARKS)
    assert (mark.region, mark.text) == (MARKS[1], "Kyoto")


def test_the_mark_before_a_row_is_one_of_a_column() -> None:
    assert marked_rows("tick the row with Kyoto", MARKS[1]) == [], "a mark alone may be anything's"
    aside = Rect(40, MARKS[0].top, 54, MARKS[0].bottom)
    assert marked_rows("tick the row with Kyoto", MARKS[1], aside) == [], "not under each other"
    assert marked_rows("tick the row with Kyoto", *MARKS, sort=TEXT) == [], "words are no marks"
    assert marked_rows("the row with Kyoto", *MARKS) == [], "nobody asks for a mark"
    assert marked_rows("mark Kyoto as read", *MARKS) == [], "another wish"


def test_the_mark_before_a_row_goes_before_a_drawing_that_is_none() -> None:
    folder = Rect(680, 64, 694, 78)
    [mark] = marked_rows("tick Kyoto", *MARKS, boxes=(folder,))
    assert mark.region == MARKS[1]
    told = marked_rows("tick Kyoto", *MARKS, folder, boxes=(folder,))
    assert [d.region for d in told] == [folder], "a check box of its own is nearer"


def test_a_slider_without_a_name_is_found_where_one_is_asked_for() -> None:
    groove, rule = Rect(100, 100, 200, 112), Rect(10, 150, 300, 154)
    kinds = kinds_at((groove, "slider"), (rule, "none"), sort=BOX)
    elements = Elements((), (), (rule, groove))

    def sliders(instruction: str) -> list[Rect]:
        scene = replace(scene_of(instruction, kinds), elements=elements)
        return [d.region for d in drafts(scene) if d.kind == "track"]

    assert sliders("adjust the zoom") == [groove]
    assert sliders("the zoom button") == []
    label = replace(
        scene_of("adjust the zoom", kinds), elements=elements, texts=(written("Zoom", Rect(50, 98, 90, 114)),)
    )
    assert [(d.region, d.text) for d in drafts(label) if d.kind == "track"] == [(groove, "Zoom")], "named, so it is one"


def test_where_nothing_is_known_nothing_is_said() -> None:
    assert KindSense(scene_of("the Shell tab", NO_KINDS)).of(draft_at(TAB), None) == {}
    alone = KindSense(scene_of("Shell", kinds_at((TAB, "tab")))).of(draft_at(TAB), None)
    assert not any(name.startswith("wish") for name in alone)
    far = KindSense(scene_of("Shell", kinds_at((TAB, "tab")))).of(draft_at(Rect(200, 150, 210, 160)), None)
    assert far["is_none"] == 1.0


def test_a_draft_is_the_place_it_has_most_in_common_with() -> None:
    kinds = kinds_at((Rect(0, 0, 100, 20), "field"), (Rect(4, 4, 40, 16), "label"))
    assert place_of(draft_at(Rect(4, 4, 30, 16)), kinds) == 1
    assert place_of(draft_at(Rect(0, 0, 98, 20), "element", "entry"), kinds) == 0
    assert place_of(draft_at(Rect(15, 5, 25, 12), "attention"), kinds) == 1


def test_weights_are_kept_and_wrong_files_are_named(tmp_path: Path) -> None:
    nets = BothNets().eval()
    save(nets, tmp_path, {"steps": "0"})
    again = load(tmp_path)
    assert all(torch.allclose(a, b, atol=0.02) for a, b in zip(nets.parameters(), again.parameters(), strict=True))
    save_file({"screen.out.bias": torch.zeros(3)}, tmp_path / FILE)
    with pytest.raises(CheckpointError, match=r"controls\.safetensors does not fit this version"):
        load(tmp_path)
    (tmp_path / FILE).write_bytes(b"no weights")
    with pytest.raises(CheckpointError, match="cannot read the weights for kinds of controls"):
        load(tmp_path)


def test_a_folder_without_weights_knows_nothing(tmp_path: Path) -> None:
    nothing = open_controls(tmp_path)
    assert isinstance(nothing, NoControls)
    assert nothing.wished(np.zeros((1, 384), np.float32)).size == 0


def test_screens_are_stored_as_they_are(screens: list[KnownScreen], tmp_path: Path) -> None:
    path = tmp_path / "one.safetensors"
    store(screens[0], path)
    again = open_stored(path)
    assert again.app == screens[0].app
    assert (again.kinds == screens[0].kinds).all()
    assert (again.places.crops == screens[0].places.crops).all()
    assert np.allclose(again.places.vectors, screens[0].places.vectors, atol=1e-3)
    (tmp_path / "bad.safetensors").write_text("{}")
    with pytest.raises(BadInput, match=r"bad\.safetensors is no screen with known places"):
        open_stored(tmp_path / "bad.safetensors")


def test_it_learns_a_screen(screens: list[KnownScreen], monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    monkeypatch.setattr(controls_train, "BATCH", 1)
    monkeypatch.setattr(controls_train, "MOST", 100)
    few = [KnownScreen("one", s.places, s.kinds, s.covers) for s in screens[:1]]
    source, net = Screens(few, Random(0)), BothNets().screen
    train(net, source, 10.0, False, lambda step, loss: None, steps=1)
    before = measured(net, few)
    heard: list[tuple[int, float]] = []
    train(net, source, 10.0, False, lambda step, loss: heard.append((step, loss)), every=0.0, steps=80)
    after = measured(net, few)
    assert heard[-1][0] == 80
    assert heard[-1][1] < 0.8 * heard[0][1]
    assert after["texts"] > max(0.5, before["texts"] + 0.2)
    assert after["apart"] > 0.6


def test_there_must_be_captured_screens(screens: list[KnownScreen]) -> None:
    with pytest.raises(BadInput, match="there are no captured screens to learn from"):
        Screens(screens, Random(0))


def test_it_learns_which_kind_is_meant() -> None:
    nets, menu, field = BothNets(), KINDS.index("menu"), KINDS.index("field")
    told = [("open the File menu", menu, 1.0), ("type my name", field, 1.0), ("the Edit menu", menu, 1.0)]
    learn_wishes(nets, told, MATCHER, 60)
    assert nets.usual[menu] == pytest.approx(2 / 3)
    with torch.inference_mode():
        meant = nets.wish(torch.from_numpy(MATCHER.say(["open the View menu", "type my address"]))).argmax(1)
    assert meant.tolist() == [menu, field]


def test_it_trains_from_the_command_line(
    screens: list[KnownScreen], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    elements = [
        {"role": "menu", "name": "File", "bbox": [0, 0, 40, 20], "text_visible": True},
        {"role": "push button", "name": "Reload", "bbox": [60, 0, 80, 20], "text_visible": False},
        {"role": "scroll bar", "name": "Up", "bbox": [90, 0, 99, 20], "text_visible": False},
    ]
    rows = [{"image": f"{i}.png", "width": 320, "height": 200, "app": f"a{i}", "elements": elements} for i in range(2)]
    (folder / "screens.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    stored = tmp_path / "known"
    stored.mkdir()
    store(KnownScreen("one", screens[0].places, screens[0].kinds, screens[0].covers), stored / "one.safetensors")
    told = controls_train.wishes(folder, 4)
    assert {KINDS[kind] for _, kind, _ in told} == {"menu", KINDS[DRAWN_BUTTON]}
    monkeypatch.setattr(controls_train, "WISH_STEPS", 2)
    arguments = ["x", tmp_path / "out", "--screens", stored, "--validation", stored, "--captured", folder]
    arguments += ["--matcher", embedded_model_dir(), "--minutes", 0.001]
    monkeypatch.setattr("sys.argv", [str(a) for a in arguments])
    controls_train.main()
    assert {"step", "loss", "texts", "of_controls", "apart"} == set(json.loads(capsys.readouterr().out))
    assert isinstance(open_controls(tmp_path / "out"), TrainedControls)


def test_captured_screens_are_stored_by_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    Image.new("RGB", (320, 200), "white").save(folder / "0.png")
    row = {"image": "0.png", "width": 320, "height": 200, "app": "a", "elements": []}
    (folder / "screens.jsonl").write_text(json.dumps(row))
    common = ["x", tmp_path / "out", "--captured", folder, "--texts", tmp_path / "texts"]
    common += ["--matcher", embedded_model_dir()]
    for more, files in (([], []), (["--read", "--painted", 1], ["painted-32000000", "set-0"])):
        monkeypatch.setattr("sys.argv", [str(a) for a in [*common, *more]])
        controls_data.main()  # what nobody has read yet is left out unless it is to be read
        assert sorted(p.stem for p in (tmp_path / "out").glob("*.safetensors")) == files


class Told:
    """Tells what it is given, and counts how often it is asked."""

    def __init__(self, kinds: Kinds) -> None:
        self.told, self.asked = kinds, 0

    def kinds(self, image: RgbArray, elements: Elements, looks: Looks) -> Kinds:
        self.asked += 1
        return self.told

    def wished(self, said: Vectors) -> np.ndarray:
        return np.full((2, len(KINDS)), 1 / len(KINDS), np.float32)


class Written:
    """Reads the same everywhere."""

    def read(self, image: RgbArray, region: Rect | None = None) -> list[TextBox]:
        return [written("Shell", TITLE), written("Shell", TAB)]


def test_what_is_told_once_decides_between_two_of_a_name() -> None:
    told = Told(kinds_at((TITLE, "none"), (TAB, "tab")))
    law = Calibration({"text": 4.0, "is_asked": 2.0, "is_none": -2.0}, -4.0, 0.5)
    grounder = Grounder(EvenAttention("fake"), Written(), law, GroundingConfig(), MATCHER, controls=told)
    screen = grounder.observe(Image.new("RGB", (320, 200), "white"))
    first = screen.ground("the Shell tab")
    assert TAB.contains(first.candidates[0].point)
    assert first.candidates[0].evidence["is_tab"] == pytest.approx(0.9)
    assert "controls" in first.timings_ms
    assert "controls" not in screen.ground("the Shell title").timings_ms
    assert told.asked == 1


def test_an_altered_grounder_has_all_the_other_parts() -> None:
    told = Told(kinds_at((TAB, "tab")))
    law, source = Calibration({}, 0.0, 0.5), EvenAttention("other")
    grounder = Grounder(EvenAttention("fake"), Written(), law, GroundingConfig(max_regions=3), MATCHER, None, told)
    other, verifying = grounder.altered(source=source), grounder.altered(config=GroundingConfig(vlm_verifier=True))
    assert (other.source, other.config) == (source, grounder.config)
    assert verifying.source is grounder.source
    assert verifying.config.vlm_verifier
    for made in (other, verifying):
        assert (made.reader, made.calibration, made.matcher, made.controls) == (grounder.reader, law, MATCHER, told)


def test_without_a_matcher_kinds_are_not_asked_for() -> None:
    told = Told(kinds_at((TITLE, "none"), (TAB, "tab")))
    law = Calibration({"text": 4.0, "is_none": -2.0}, -4.0, 0.5)
    grounder = Grounder(EvenAttention("fake"), Written(), law, GroundingConfig(matcher=False), MATCHER, controls=told)
    found = grounder.observe(Image.new("RGB", (320, 200), "white")).ground("the Shell tab")
    assert told.asked == 0
    assert not any(name.startswith(("is_", "wish_")) for c in found.candidates for name in c.evidence)


def test_the_shipped_weights_know_kinds(screens: list[KnownScreen]) -> None:
    shipped = load(embedded_model_dir())
    figures = measured(shipped.screen, screens)  # painted with what is never trained on
    assert figures["of_controls"] > 0.5
    assert figures["apart"] > 0.7
    controls = open_controls(embedded_model_dir())

    def most(instruction: str) -> str:
        meant, usual = controls.wished(MATCHER.say([instruction]))
        return KINDS[int((meant / (usual + 0.02)).argmax())]

    assert most("switch to the Colours tab") == "tab"
    assert most("drag the volume slider") == "slider"
    assert most("tick Remember me") == "check"
    assert most("type the street") == "field"
