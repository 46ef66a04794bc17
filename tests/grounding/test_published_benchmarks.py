"""Files of exactly the published form, one small set per benchmark: recognised, read, scored, refused."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from PIL import Image, ImageDraw

from reticle_grounding.calibration import Calibration
from reticle_grounding.errors import BadInput
from reticle_grounding.evaluate import evaluate_set
from reticle_grounding.evaluation.benchmark_rows import FORMATS
from reticle_grounding.evaluation.published import Choices, read_set
from reticle_grounding.evaluation.sets import TargetSet
from reticle_grounding.evaluation.targets import Target
from reticle_grounding.geometry import Point, Rect
from reticle_grounding.ocr import RgbArray, TextBox, proportional_words
from reticle_grounding.predictor import Grounder
from reticle_grounding.sources import EvenAttention

WEIGHTS = Calibration({"text": 4.0, "text_exact": 3.0}, -4.0, 0.5)
WIDTH, HEIGHT = 1920, 1080
LINES = {"Open": Rect(100, 100, 160, 124), "Close": Rect(1500, 900, 1570, 924)}
"""What the reader reads on every picture, and where."""


class Reader:
    """Reads the lines above, wherever the picture was rescaled to."""

    def read(self, image: RgbArray, region: Rect | None = None) -> list[TextBox]:
        x, y = image.shape[1] / WIDTH, image.shape[0] / HEIGHT
        made = []
        for text, r in LINES.items():
            rect = Rect(r.left * x, r.top * y, r.right * x, r.bottom * y)
            made.append(TextBox(text, rect, 1.0, proportional_words(text, rect)))
        return made


def grounder() -> Grounder:
    return Grounder(EvenAttention("fake"), Reader(), WEIGHTS)


def picture(path: Path, size: tuple[int, int] = (WIDTH, HEIGHT)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("1", size, 1).save(path)


def write(path: Path, rows: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def screenspot(root: Path, version: str = "") -> Path:
    """As SeeClick and OS-Copilot publish it: a file per platform, corner and size in pixels."""
    images = "screenspotv2_image" if version else "screenspot_imgs"
    rows = {
        "desktop": [
            ("pc_1.png", [90, 95, 90, 40], "open the file", "text", "windows"),
            ("pc_1.png", [1850, 1000, 60, 60], "close this window", "icon", "shop"),
        ],
        "mobile": [("mobile_1.png", [1480, 880, 120, 60], "Close", "icon", "ios")],
        "web": [("web_1.png", [90, 95, 90, 40], "Open", "text", "gitlab")],
    }
    for platform, listed in rows.items():
        for image, *_ in listed:
            picture(root / images / image)
        keys = ("img_filename", "bbox", "instruction", "data_type", "data_source")
        made = [dict(zip(keys, row, strict=True)) for row in listed]
        write(root / f"screenspot_{platform}{version}.json", made)
    return root


def screenspot_pro(root: Path) -> Path:
    """As published: a file per application, two corners in pixels of the size given."""
    for i, (application, group, sort, box) in enumerate(
        [
            ("vscode_macos", "Dev", "text", [90, 95, 180, 135]),
            ("vscode_macos", "Dev", "icon", [1850, 1000, 1910, 1060]),
            ("blender_windows", "Creative", "icon", [1480, 880, 1600, 940]),
        ]
    ):
        image = f"{application}/screenshot_{i}.png"
        picture(root / "images" / image)
        file = root / "annotations" / f"{application}.json"
        row = {
            "img_filename": image,
            "bbox": box,
            "instruction": "Open" if i == 0 else "Close",
            "instruction_cn": "打开",
            "id": f"{application}_{i}",
            "application": application.partition("_")[0],
            "platform": application.partition("_")[2],
            "img_size": [WIDTH, HEIGHT],
            "ui_type": sort,
            "group": group,
        }
        write(file, [*(json.loads(file.read_text()) if file.exists() else []), row])
    return root


L_SHAPE = [80, 80, 400, 80, 400, 90, 90, 90, 90, 300, 80, 300]
"""Around "Open" without holding it, though its bounding box does."""


def osworld_g(root: Path) -> Path:
    """As published: boxes as corner and size, polygons as corners, refusals without a place."""
    common = {"image_size": [WIDTH, HEIGHT], "image_path": "0FOB4CLBT2.png"}
    items: list[dict[str, Any]] = [
        {
            "instruction": "Open",
            "box_type": "bbox",
            "box_coordinates": [90.5, 95.4, 90.0, 40.0],
            "GUI_types": ["Label"],
        },
        {"instruction": "Close", "box_type": "bbox", "box_coordinates": [1480, 880, 300, 90], "GUI_types": ["Button"]},
        {"instruction": "Open", "box_type": "polygon", "box_coordinates": L_SHAPE, "GUI_types": ["Icon", "Label"]},
        {"instruction": "Zebra", "box_type": "refusal", "box_coordinates": [-1, -1, -1, -1], "GUI_types": []},
        {"instruction": "Open", "box_type": "refusal", "box_coordinates": [-1, -1, -1, -1], "GUI_types": []},
    ]
    rows = [{"id": f"0FOB4CLBT2-{i}", **common, **item} for i, item in enumerate(items)]
    picture(root / "benchmark" / "images" / "0FOB4CLBT2.png")
    write(root / "benchmark" / "OSWorld-G.json", rows)
    refined = [{**row, "instruction": f"Click {row['instruction']}"} for row in rows]
    write(root / "benchmark" / "OSWorld-G_refined.json", refined)
    classified = {
        "text_matching": [rows[0], rows[2]],
        "element_recognition": [{"id": rows[0]["id"]}, rows[1]["id"]],
        "refusal": rows[3:],
    }
    write(root / "benchmark" / "classification_result.json", {"classified": classified, "unclassified": []})
    return root


def ui_vision(root: Path) -> Path:
    """As published: three files of elements, one of layouts; two corners in pixels, now and then reversed."""
    for split, boxes in {
        "basic": [[90, 95, 180, 135], [1600, 940, 1480, 880]],
        "functional": [[90, 95, 180, 135]],
        "spatial": [[1850, 1000, 1910, 1060]],
    }.items():
        rows = []
        for i, box in enumerate(boxes):
            image = f"element_grounding/blender/{split}_{i}.png"
            picture(root / "images" / image)
            row = {
                "image_path": image,
                "image_size": [WIDTH, HEIGHT],
                "platform": "Blender",
                "category": "Button",
                "element_type": "icon" if i else "text",
                "prompt_to_evaluate": "Close" if i else "Open",
                "bbox": box,
            }
            rows.append(row)
        write(root / "annotations" / "element_grounding" / f"element_grounding_{split}.json", rows)
    layout = {
        "image_path": "layout_grounding/blender/0.png",
        "image_size": [WIDTH, HEIGHT],
        "platform": "Blender",
        "name": "Outliner",
        "explanation": "the list of objects",
        "bbox": [0, 0, 400, 400],
    }
    write(root / "annotations" / "layout_grounding" / "layout_grounding.json", [layout])
    return root


def venusbench_gd(root: Path) -> Path:
    """As published: a file per task, two corners in pixels, refusals with four times -1 or without a box."""
    image = "mobile/excel/1.png"
    picture(root / "images" / image)
    rows = {
        "element_grounding": [("Open", [90, 95, 180, 135])],
        "spatial_grounding": [("Close", [1480, 880, 1600, 940])],
        "refusal_grounding": [("Zebra", [-1, -1, -1, -1]), ("Giraffe", None)],
    }
    for task, listed in rows.items():
        made = [
            {
                "img_filename": image,
                "instruction": said,
                "instruction_zh": "打开",
                "category": task,
                "bbox": box,
                "label": "button",
                "data_type": "bbox",
            }
            for said, box in listed
        ]
        write(root / "instruction" / f"{task}.json", made)
    write(root / "meta.json", {"version": 1})
    return root


def flat(found: TargetSet) -> list[Target]:
    return [target for screen in found.screens for target in screen.targets]


def boxes(found: TargetSet) -> list[Rect | None]:
    return [t.box for t in flat(found)]


def skipped(found: TargetSet) -> dict[str, int]:
    assert found.origin is not None
    return dict(found.origin.skipped)


@pytest.mark.parametrize("version", ["", "_v2"])
def test_screenspot(tmp_path: Path, version: str) -> None:
    found = read_set(screenspot(tmp_path / "data", version))
    assert found.name == ("ScreenSpot-v2" if version else "ScreenSpot")
    assert found.origin is not None
    assert (found.origin.items, skipped(found)) == (4, {})
    assert found.origin.boxes == "[left, top, width, height] in pixels, as published"
    assert found.origin.files == tuple(f"screenspot_{p}{version}.json" for p in ("desktop", "mobile", "web"))
    assert Rect(90, 95, 180, 135) in boxes(found)
    assert all(target.closed for target in flat(found))
    kinds = Counter(kind for target in flat(found) for kind in target.kinds)
    assert kinds["desktop"] == 2, "a shop's picture counts where it was published"
    assert (kinds["desktop icon"], kinds["mobile icon"], kinds["web text"], kinds["icon"]) == (1, 1, 1, 2)
    result = evaluate_set(found, grounder())
    assert result["by_kind"]["text"]["accuracy"] == 1.0
    assert result["by_kind"]["desktop icon"]["accuracy"] == 0.0
    assert result["accuracy"] == 0.75
    assert result["published"] == {
        "benchmark": found.name,
        "files": list(found.origin.files),
        "items": 4,
        "skipped": {},
        "boxes": found.origin.boxes,
        "always_clicking": 0.75,
        "refusing": 0.5,
    }


def test_one_file_of_screenspot(tmp_path: Path) -> None:
    found = read_set(screenspot(tmp_path, "_v2") / "screenspot_mobile_v2.json")
    assert found.name == "ScreenSpot-v2 (screenspot_mobile_v2)"
    assert boxes(found) == [Rect(1480, 880, 1600, 940)]


def test_the_copy_of_screenspot_v2_with_corners(tmp_path: Path) -> None:
    """GUI-Actor's verifier carries it with sizes and other keys; its boxes are read as that copy has them."""
    picture(tmp_path / "images" / "pc_1.png", (960, 540))
    row = {
        "img_filename": "pc_1.png",
        "bbox": [10, 78, 54, 112],
        "instruction": "close this window",
        "img_size": [960, 540],
        "platform": "windows",
        "ui_type": "icon",
        "group": "desktop",
    }
    found = read_set(write(tmp_path / "ScreenSpot-v2-new" / "all_together.json", [row]))
    assert boxes(found) == [Rect(10, 78, 54, 112)]
    assert flat(found)[0].kinds == ("desktop icon", "desktop", "icon")


def test_rows_with_file_name_have_shares(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    row = {"file_name": "a.png", "bbox": [0.5, 0.5, 0.75, 1.0], "instruction": "x", "data_type": "icon"}
    path = tmp_path / "metadata.jsonl"
    path.write_text(json.dumps({**row, "data_source": "ios"}) + "\n\n" + json.dumps({**row, "data_source": "tool"}))
    found = read_set(path)
    assert boxes(found) == [Rect(960, 540, 1440, 1080)] * 2
    assert {t.kind for t in flat(found)} == {"mobile icon", "web icon"}
    assert found.origin is not None
    assert found.origin.boxes.endswith("from 0 to 1, as published")


def test_screenspot_pro(tmp_path: Path) -> None:
    root = screenspot_pro(tmp_path)
    found = read_set(root)
    assert found.name == "ScreenSpot-Pro"
    assert found.origin is not None
    assert found.origin.files == ("blender_windows.json", "vscode_macos.json")
    assert {t.kinds for t in flat(found)} == {
        ("Dev text", "Dev", "text"),
        ("Dev icon", "Dev", "icon"),
        ("Creative icon", "Creative", "icon"),
    }
    assert Rect(90, 95, 180, 135) in boxes(found)
    apart = read_set(root, choices=Choices(applications=True))
    assert Counter(t.groups[-1] for t in flat(apart)) == {"app vscode": 2, "app blender": 1}
    assert [len(flat(read_set(root, limit=n))) for n in (1, 2, 9)] == [1, 2, 3]


def test_all_rows_in_one_file_are_not_counted_twice(tmp_path: Path) -> None:
    root = screenspot_pro(tmp_path)
    rows = [row for f in sorted((root / "annotations").iterdir()) for row in json.loads(f.read_text())]
    write(root / "annotations" / "all.json", rows)
    assert len(flat(read_set(root))) == 3
    for name in ("blender_windows", "vscode_macos"):
        (root / "annotations" / f"{name}.json").unlink()
    assert len(flat(read_set(root))) == 3, "alone it is read"


def test_osworld_g_scores_polygons_by_outline_and_refusals_as_absent(tmp_path: Path) -> None:
    found = read_set(osworld_g(tmp_path))
    assert found.name == "OSWorld-G"
    targets = {(t.kind, t.instruction, bool(t.outline)): t for t in flat(found)}
    polygon = targets["polygon", "Open", True]
    assert polygon.box == Rect(80, 80, 400, 300)
    middle = LINES["Open"].center
    assert polygon.box.contains(middle)
    assert not polygon.holds(middle)
    assert polygon.holds(Point(85, 200))
    assert targets["box", "Open", False].groups == ("text_matching", "element_recognition")
    assert polygon.groups == ("text_matching",)
    assert [t.box for t in flat(found) if t.kind == "refusal"] == [None, None]
    result = evaluate_set(found, grounder(), baselines=True)
    assert (result["n"], result["absent"], result["absent_rejection"]) == (5, 2, 0.5)
    assert result["by_kind"]["box"]["accuracy"] == 1.0
    assert result["by_kind"]["polygon"]["accuracy"] == 0.0, "its bounding box would have been hit"
    assert result["by_kind"]["text_matching"]["n"] == 2
    assert result["by_kind"]["element_recognition"]["accuracy"] == 1.0
    assert result["baselines"] is not None
    assert result["baselines"]["text_search"]["by_kind"]["text_matching"]["accuracy"] == 0.5
    assert result["published"] is not None
    assert result["published"]["always_clicking"] == 0.4, "refusals are wrong for whoever always clicks"
    assert result["published"]["refusing"] == 0.6


def test_osworld_g_is_asked_in_one_wording(tmp_path: Path) -> None:
    root = osworld_g(tmp_path)
    plain, refined = read_set(root), read_set(root, choices=Choices(refined=True))
    assert (len(flat(plain)), len(flat(refined))) == (5, 5)
    assert not any(t.instruction.startswith("Click") for t in flat(plain))
    assert all(t.instruction.startswith("Click") for t in flat(refined))
    named = read_set(root / "benchmark" / "OSWorld-G_refined.json")
    assert all(t.instruction.startswith("Click") for t in flat(named)), "a file that is named is read"
    (root / "benchmark" / "OSWorld-G_refined.json").unlink()
    assert len(flat(read_set(root, choices=Choices(refined=True)))) == 5, "there is no other"


@pytest.mark.parametrize("buckets", [True, False])
def test_osworld_g_by_types_of_elements(tmp_path: Path, buckets: bool) -> None:
    root = osworld_g(tmp_path)
    (root / "benchmark" / "classification_result.json").unlink()
    if buckets:
        write(root / "benchmark" / "buckets.json", {"text_matching": ["Label"], "element_recognition": ["Icon"]})
    kinds = {t.groups for t in flat(read_set(root)) if t.kind == "polygon"}
    assert kinds == ({("element_recognition", "text_matching")} if buckets else {("Icon", "Label")})


def test_a_mirror_of_osworld_g_with_two_corners_per_polygon(tmp_path: Path) -> None:
    root = osworld_g(tmp_path)
    file = root / "benchmark" / "OSWorld-G.json"
    rows = json.loads(file.read_text())
    rows[2]["box_coordinates"] = [80, 80, 400, 300]
    write(file, rows)
    found = read_set(file)
    assert skipped(found) == {"polygon of fewer than three corners": 1}
    assert len(flat(found)) == 4


def test_ui_vision(tmp_path: Path) -> None:
    root = ui_vision(tmp_path)
    found = read_set(root)
    assert found.name == "UI-Vision"
    assert skipped(found) == {"layout grounding asks for a box, not for a point": 1}
    assert Rect(1480, 880, 1600, 940) in boxes(found), "reversed corners are put in order, as its scorer does"
    assert Counter(t.kind for t in flat(found)) == {"basic": 2, "functional": 1, "spatial": 1}
    assert {t.groups for t in flat(found)} == {("text", "Button"), ("icon", "Button")}
    result = evaluate_set(found, grounder())
    assert {kind: own["accuracy"] for kind, own in result["by_kind"].items()} == {
        "Button": 0.75,
        "basic": 1.0,
        "functional": 1.0,
        "icon": 1.0,
        "spatial": 0.0,
        "text": 0.6667,
    }
    with pytest.raises(BadInput, match="1 times layout grounding"):
        read_set(root / "annotations" / "layout_grounding" / "layout_grounding.json")


def test_ui_vision_in_one_file_says_its_split_itself(tmp_path: Path) -> None:
    root = ui_vision(tmp_path)
    file = root / "annotations" / "element_grounding" / "element_grounding_basic.json"
    rows = [{**row, "group": "spatial"} for row in json.loads(file.read_text())[:1]]
    found = read_set(write(root / "annotations" / "element_grounding_all.json", rows))
    assert [t.kind for t in flat(found)] == ["spatial"]


def test_venusbench_gd(tmp_path: Path) -> None:
    found = read_set(venusbench_gd(tmp_path), choices=Choices(applications=True))
    assert found.name == "VenusBench-GD"
    assert {t.kinds for t in flat(found)} == {
        ("element", "mobile", "app excel"),
        ("spatial", "mobile", "app excel"),
        ("refusal", "mobile", "app excel"),
    }
    result = evaluate_set(found, grounder())
    assert (result["n"], result["absent"], result["absent_rejection"], result["accuracy"]) == (4, 2, 1.0, 1.0)


@pytest.mark.parametrize(
    ("change", "absent"),
    [
        ({"category": "element_grounding", "bbox": [-1, -1, -1, -1]}, True),
        ({"category": "refusal_grounding", "bbox": [90, 95, 180, 135]}, True),
        ({"category": "Refusal", "bbox": None}, True),
        ({"category": "element_grounding", "bbox": None}, True),
        ({"category": "element_grounding", "bbox": [-1, 95, 180, 135]}, False),
    ],
)
def test_refusals_of_venusbench_gd(tmp_path: Path, change: dict[str, object], absent: bool) -> None:
    file = venusbench_gd(tmp_path) / "instruction" / "element_grounding.json"
    (row,) = json.loads(file.read_text())
    found = read_set(write(file, [{**row, **change}]))
    assert [t.box is None for t in flat(found)] == [absent]


def test_edges_belong_to_published_boxes_only() -> None:
    published = Target(Path("a.png"), "x", Rect(10, 10, 20, 20), "text", closed=True)
    own = Target(Path("a.png"), "x", Rect(10, 10, 20, 20), "text")
    for corner in (Point(10, 10), Point(20, 20)):
        assert published.holds(corner)
    assert own.holds(Point(10, 10))
    assert not own.holds(Point(20, 20))
    assert not published.holds(Point(20.001, 15))
    assert not published.holds(None)
    assert not Target(Path("a.png"), "x", None, "text").holds(Point(1, 1))


@pytest.mark.parametrize("seed", range(8))
def test_an_outline_encloses_what_a_drawing_of_it_fills(seed: int) -> None:
    """Random polygons, concave and crossing themselves, against Pillow's filling; edges left out."""
    random = Random(seed)
    corners = [(random.randrange(100), random.randrange(100)) for _ in range(random.randint(3, 9))]
    target = Target(Path("a.png"), "x", Rect(0, 0, 99, 99), "x", outline=tuple(Point(*c) for c in corners))
    filled, edges = Image.new("1", (100, 100)), Image.new("1", (100, 100))
    ImageDraw.Draw(filled).polygon(corners, fill=1)
    ImageDraw.Draw(edges).polygon(corners, outline=1, width=5)
    clear = [(x, y) for x in range(100) for y in range(100) if not edges.getpixel((x, y))]
    assert len(clear) > 1000
    wrong = [(x, y) for x, y in clear if target.holds(Point(x, y)) != bool(filled.getpixel((x, y)))]
    assert wrong == []


def test_pixels_are_those_of_the_size_in_the_row(tmp_path: Path) -> None:
    """A copy with smaller pictures is scored in its own pixels."""
    root = screenspot_pro(tmp_path)
    for path in (root / "images").rglob("*.png"):
        picture(path, (WIDTH // 2, HEIGHT // 2))
    assert Rect(45, 47.5, 90, 67.5) in boxes(read_set(root))
    assert evaluate_set(read_set(root), grounder())["accuracy"] == pytest.approx(2 / 3, abs=1e-3)


def converted(root: Path, order: str, unit: str) -> Path:
    """ScreenSpot-v2 with its boxes written otherwise, on both of a screen's far corners."""
    picture(root / "screenspotv2_image" / "pc_1.png")
    rows = []
    for box in ([1700, 950, 1900, 1070], [90, 95, 180, 135], [1000, 20, 1800, 60]):
        left, top, right, bottom = box
        numbers = [left, top, right, bottom] if order == "xyxy" else [left, top, right - left, bottom - top]
        if unit != "pixels":
            scales = [float(unit) / side for side in (WIDTH, HEIGHT) * 2]
            numbers = [n * s for n, s in zip(numbers, scales, strict=True)]
        row = {"img_filename": "pc_1.png", "bbox": numbers, "instruction": "Open", "data_type": "text"}
        rows.append({**row, "data_source": "windows"})
    return write(root / "screenspot_desktop_v2.json", rows)


@pytest.mark.parametrize("unit", ["pixels", "1", "1000"])
@pytest.mark.parametrize("order", ["xyxy", "xywh"])
def test_boxes_written_otherwise(tmp_path: Path, order: str, unit: str) -> None:
    path = converted(tmp_path, order, unit)
    # Three boxes up to 1000 may be pixels as well; only then must the convention be said.
    found = read_set(
        path, choices=Choices(boxes="xyxy-1000" if order == "xyxy" else "xywh-1000") if unit == "1000" else None
    )
    first = boxes(found)[0]
    assert first is not None
    assert first.as_tuple() == pytest.approx((1700, 950, 1900, 1070), abs=1e-6)
    assert found.origin is not None
    said = "as asked for" if unit == "1000" else "as published" if (order, unit) == ("xywh", "pixels") else "though"
    assert said in found.origin.boxes


def test_missing_pictures_are_counted_and_all_missing_is_an_error(tmp_path: Path) -> None:
    root = screenspot(tmp_path, "_v2")
    (root / "screenspotv2_image" / "web_1.png").unlink()
    found = read_set(root)
    assert skipped(found) == {"picture missing": 1}
    assert len(flat(found)) == 3
    moved = tmp_path.parent / f"{tmp_path.name}-moved"
    (root / "screenspotv2_image").rename(moved)
    (root / "screenspotv2_image.zip").write_bytes(b"")
    with pytest.raises(BadInput, match=r"4 times picture missing .*unpack screenspotv2_image\.zip first"):
        read_set(root)
    assert len(flat(read_set(root, choices=Choices(images=moved)))) == 3


def test_boxes_that_cannot_be_hit_are_left_out(tmp_path: Path) -> None:
    root = screenspot_pro(tmp_path)
    file = root / "annotations" / "vscode_macos.json"
    good = json.loads(file.read_text())[0]
    odd = [{**good, "bbox": [300, 200, 200, 100]}, {**good, "bbox": [2500, 10, 2600, 20]}]
    write(file, [good] * 60 + odd)
    found = read_set(file)
    assert skipped(found) == {"corners of the box reversed": 1, "box outside of its picture": 1}
    assert len(flat(found)) == 60


def test_a_format_can_be_forced(tmp_path: Path) -> None:
    root = screenspot(tmp_path)
    forced = read_set(root, choices=Choices(format="screenspot-v2"))
    assert forced.name == "ScreenSpot-v2"
    with pytest.raises(BadInput, match="no benchmark format v3; there are screenspot, screenspot-v2"):
        read_set(root, choices=Choices(format="v3"))
    with pytest.raises(BadInput, match=r"screenspot_desktop\.json, row 1: ui_type|group must be a text"):
        read_set(root, choices=Choices(format="screenspot-pro"))
    assert set(FORMATS) == {"screenspot", "screenspot-v2", "screenspot-pro", "osworld-g", "ui-vision", "venusbench-gd"}


def test_folders_of_targets_and_files_of_targets_are_ours(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "a.png")
    row = json.dumps({"image": "a.png", "instruction": "Open", "bbox": [1, 2, 3, 4]}) + "\n"
    for name in ("targets.jsonl", "others.json"):
        (tmp_path / name).write_text(row)
    for path in (tmp_path, tmp_path / "targets.jsonl", tmp_path / "others.json"):
        found = read_set(path)
        assert found.origin is None
        assert boxes(found) == [Rect(1, 2, 3, 4)]
        assert not flat(found)[0].closed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bbox": [1, 2, 3]}, r"row 2: bbox must be a list of 4 numbers, not \[1, 2, 3\]"),
        ({"bbox": None}, "row 2: bbox must be a list of 4 numbers, not None"),
        ({"bbox": [1, 2, "3", 4]}, "row 2: bbox must be"),
        ({"bbox": [1, 2, True, 4]}, "row 2: bbox must be"),
        ({"bbox": [1, 2, float("nan"), 4]}, "row 2: bbox must be"),
        ({"instruction": " "}, "row 2: instruction must be a text"),
        ({"instruction": "x" * 2001}, "row 2: the instruction has 2001 characters"),
        ({"img_filename": None}, "row 2: img_filename or file_name must be a text"),
        ({"img_filename": "../../secret.png"}, "row 2: picture .* lies outside"),
        ({"img_filename": "/etc/secret.png"}, "row 2: picture .* lies outside"),
        ({"img_filename": "torn.png"}, r"row 2: .*torn\.png is no readable picture"),
        ({"img_size": [0, 10]}, "row 2: img_size must be width and height"),
        ({"img_size": "big"}, "row 2: img_size must be a list of 2 numbers"),
        ({"data_type": None}, "row 2: data_type or ui_type must be a text"),
    ],
)
def test_a_broken_row_is_named(tmp_path: Path, change: dict[str, object], message: str) -> None:
    file = screenspot(tmp_path) / "screenspot_desktop.json"
    (tmp_path / "screenspot_imgs" / "torn.png").write_bytes(b"no picture")
    rows = json.loads(file.read_text())
    write(file, [rows[0], {**rows[1], **change}])
    with pytest.raises(BadInput, match=message) as caught:
        read_set(tmp_path)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "no valid JSON"),
        ("[]", "holds no rows"),
        ("{}", "those of no benchmark|must name a file|image must"),
        ('{\n "a": 1\n}', "a list of rows is expected, not dict"),
        ("[1]", "those of no benchmark"),
        ('[{"name": "x"}]', "those of no benchmark"),
        ("[" * 100000, "no valid JSON"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "screenspot_desktop.json"
    file.write_text(text)
    with pytest.raises(BadInput, match=message) as caught:
        read_set(file)
    assert str(file) in str(caught.value)


def test_more_broken_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no file or folder"):
        read_set(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match=r"holds neither targets\.jsonl nor an annotation file"):
        read_set(tmp_path / "empty")
    (tmp_path / "empty" / "test-00000.parquet").write_bytes(b"")
    with pytest.raises(BadInput, match=r"save their rows as JSON first"):
        read_set(tmp_path / "empty")
    (tmp_path / "captured").mkdir()
    (tmp_path / "captured" / "screens.jsonl").write_text('{"image": "a.png", "app": "a", "elements": []}\n')
    with pytest.raises(BadInput, match="captured screens are measured with --captured"):
        read_set(tmp_path / "captured")
    with pytest.raises(BadInput, match=r"no folder .* of pictures"):
        read_set(screenspot(tmp_path / "a"), choices=Choices(images=tmp_path / "none"))
    both = screenspot(tmp_path / "both")
    osworld_g(both)
    for file in (both / "benchmark").glob("OSWorld-G*.json"):
        file.rename(both / file.name)
    with pytest.raises(BadInput, match="holds files of OSWorld-G, ScreenSpot; name one"):
        read_set(both)
    file = tmp_path / "latin.json"
    file.write_bytes(b'["\xff"]')
    with pytest.raises(BadInput, match="UTF-8"):
        read_set(file)
    mixed = write(
        tmp_path / "mixed" / "screenspot_web.json", [json.loads((both / "screenspot_web.json").read_text())[0], 7]
    )
    with pytest.raises(BadInput, match="row 2: an object is expected, not int"):
        read_set(mixed)


def test_osworld_g_with_broken_parts(tmp_path: Path) -> None:
    file = osworld_g(tmp_path) / "benchmark" / "OSWorld-G.json"
    rows = json.loads(file.read_text())
    for change, message in [
        ({"box_type": "circle"}, "row 3: box_type is 'circle'"),
        ({"box_coordinates": [1, 2, 3]}, "row 3: box_coordinates must be a list of pairs of numbers"),
        ({"box_coordinates": []}, "row 3: box_coordinates must be a list of pairs of numbers"),
    ]:
        write(file, [*rows[:2], {**rows[2], **change}])
        with pytest.raises(BadInput, match=message):
            read_set(file)
    write(file, rows)
    write(file.parent / "classification_result.json", {"classified": {"text_matching": 3}})
    with pytest.raises(BadInput, match=r"classification_result\.json: lists of items by ability"):
        read_set(file)
