"""Letters that a line under them disguises, and the words that are known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from reticle_grounding.fitting import KeptReader
from reticle_grounding.geometry import Rect
from reticle_grounding.ocr import RgbArray, TextBox, proportional_words
from reticle_grounding.training.label_words import labels, main, wordings, words_file
from reticle_grounding.underlined import meant, reread
from reticle_grounding.words_known import common_words, known_words


def at(text: str) -> TextBox:
    rect = Rect(10, 10, 10 + 8.0 * len(text), 30)
    return TextBox(text, rect, 0.98, proportional_words(text, rect))


@pytest.mark.parametrize(
    ("read", "written"),
    [
        ("Eile", "File"),
        ("Iools", "Tools"),
        ("Eind...", "Find..."),
        ("≦ettings", "Settings"),
        ("≦ave", "Save"),  # several letters would make words; this sign is an S
        ("Σearch", "Search"),
        ("こracks", "Tracks"),
        ("こemplate", "Template"),
        ("Ençoding", "Encoding"),
        ("Subtițle", "Subtitle"),
    ],
)
def test_a_first_letter_under_which_a_line_is_drawn_is_read_anew(read: str, written: str) -> None:
    assert meant(read) == written


@pytest.mark.parametrize(
    "word",
    [
        "Edit",
        "Iris",
        "Eraser",
        "Eight",
        "East",
        "Each",
        "EXIT",
        "Ion",
        "Français",
        "Curaçao",
        "área",  # a letter of another language
        "日Information",  # an icon before a word
        "●All",
        "Eyjafjalla",
        "eile",  # names of files are written small
        "E",
        "",
    ],
)
def test_other_words_stay_as_they_were_read(word: str) -> None:
    assert meant(word) == word


def test_detections_keep_their_places() -> None:
    first, second = at("Eile Edit Iools"), at("Iris Eile")
    found = reread([first, second])
    assert [b.text for b in found] == ["File Edit Tools", "Iris File"]
    assert [w.text for w in found[0].words] == ["File", "Edit", "Tools"]
    assert [w.rect for w in found[0].words] == [w.rect for w in first.words]
    assert found[0].rect == first.rect
    part = reread([at("Eilenberg Eile")])[0]
    assert part.text == " ".join(w.text for w in part.words) == "Eilenberg File", "a word in another one stays"
    plain = at("Edit View")
    assert reread([plain])[0] is plain


def test_what_was_read_earlier_is_read_anew_too(tmp_path: Path) -> None:
    class Reader:
        def read(self, image: RgbArray, region: Rect | None = None) -> list[TextBox]:
            return [at("Eile")]

    kept, picture = KeptReader(Reader(), tmp_path), np.zeros((8, 8, 3), np.uint8)
    kept.read(picture)
    stored = json.loads(next(tmp_path.glob("*.json")).read_text("utf-8"))
    assert stored[0]["text"] == "Eile", "what is kept is what the reader said"
    assert [t.text for t in kept.read(picture)] == ["File"]


def test_the_words_are_those_of_the_tables() -> None:
    text = words_file(labels(), wordings())
    common, known = common_words(), known_words()
    assert frozenset(text.split()) == known, "run python -m reticle_grounding.training.label_words again"
    assert frozenset(text.partition("\n\n")[0].split()) == common
    assert {"file", "settings", "toolbar"} <= common < known


def test_words_of_several_labels_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert words_file(["Save as", "Save All", "Go"], ["keep it, please"]) == "save\n\nall\nkeep\nplease\n"
    monkeypatch.setattr("sys.argv", ["label_words", str(tmp_path / "made.txt")])
    main()
    assert "\n\n" in (tmp_path / "made.txt").read_text("utf-8")
