"""Instructions written for elements of captured screens, and wordings for names of controls."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from reticle_grounding.errors import BadInput
from reticle_grounding.evaluation.sets import spoken
from reticle_grounding.training.canvas import Element
from reticle_grounding.training.spoken import (
    icon_uses,
    icon_words,
    lexicon,
    spoken_on,
    spoken_targets,
    wordings_of_names,
)
from reticle_grounding.training.words_train import BESIDE, PairSource, Told


@pytest.mark.parametrize("folder", ["desktop", "web"])
def test_every_instruction_is_usable(folder: str) -> None:
    told = [s for group in spoken_on(folder).values() for s in group]
    assert len(told) > 2000
    assert all(s.instruction == " ".join(s.instruction.split()) and len(s.instruction) <= 200 for s in told)
    assert all(s.box[0] < s.box[2] and s.box[1] < s.box[3] for s in told)
    assert 0.35 < sum(s.indirect for s in told) / len(told) < 0.65


def test_names_have_several_wordings() -> None:
    table = wordings_of_names()
    assert len(table) > 1000
    assert all(len(wordings) >= 3 and all(wordings) for wordings in table.values())


def test_controls_of_a_place_have_wordings_of_their_own() -> None:
    places = lexicon()
    assert len(places) > 200
    assert all(len(place) >= 6 for place in places)
    assert all(len(set(wordings)) >= 4 and all(wordings) for place in places for wordings in place.values())
    said = [(name, words) for place in places for name, wordings in place.items() for words in wordings]
    assert sum(name.casefold() in words.casefold() for name, words in said) < 0.02 * len(said)


def test_icons_are_asked_for_by_what_they_do_and_show() -> None:
    table = icon_words()
    assert len(table) > 1500
    assert all(len(words.does) >= 2 and len(words.shows) >= 2 and words.label for words in table.values())


def test_icons_have_many_uses() -> None:
    table = icon_uses()
    assert len(table) > 1500
    assert all(len(uses) >= 4 and all(uses) and len(set(uses)) == len(uses) for uses in table.values())
    assert "Rename" in table["pencil"]


def test_pairs_come_with_names_that_stand_beside_what_is_asked_for() -> None:
    source = PairSource([], [], "a seed")
    group = next(told for told in spoken_on("desktop").values() if len(told) > 2)
    elements = [Element("button", s.box, f"name {i}", "text") for i, s in enumerate(group)]
    others = [Element("button", (0, 0, 9, 9 + i), f"other {i}", "text") for i in range(30)]
    source.told = [Told([*elements, *others], list(zip(elements, group, strict=True)))]
    pairs = source.of_screen(source.told[0])
    asked = [p for p in pairs if p.said]
    assert {p.label for p in asked} <= {e.label for e in elements}
    assert len(pairs) - len(asked) == BESIDE * len(asked)
    wrong = {p.label for p in pairs if not p.said}
    assert wrong <= {e.label for e in [*elements, *others]}
    assert wrong.isdisjoint({p.label for p in asked})
    place = source.drawn_from("places")
    assert any(all(p.label in known for p in place) for known in lexicon())
    assert all(p.said for p in place)
    assert len(source.draw(50)) >= 50


def test_other_folders_have_none() -> None:
    assert spoken_on("my-screens") == {}


def test_an_instruction_belongs_to_its_element_only(tmp_path: Path) -> None:
    image, group = next(iter(spoken_on("desktop").items()))
    folder = tmp_path / "desktop"
    folder.mkdir()
    there = Element("button", group[0].box, "Something", "icon")
    moved = Element("button", (1, 2, 3, 4), "Something", "icon")
    found = spoken_targets(folder, image, [there])
    assert [(t.instruction, t.bbox, t.kind) for t in found] == [
        (s.instruction, s.box, "icon") for s in group if s.box == there.box
    ]
    assert spoken_targets(folder, image, [moved]) == []


def write(folder: Path, images: list[tuple[str, str, tuple[int, int, int, int]]]) -> None:
    (folder / "images").mkdir(parents=True)
    lines = []
    for image, app, box in images:
        Image.new("RGB", (box[2] + 10, box[3] + 10), "white").save((folder / image).with_suffix(".png"))
        (folder / image).with_suffix(".png").rename(folder / image)
        element = {"role": "push button", "name": "Do it", "bbox": list(box), "text_visible": True}
        lines.append(json.dumps({"image": image, "app": app, "elements": [element]}) + "\n")
    (folder / "screens.jsonl").write_text("".join(lines), "utf-8")


def test_held_out_applications_are_asked_what_was_written(tmp_path: Path) -> None:
    told = list(spoken_on("web").items())[:7]
    folder = tmp_path / "web"
    write(folder, [(image, f"app-{i}", group[0].box) for i, (image, group) in enumerate(told)])
    found = spoken(folder)
    image, group = told[5]  # the sixth of the alphabet is held out
    assert found.name == "web (spoken)"
    assert [s.image for s in found.screens] == [folder / image]
    assert [t.instruction for t in found.screens[0].targets] == [s.instruction for s in group if s.box == group[0].box]


def test_a_folder_nobody_wrote_for_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    write(folder, [(f"images/{i}.webp", f"app-{i}", (10, 10, 60, 30)) for i in range(7)])
    with pytest.raises(BadInput, match="no instructions were written"):
        spoken(folder)
