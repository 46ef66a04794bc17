"""Generated screens: deterministic, with boxes and labels that agree with the pixels."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image

from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Size
from reticle_grounding.training.canvas import CHARACTERS, Canvas, Element, character_class
from reticle_grounding.training.crops import in_patch_order, owners, soft_labels
from reticle_grounding.training.harvested import as_element, harvested_scenes
from reticle_grounding.training.icons import IconSet
from reticle_grounding.training.instructions import plain, requests
from reticle_grounding.training.palette import random_theme
from reticle_grounding.training.scenes import UNKNOWN, stored_scenes, write_scenes
from reticle_grounding.training.screens import LabeledScreen, generate_screen
from reticle_grounding.training.targets import write_targets

SMALL = (640, 480)


@pytest.fixture(scope="module")
def screens() -> list[LabeledScreen]:
    return [generate_screen(seed, size=SMALL) for seed in range(6)]


def test_the_same_seed_paints_the_same_screen(screens: list[LabeledScreen]) -> None:
    again = generate_screen(3, size=SMALL)
    assert again.image.tobytes() == screens[3].image.tobytes()
    assert again.targets == screens[3].targets
    assert generate_screen(4, size=SMALL).image.tobytes() != again.image.tobytes()


def test_every_box_lies_on_the_picture_and_shows_something(screens: list[LabeledScreen]) -> None:
    for screen in screens:
        pixels = np.asarray(screen.image.convert("L"), np.int16)
        for element in screen.elements:
            left, top, right, bottom = element.box
            assert 0 <= left < right <= SMALL[0]
            assert 0 <= top < bottom <= SMALL[1]
        texts = [e for e in screen.elements if e.kind == "text" and e.role == "button"]
        assert all(np.ptp(pixels[e.box[1] : e.box[3], e.box[0] : e.box[2]]) > 20 for e in texts)


def test_targets_name_one_element_or_none(screens: list[LabeledScreen]) -> None:
    assert any(t.bbox is None for s in screens for t in s.targets)
    for screen in screens:
        boxes = {e.box for e in screen.elements}
        names = [plain(e.label) for e in screen.elements]
        for target in screen.targets:
            assert target.instruction.strip()
            if target.bbox is not None:
                assert target.bbox in boxes
                direct = not target.instruction.startswith(("the first", "the second", "the third", "the last"))
                if direct and not target.indirect and names.count(plain(target.label)) == 1:
                    assert plain(target.label).rstrip(".") in target.instruction.casefold()


def test_requests_say_what_they_mean_without_a_place() -> None:
    asked = requests(Random(4), 60)
    assert all(r.bbox is None and r.label and r.instruction for r in asked)
    assert {r.kind for r in asked} == {"text", "icon", "field"}
    assert any(r.indirect and plain(r.label) not in r.instruction.casefold() for r in asked)


def test_the_label_map_has_the_characters_where_they_are_drawn() -> None:
    rng = Random(1)
    theme = random_theme(rng, [])
    canvas = Canvas((200, 60), theme, IconSet({}), rng)
    box = canvas.text(10, 12, "Save", ink=(255, 0, 0))
    labels = canvas.label_map()[..., 0]
    row = labels[(box[1] + box[3]) // 2]
    read = [CHARACTERS[c - 1] for i, c in enumerate(row) if c and (i == 0 or row[i - 1] != c)]
    assert "".join(read) == "Save"
    assert not labels[: box[1]].any()
    assert character_class(" ") == 0
    assert character_class("é") == len(CHARACTERS) + 1


def test_what_is_covered_is_forgotten() -> None:
    rng = Random(2)
    canvas = Canvas((200, 60), random_theme(rng, []), IconSet({}), rng)
    canvas.add("button", (10, 10, 60, 30), "Save", "text")
    canvas.add("button", (100, 10, 160, 30), "Open", "text")
    canvas.cover((50, 0, 90, 60))
    assert [e.label for e in canvas.elements] == ["Open"]


def test_written_targets_have_the_benchmark_form(tmp_path: Path) -> None:
    path = write_targets(tmp_path, 10, 9, per_screen=5, size=SMALL)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(rows) == 9
    assert len({row["id"] for row in rows}) == 9
    for row in rows:
        assert Image.open(tmp_path / row["image"]).size == (row["width"], row["height"]) == SMALL
        assert row["kind"] in ("text", "icon", "field")
        assert (row["bbox"] is None) == row["absent"]
    with pytest.raises(BadInput, match="positive"):
        write_targets(tmp_path, 0, 0)


def test_stored_scenes_come_back_unchanged(tmp_path: Path) -> None:
    write_scenes(tmp_path, 0, 1, collage=True)
    [file] = stored_scenes(tmp_path)
    scene = file.open()
    assert scene.complete
    assert scene.labels.shape[:2] == scene.pixels.shape[:2]
    assert {e.kind for e in scene.elements} <= {"text", "icon"}
    with pytest.raises(BadInput, match="no generated screens"):
        stored_scenes(tmp_path / "nothing")


def test_captured_screens_are_split_by_application(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    element = {"role": "push button", "name": "Save", "description": "Save the file", "bbox": [10, 10, 50, 30]}
    with (tmp_path / "screens.jsonl").open("w") as lines:
        for i in range(12):
            name = f"images/{i}.png"
            Image.new("RGB", (80, 60), "white").save(tmp_path / name)
            row = {"image": name, "app": f"app{i % 6}", "elements": [{**element, "text_visible": False}]}
            lines.write(json.dumps(row) + "\n")
    harvest = harvested_scenes(tmp_path)
    names = [{file.name.split(":")[0] for file in part} for part in (harvest.training, harvest.validation)]
    assert names[1] == {"app5"}
    assert not names[0] & names[1]
    scene = harvest.training[0].open()
    assert scene.elements[0].icon == "Save"
    assert scene.elements[0].says == ("Save the file",)
    assert scene.labels[20, 30, 2] not in (0, UNKNOWN)
    assert scene.labels[55, 70, 2] == UNKNOWN
    with pytest.raises(BadInput, match=r"screens\.jsonl"):
        harvested_scenes(tmp_path / "images")


@pytest.mark.parametrize(
    "row",
    [
        {"role": "push button", "name": "", "bbox": [0, 0, 20, 20], "text_visible": True},
        {"role": "scroll bar", "name": "Scroll", "bbox": [0, 0, 20, 20], "text_visible": True},
        {"role": "push button", "name": "Save", "bbox": [0, 0, 4, 20], "text_visible": True},
        {"role": "push button", "name": "Save", "bbox": [0, 0, 20, 20], "text_visible": None},
    ],
)
def test_elements_nobody_could_ask_for_are_left_out(row: dict[str, object]) -> None:
    assert as_element(row) is None  # type: ignore[arg-type]


def test_soft_labels_follow_the_published_example() -> None:
    """GUI-AIMA: picture 112x84, box [.20, .30, .55, .70]."""
    labels = soft_labels((0.20 * 112, 0.30 * 84, 0.55 * 112, 0.70 * 84), Size(112, 84)).reshape(3, 4)
    expected = [[0.007804, 0.058127, 0.007804, 0], [0.134252, 1, 0.134252, 0], [0.007804, 0.058127, 0.007804, 0]]
    assert np.allclose(labels, expected, atol=1e-5)


def test_patch_order_keeps_merged_patches_together() -> None:
    grid = np.arange(16, dtype=np.uint8).reshape(4, 4)
    assert in_patch_order(grid).tolist() == [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15]


def test_a_cell_belongs_to_the_smallest_element_over_its_centre(screens: list[LabeledScreen]) -> None:
    large = Element("list item", (0, 0, 112, 84), "List", "text")
    small = Element("button", (30, 30, 54, 54), "Save", "text")
    owner = owners([large, small], Size(112, 84)).reshape(3, 4)
    assert owner[1, 1] == 1
    assert (owner == 0).sum() == 11
    tiny = Element("button", (2, 2, 8, 8), "x", "icon")
    assert owners([tiny], Size(56, 56)).tolist() == [0, -1, -1, -1]
