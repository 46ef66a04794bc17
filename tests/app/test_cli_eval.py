"""`reticle eval` on several sets: what it prints, draws and refuses; with the embedded model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from reticle_app.cli.evaluate import distinct
from reticle_app.cli.main import run_command

WORDS = ("Save", "Cancel", "Print")


def picture(path: Path, words: tuple[str, ...]) -> None:
    image = Image.new("RGB", (360, 160), "#ececec")
    font = ImageFont.truetype("DejaVuSans.ttf", 16)
    for i, word in enumerate(words):
        ImageDraw.Draw(image).text((20, 20 + 40 * i), word, "#202020", font)
    image.save(path)


@pytest.fixture
def targets(tmp_path: Path) -> Path:
    images = tmp_path / "listed" / "images"
    images.mkdir(parents=True)
    picture(images / "a.png", WORDS)
    rows = [(word, [10, 10 + 40 * i, 120, 50 + 40 * i]) for i, word in enumerate(WORDS)] + [("zebra crossing", None)]
    lines = [json.dumps({"image": "a.png", "instruction": said, "bbox": box, "kind": "text"}) for said, box in rows]
    path = tmp_path / "listed" / "targets.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def captured(tmp_path: Path) -> Path:
    """Six applications, of which the last is held out."""
    folder = tmp_path / "screens"
    (folder / "images").mkdir(parents=True)
    lines = []
    for i in range(6):
        names = ("Cut", "Paste", f"Option{i}")
        picture(folder / "images" / f"{i}.png", names)
        elements = [
            {"role": "push button", "name": name, "bbox": [10, 10 + 40 * k, 120, 50 + 40 * k], "text_visible": True}
            for k, name in enumerate(names)
        ]
        lines.append(json.dumps({"image": f"images/{i}.png", "app": f"app{i}", "elements": elements}))
    (folder / "screens.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def test_several_sets_with_curves_and_baselines(
    capfd: pytest.CaptureFixture[str], targets: Path, captured: Path, tmp_path: Path
) -> None:
    curve = tmp_path / "curve.svg"
    wanted = ["eval", targets, "--captured", captured, "--baselines", "--curve", curve, "--json"]
    assert run_command([*map(str, wanted)]) == 0
    sets = json.loads(capfd.readouterr().out)["sets"]
    assert list(sets) == ["listed", "screens (captured)"]
    listed = sets["listed"]
    assert (listed["n"], listed["absent"], listed["absent_rejection"]) == (4, 1, 1.0)
    assert listed["baselines"]["text_search"]["accuracy"] == 1.0
    assert {"threshold", "right_kept", "absent_rejected"} <= listed["at_threshold_keeping_95"].keys()
    assert sets["screens (captured)"]["n"] == 3
    assert "listed: 4 targets" in curve.read_text()


def test_the_table_has_a_row_per_set_and_kind_and_verifier(
    capfd: pytest.CaptureFixture[str], targets: Path, tmp_path: Path
) -> None:
    assert run_command(["eval", str(targets), "--verify", "--limit", "2"]) == 0
    out = capfd.readouterr().out
    rows = [line.split() for line in out.splitlines() if "%" in line and (" all " in line or " text " in line)]
    assert [row[: row.index("2")] for row in rows[:4]] == [
        ["listed", "all"],
        ["text"],
        ["listed", "+", "verifier", "all"],
        ["text"],
    ]
    assert "shipped threshold" in out
    assert "OCR search" not in out, "not asked for"


def test_sets_of_one_name_are_told_apart() -> None:
    assert distinct(["web", "desk", "web", "web"]) == ["web", "desk", "web 2", "web 3"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "nothing to measure"),
        (("--captured", "{tmp}/none"), "there is no folder"),
        (("--captured", "{tmp}"), "cannot read screens"),
        (("--captured", "{broken}"), "is no list of captured screens"),
        (("{targets}", "--curve", "{tmp}/curve.jpg"), ".png or .svg"),
        (("{targets}", "--curve", "{tmp}/none/curve.png"), "there is no folder"),
        (("--generated", "0"), "--generated"),
    ],
)
def test_bad_input_is_one_line_and_code_2(
    capfd: pytest.CaptureFixture[str], targets: Path, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "screens.jsonl").write_text('{"image": "a.png", "app": "a"}\n')
    places = {"tmp": tmp_path, "targets": targets, "broken": broken}
    assert run_command(["eval", *(a.format(**places) for a in arguments)]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert said in err
    assert len(err.strip().splitlines()) == 1


def test_a_folder_nobody_wrote_for_has_nothing_spoken(capfd: pytest.CaptureFixture[str], captured: Path) -> None:
    assert run_command(["eval", "--spoken", str(captured)]) == 2
    assert "no instructions were written" in capfd.readouterr().err
