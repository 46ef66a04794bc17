"""Targets on captured screens, absent ones among them, and evaluating several kinds of sets."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from PIL import Image

from reticle_grounding.calibration import Calibration
from reticle_grounding.errors import BadInput
from reticle_grounding.evaluate import evaluate, evaluate_set
from reticle_grounding.evaluation.sets import ScreenTargets, TargetSet, captured, from_file, generated, spoken
from reticle_grounding.evaluation.targets import Target
from reticle_grounding.geometry import Rect
from reticle_grounding.ocr import RgbArray, TextBox, proportional_words
from reticle_grounding.predictor import Grounder, GroundingConfig
from reticle_grounding.sources import EvenAttention
from reticle_grounding.training.absent import (
    AbsentCandidate,
    Names,
    absent_candidates,
    content_words,
    near_candidates,
    unread,
)
from reticle_grounding.training.canvas import Element
from reticle_grounding.training.instructions import Target as Request
from reticle_grounding.training.targets import captured_targets

WEIGHTS = Calibration({"text": 4.0, "text_exact": 3.0}, -4.0, 0.5)
NAMES = ("Alpha", "Bravo", "Cactus", "Donkey", "Elephant", "Flamingo", "Giraffe", "Horse", "Iguana", "Jaguar", "Koala")


class Reader:
    """Reads the given lines, one below the other, and counts how often."""

    def __init__(self, *lines: str) -> None:
        self.lines, self.calls = lines, 0

    def read(self, image: RgbArray, region: Rect | None = None) -> list[TextBox]:
        self.calls += 1
        rects = [Rect(10, 10 + 30 * i, 10 + 9 * len(text), 28 + 30 * i) for i, text in enumerate(self.lines)]
        pairs = zip(self.lines, rects, strict=True)
        return [TextBox(text, rect, 1.0, proportional_words(text, rect)) for text, rect in pairs]


def element(name: str, top: int, role: str = "push button", **more: object) -> dict[str, object]:
    return {"role": role, "name": name, "bbox": [10, top, 90, top + 20], "text_visible": True, **more}


def rows(apps: int = 26) -> list[dict[str, Any]]:
    """Two screens of each application; every name but "File" starts with the application's letter, five times."""
    made = []
    for i in range(apps):
        letter = chr(ord("a") + i)
        for screen in range(2):
            names = [letter * 5 + word.lower() for word in NAMES]
            elements = [element("File", 0), *(element(n, 20 + 20 * k) for k, n in enumerate(names))]
            made.append({"image": f"images/{letter}{screen}.png", "app": f"app-{letter}", "elements": elements})
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, rows())
    return tmp_path


def write(folder: Path, listed: list[dict[str, Any]]) -> None:
    (folder / "images").mkdir(exist_ok=True)
    for row in listed:
        Image.new("RGB", (200, 280), "white").save(folder / row["image"])
    (folder / "screens.jsonl").write_text("".join(json.dumps(row) + "\n" for row in listed), encoding="utf-8")


def test_only_held_out_applications_are_asked_about_and_take_turns(folder: Path) -> None:
    made = captured_targets(folder, 0, per_screen=8)
    assert [m.app for m in made] == ["app-f", "app-p", "app-z"] * 2
    present = sum(len(m.present) for m in made)
    assert present == 48
    assert sum(m.absent_wanted for m in made) == present // 7
    assert captured_targets(folder, 0, per_screen=8) == made
    assert captured_targets(folder, 1, per_screen=8) != made


@pytest.mark.parametrize(("limit", "absent"), [(1, 0), (7, 0), (8, 1), (15, 1), (16, 2), (40, 5)])
def test_a_limit_counts_absent_targets_too(folder: Path, limit: int, absent: int) -> None:
    made = captured_targets(folder, 0, limit, per_screen=8)
    assert sum(m.absent_wanted for m in made) == absent
    assert sum(len(m.present) for m in made) == limit - absent


def test_absent_targets_are_named_after_other_held_out_applications(folder: Path) -> None:
    for made in captured_targets(folder):
        others = {"f", "p", "z"} - {made.app[-1]}
        said = [c.target.instruction.casefold() for c in made.absent]
        assert len(said) >= 20
        assert all(any(letter * 5 in one for letter in others) for one in said)
        assert all(c.target.bbox is None for c in made.absent)


def box(label: str, kind: str = "text", icon: str = "") -> Element:
    return Element("button", (0, 0, 10, 10), label, kind, icon)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("listed", "name"),
    [
        ("Save", "save"),
        ("Save As...", "Save"),
        ("Print the page", "page print"),
        ("Bookmark manager", "Manage bookmarks"),
        ("Delete", "Remove"),
    ],
)
def test_what_the_list_may_mean_is_never_absent(listed: str, name: str) -> None:
    assert absent_candidates(Random(0), [listed], [box(name)], 5) == []
    assert len(absent_candidates(Random(0), ["Zebra"], [box(name)], 5)) == 1


@pytest.mark.parametrize("name", ["Close", "menu", "12:45", "4.0 KiB", "OK", "Scroll down", "x" * 41])
def test_names_that_any_screen_may_have_are_never_absent(name: str) -> None:
    assert absent_candidates(Random(0), [], [box(name)], 5) == []


def test_an_icon_is_absent_only_when_no_wording_of_its_function_is_listed() -> None:
    undo = box("Undo", "icon", "Undo")
    assert absent_candidates(Random(0), ["take back the last step"], [undo], 5) == []
    assert absent_candidates(Random(0), ["Cactus"], [box("Undo", "icon", "")], 5) == [], "no known function"
    (found,) = absent_candidates(Random(0), ["Cactus"], [undo], 5)
    assert found.target.kind == "icon"


def test_kinds_take_turns() -> None:
    pool = [box(f"Zebra {word}", kind) for word in NAMES for kind in ("text", "field")]
    kinds = Counter(c.target.kind for c in absent_candidates(Random(0), [], pool, 6))
    assert kinds == {"text": 3, "field": 3}


def test_what_is_read_is_never_absent() -> None:
    made = [
        AbsentCandidate(Request(word, None, "text"), tuple(sorted(content_words(word))))
        for word in ("Compile project", "Elephant", "Donkey", "Horses", "Delete")
    ]
    lines = ["CompileAll", "E1ephant", "the horse", "Remove"]
    assert [t.instruction for t in unread(made, lines, 9)] == ["Donkey"]
    assert len(unread(made, [], 9)) == 5
    assert len(unread(made, [], 2)) == 2


def test_names_of_a_list() -> None:
    names = Names(["Open file...", "", "Recent:"])
    assert names.resemble("open FILE")
    assert not names.resemble("Cactus")
    assert names.share_a_word({"files"})
    assert not names.share_a_word({"cactus"})


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("gone", "there is no folder"),
        ("no list", "cannot read screens"),
        ("no json", "cannot read screens"),
        ("no app", "is no list of captured screens"),
        ("number", "is no list of captured screens"),
        ("no box", "is no list of captured screens"),
        ("no picture", "names a picture that is not there"),
        ("few", "no held-out application"),
    ],
)
def test_bad_folders_are_told_in_one_line(folder: Path, damage: str, message: str) -> None:
    listed: list[Any] = rows()
    path = folder
    if damage == "gone":
        path = folder / "none"
    elif damage == "no list":
        (folder / "screens.jsonl").unlink()
    elif damage == "no json":
        (folder / "screens.jsonl").write_text("{")
    elif damage == "no app":
        del listed[3]["app"]
    elif damage == "number":
        listed.append(7)
    elif damage == "no box":
        del listed[10]["elements"][0]["bbox"]
    elif damage == "no picture":
        (folder / "images" / "f0.png").unlink()
    elif damage == "few":
        listed = listed[:4]
    if damage in ("no app", "number", "no box", "few"):
        (folder / "screens.jsonl").write_text("".join(json.dumps(row) + "\n" for row in listed))
    with pytest.raises(BadInput, match=message) as caught:
        captured(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_captured_set_reads_each_screen_once_and_rejects_what_is_absent(folder: Path) -> None:
    reader, seen = Reader("File", "fffffalpha"), list[tuple[int, int]]()
    measured = captured(folder, 16)
    assert measured.planned == 16
    grounder = Grounder(EvenAttention("fake"), reader, WEIGHTS)
    result = evaluate_set(measured, grounder, lambda d, t: seen.append((d, t)), baselines=True)
    assert (result["n"], result["absent"], result["absent_rejection"]) == (16, 2, 1.0)
    assert result["near_absent"] is None, "no list has a word of another's names"
    assert reader.calls == result["screens"] == len(measured.screens)
    assert seen[-1] == (16, 16)
    assert result["baselines"] is not None
    assert result["baselines"]["text_search"]["by_kind"]["text"]["n"] == 14


def test_nearly_present_targets_are_counted_apart(tmp_path: Path) -> None:
    listed = rows()
    for row in listed:
        row["elements"] += [element("Save", 240), element(f"Save {row['app'][-1] * 5}", 260)]
    write(tmp_path, listed)
    measured, seen = captured(tmp_path, 16), list[tuple[int, int]]()
    assert measured.planned == 18
    grounder = Grounder(EvenAttention("fake"), Reader("File", "Save"), WEIGHTS)
    result = evaluate_set(measured, grounder, lambda d, t: seen.append((d, t)))
    assert (result["n"], result["absent"]) == (16, 2)
    assert result["near_absent"] is not None
    assert result["near_absent"]["n"] == 2
    assert result["risk"]["points"][-1]["coverage"] == 1.0
    assert seen == [(i, 18) for i in range(1, 19)]


def test_a_near_miss_needs_a_word_that_is_there_and_one_that_is_not() -> None:
    def near(name: str, *listed: str, kind: str = "text") -> list[tuple[str, ...]]:
        return [c.words for c in near_candidates(Random(0), listed, [box(name, kind, "Save")], 5)]

    assert near("Save template", "Save", "Cactus") == [("template",)]
    assert near("Save template", "Cactus") == [], "nothing of it is there"
    assert near("Save template", "Save", "Template") == [], "all of it is there"
    assert near("Save templates", "Save template now") == [], "nearly the same"
    assert near("Save button", "Save") == [], "a role is no name"
    assert near("Save template", "Save", kind="icon") == [], "an icon shows no words"


def test_absent_targets_that_are_read_after_all_are_left_out(folder: Path) -> None:
    measured, seen = captured(folder, 16), list[tuple[int, int]]()
    words = {w for made in captured_targets(folder, 0, 16) for c in made.absent for w in c.words}
    grounder = Grounder(EvenAttention("fake"), Reader(*sorted(words)), WEIGHTS)
    result = evaluate_set(measured, grounder, lambda d, t: seen.append((d, t)))
    assert (result["n"], result["absent"], result["absent_rejection"]) == (14, 0, None)
    assert seen[-1] == (14, 14), "the bar ends full"


def test_baselines_do_not_read_for_a_grounder_that_reads_nothing(tmp_path: Path) -> None:
    Image.new("RGB", (200, 120), "white").save(tmp_path / "a.png")
    reader = Reader("Open", "Close")
    target = Target(tmp_path / "a.png", "click Close", Rect(8, 36, 60, 60), "text")
    grounder = Grounder(EvenAttention("fake"), reader, WEIGHTS, GroundingConfig(reading="off"))
    result = evaluate([target], grounder, baselines=True)
    assert result["accuracy"] == 0.0, "nothing is read, nothing attended"
    assert result["baselines"] == {
        "text_search": {
            "accuracy": 1.0,
            "hit_at_3": 1.0,
            "by_kind": {"text": {"n": 1, "accuracy": 1.0, "hit_at_3": 1.0}},
        },
        "largest_match": {
            "accuracy": 1.0,
            "hit_at_3": None,
            "by_kind": {"text": {"n": 1, "accuracy": 1.0, "hit_at_3": None}},
        },
    }
    assert result["risk"]["points"] == [{"p_true": 0.0, "coverage": 1.0, "risk": 1.0}]
    assert evaluate([target], grounder)["baselines"] is None
    assert reader.calls == 1


def test_all_wrong_and_all_absent(tmp_path: Path) -> None:
    Image.new("RGB", (200, 120), "white").save(tmp_path / "a.png")
    grounder = Grounder(EvenAttention("fake"), Reader("Open"), WEIGHTS)
    wrong = evaluate([Target(tmp_path / "a.png", "Open", Rect(150, 90, 160, 99), "text")], grounder, baselines=True)
    assert (wrong["accuracy"], wrong["risk"]["aurc"]) == (0.0, 1.0)
    assert wrong["at_threshold_keeping_95"]["threshold"] is None
    assert wrong["at_shipped_threshold"]["right_of_answered"] == 0.0
    assert [a["sure"] for a in wrong["risk"]["act_alone"]] == [None, None]
    absent = evaluate([Target(tmp_path / "a.png", "Open", None, "text")], grounder, baselines=True)
    assert (absent["accuracy"], absent["by_kind"], absent["absent_rejection"]) == (None, {}, 0.0)
    assert absent["baselines"] is not None
    assert absent["baselines"]["text_search"]["accuracy"] is None
    assert json.loads(json.dumps(absent)) == absent


def test_sets_are_named_after_what_they_are(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "desk" / "images").mkdir(parents=True)
    Image.new("RGB", (20, 20)).save(tmp_path / "desk" / "images" / "a.png")
    row = json.dumps({"image": "a.png", "instruction": "Open", "bbox": None}) + "\n"
    for name in ("targets.jsonl", "icons.jsonl"):
        (tmp_path / "desk" / name).write_text(row)
    assert from_file(tmp_path / "desk" / "targets.jsonl").name == "desk"
    assert from_file(tmp_path / "desk" / "icons.jsonl").name == "icons"
    assert captured(folder).name == f"{folder.name} (captured)"


def test_generated_screens_live_as_long_as_they_are_needed() -> None:
    with generated(3) as made:
        images = [screen.image for screen in made.screens]
        assert made.planned == 3
        assert all(image.is_file() for image in images)
    assert not any(image.exists() for image in images)
    with pytest.raises(BadInput, match="positive"), generated(0):
        pass


def test_planned_counts_what_may_be_chosen() -> None:
    target = Target(Path("a.png"), "Open", None, "text")
    assert TargetSet("x", [ScreenTargets(Path("a.png"), [target], lambda lines: [], None, 2)]).planned == 3
    assert TargetSet("x", [ScreenTargets(Path("a.png"), [target])]).planned == 1


def test_written_instructions_count_by_whether_they_say_the_label(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [Request("Save", (1, 1, 9, 9), "text", "Save"), Request("keep my work", (1, 1, 9, 9), "text", "Save", True)]
    monkeypatch.setattr("reticle_grounding.training.targets.written_targets", lambda _: [(tmp_path / "a.png", asked)])
    screen = spoken(tmp_path).screens[0]
    assert [t.kinds for t in screen.targets] == [("text", "direct"), ("text", "indirect")]
