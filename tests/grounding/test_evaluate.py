"""Reading targets files and counting."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from reticle_grounding.calibration import Calibration
from reticle_grounding.errors import BadInput
from reticle_grounding.evaluate import evaluate, read_targets
from reticle_grounding.fitting import collect
from reticle_grounding.geometry import Rect
from reticle_grounding.ocr import RgbArray, TextBox, proportional_words
from reticle_grounding.predictor import Grounder, GroundingConfig
from reticle_grounding.sources import EvenAttention

WEIGHTS = Calibration({"text": 4.0, "text_exact": 3.0}, -4.0, 0.5)


class OneReader:
    """Reads "Open  Close" on every picture and counts how often."""

    def __init__(self) -> None:
        self.calls = 0

    def read(self, image: RgbArray, region: Rect | None = None) -> list[TextBox]:
        self.calls += 1
        rect = Rect(10, 10, 98, 28)
        return [TextBox("Open  Close", rect, 1.0, proportional_words("Open  Close", rect))]


def row(**changes: object) -> dict[str, object]:
    base = {"image": "a.png", "instruction": "Open", "bbox": [8, 8, 45, 30], "kind": "text"}
    return {**base, **changes}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    for name in ("a.png", "b.png"):
        Image.new("RGB", (200, 120), "white").save(tmp_path / "images" / name)
    return tmp_path


def write(folder: Path, rows: list[dict[str, object]]) -> Path:
    path = folder / "targets.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


ROWS = [
    row(),
    row(image="b.png", instruction="Close"),
    row(instruction="Close", bbox=[56, 8, 100, 30], kind="field"),
    row(instruction="empty the trash", kind="icon"),
    row(instruction="fly to the moon", bbox=None),
]


def test_everything_is_counted(folder: Path) -> None:
    reader, seen = OneReader(), list[tuple[int, int]]()
    grounder = Grounder(EvenAttention("fake"), reader, WEIGHTS, GroundingConfig())
    result = evaluate(read_targets(write(folder, ROWS)), grounder, lambda done, total: seen.append((done, total)))
    assert (result["n"], result["absent"], result["screens"]) == (5, 1, 2)
    assert result["accuracy"] == 0.5, "Open and the second Close of four present targets"
    assert result["accuracy_found"] == 0.5
    alone = {"attention_only": 0.0}
    assert result["by_kind"] == {
        "field": {"n": 1, "accuracy": 1.0, "hit_at_3": 1.0, "found": 1.0, "text_only": 1.0, **alone},
        "icon": {"n": 1, "accuracy": 0.0, "hit_at_3": 0.0, "found": 0.0, "text_only": 0.0, **alone},
        "text": {"n": 2, "accuracy": 0.5, "hit_at_3": 0.5, "found": 1.0, "text_only": 0.5, **alone},
    }
    assert result["found_rate"] == 0.75
    assert result["absent_rejection"] == 1.0
    assert (result["text_only_accuracy"], result["attention_only_accuracy"]) == (0.5, 0.0)
    assert result["ms_p90"] >= result["ms_p50"] > 0.0
    assert result["model"] == "fake"
    assert reader.calls == 2, "one reading per picture"
    assert seen == [(i, 5) for i in range(1, 6)]


def test_shares_without_targets_are_null(folder: Path) -> None:
    grounder = Grounder(EvenAttention("fake"), OneReader(), WEIGHTS)
    present = evaluate(read_targets(write(folder, ROWS[:1])), grounder)
    absent = evaluate(read_targets(write(folder, ROWS[4:])), grounder)
    assert present["absent_rejection"] is None
    assert absent["accuracy"] is None
    assert json.loads(json.dumps(absent)) == absent


def test_calibration_learns_from_the_same_file(folder: Path) -> None:
    samples = collect(write(folder, ROWS), Grounder(EvenAttention("fake"), OneReader(), WEIGHTS))
    assert [s["absent"] for s in samples] == [False, False, False, True, False]
    assert sum(any(s["right"]) for s in samples) == 2
    assert not any(any(s["right"]) for s in samples if s["absent"])


def test_a_limit_takes_the_first_lines_and_leaves_later_ones_unread(folder: Path) -> None:
    path = write(folder, ROWS)
    path.write_text(path.read_text(encoding="utf-8") + "not json\n", encoding="utf-8")
    assert [t.instruction for t in read_targets(path, 2)] == ["Open", "Close"]
    with pytest.raises(BadInput, match="line 6"):
        read_targets(path)


def test_image_names_may_carry_their_folder(folder: Path) -> None:
    assert read_targets(write(folder, [row(image="images/a.png")]))[0].image == folder / "images" / "a.png"


def test_where_it_is_told_wishes_and_labels_are_counted_apart(folder: Path) -> None:
    told = [row(indirect=True), row(indirect=False), row()]
    assert [t.kinds[1:] for t in read_targets(write(folder, told))] == [("indirect",), ("direct",), ()]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 1: no valid JSON"),
        ("[1]", "line 1: an object is expected"),
        (json.dumps(row(image=7)), "image must name"),
        (json.dumps(row(instruction=" ")), "instruction must be"),
        (json.dumps(row(image="absent.png")), "there is no picture"),
        (json.dumps(row(bbox=[1, 2, 3])), "bbox must be"),
        (json.dumps(row(bbox="1,2,3,4")), "bbox must be"),
        (json.dumps(row(bbox=[5, 5, 5, 9])), "no area"),
        (json.dumps({"image": "a.png", "instruction": "x"}), "bbox is missing"),
        (json.dumps(row(indirect="yes")), "indirect must be true or false"),
    ],
)
def test_bad_lines_are_named(folder: Path, line: str, message: str) -> None:
    path = folder / "targets.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(BadInput, match=message) as caught:
        read_targets(path)
    assert "targets.jsonl, line 1" in str(caught.value)


def test_files_that_cannot_be_read_are_named(folder: Path) -> None:
    with pytest.raises(BadInput, match="cannot read"):
        read_targets(folder)
    with pytest.raises(BadInput, match="cannot read"):
        read_targets(folder / "absent.jsonl")
    empty = folder / "empty.jsonl"
    empty.write_text("\n", encoding="utf-8")
    with pytest.raises(BadInput, match="no targets"):
        read_targets(empty)
    (folder / "binary.jsonl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="UTF-8"):
        read_targets(folder / "binary.jsonl")
