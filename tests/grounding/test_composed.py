"""Instructions by row and by neighbour, made from what a screen lists."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from PIL import Image

from reticle_grounding.errors import BadInput
from reticle_grounding.evaluation.sets import composed
from reticle_grounding.training.canvas import Box, Element, Kind
from reticle_grounding.training.composed import composed_targets


def _element(label: str, box: Box, role: str = "button", kind: Kind = "icon") -> Element:
    return Element(role, box, label, kind)


def _list(names: list[str]) -> list[Element]:
    made = []
    for i, name in enumerate(names):
        made.append(_element(name, (20, 40 * i, 140, 40 * i + 24), "list item", "text"))
        made.append(_element("Remove", (300, 40 * i, 324, 40 * i + 24)))
    return made


def test_a_control_that_every_row_has_is_asked_for_by_its_row() -> None:
    elements = _list(["Anna Berg", "Tom Hill", "Eva Stone"])
    made = composed_targets(Random(1), elements, 8)
    assert len(made) == 3
    for target in made:
        assert target.bbox is not None
        row = next(e for e in elements if e.kind == "text" and e.box[1] == target.bbox[1])
        assert row.label in target.instruction
        assert "remove" in target.instruction.lower()
        assert target.bbox[0] == 300


def test_a_name_that_two_rows_have_tells_no_row() -> None:
    assert composed_targets(Random(1), _list(["Anna Berg", "Anna Berg"]), 8) == []


def test_neighbours_of_a_known_control_are_asked_for_by_their_side() -> None:
    bar = [_element(n, (40 * i, 0, 40 * i + 38, 20), "menu", "text") for i, n in enumerate(("File", "View", "Help"))]
    made = composed_targets(Random(2), bar, 8)
    said = {target.instruction: target.bbox for target in made}
    assert len(said) == 4
    for instruction, box in said.items():
        wanted = next(e for e in bar if e.box == box)
        anchor = next(e for e in bar if instruction.endswith(e.label))
        right = any(word in instruction for word in ("right of", "after"))
        assert wanted.box[0] == anchor.box[0] + (40 if right else -40)


def test_what_stands_far_from_a_control_is_no_neighbour_of_it() -> None:
    apart = [_element("Save", (0, 0, 30, 30)), _element("Close", (200, 0, 230, 30))]
    assert composed_targets(Random(1), apart, 8) == []


def _captured(folder: Path, screens: int) -> Path:
    (folder / "images").mkdir(parents=True)
    rows = []
    for i in range(screens):
        Image.new("RGB", (400, 200), "white").save(folder / f"images/{i}.png")
        listed = [
            {"role": "menu", "name": name, "bbox": [50 * k, 0, 50 * k + 40, 20], "text_visible": True}
            for k, name in enumerate(("File", "View", "Help"))
        ]
        rows.append(json.dumps({"image": f"images/{i}.png", "app": f"app{i:02d}", "elements": listed}))
    (folder / "screens.jsonl").write_text("\n".join(rows), "utf-8")
    return folder


def test_held_out_applications_are_always_asked_the_same(tmp_path: Path) -> None:
    folder = _captured(tmp_path / "desk", 12)
    found = composed(folder)
    assert found.name == "desk (composed)"
    assert [s.image.name for s in found.screens] == ["5.png"]  # the sixth application of the alphabet is held out
    assert [t.instruction for t in found.screens[0].targets] == [
        t.instruction for t in composed(folder).screens[0].targets
    ]
    assert sum(len(s.targets) for s in composed(folder, limit=2).screens) == 2


def test_screens_without_rows_and_neighbours_are_refused(tmp_path: Path) -> None:
    folder = _captured(tmp_path / "desk", 12)
    rows = [json.loads(line) for line in (folder / "screens.jsonl").read_text("utf-8").splitlines()]
    (folder / "screens.jsonl").write_text("\n".join(json.dumps({**r, "elements": r["elements"][:1]}) for r in rows))
    with pytest.raises(BadInput, match="by row or neighbour"):
        composed(folder)
