"""The icons of programs: what is taken from captured screens, the file, and what is recalled beside icons of sets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from safetensors.torch import load_file

from reticle_grounding.assets import embedded_model_dir
from reticle_grounding.errors import BadInput, CheckpointError
from reticle_grounding.geometry import Rect
from reticle_grounding.matcher import icons
from reticle_grounding.matcher.icons import CODE, NO_WORDS, IconMemory, IconTower, Recalled, Wordings
from reticle_grounding.matcher.quantised import quantise
from reticle_grounding.matcher.sentences import DIM, Tokens, say
from reticle_grounding.matcher.store import load
from reticle_grounding.training import program_icons
from reticle_grounding.training.program_icons import Icon, Met, drawings_in, icons_on, meet, uses_of
from reticle_grounding.training.spoken import Spoken

APPS = ("alpha", "beta", "gamma", "delta", "echo", "foxtrot", "golf")
"""Of these, gamma is held out and delta serves the fit of probabilities."""
OWN_NAME = ("beta", "gamma", "delta")
"""These call the same icon otherwise."""
BUTTON = (40, 30, 76, 66)
STATED = {"role": "push button", "text_visible": False}


def axis(*numbers: int) -> torch.Tensor:
    return torch.eye(DIM)[list(numbers)]


def asked(number: int) -> np.ndarray:
    return axis(number).numpy()


def tower() -> IconTower:
    torch.manual_seed(1)
    return IconTower().eval()


def memory(uses: Wordings | None = None) -> IconMemory:
    """Names 0 and 1 of sets, each with one picture and one wording."""
    words = torch.tensor([(0, 0), (1, 1)])
    return IconMemory(tower(), torch.eye(CODE)[:2], torch.tensor([0, 1]), axis(0, 1), words, uses)


def joined(uses: Wordings | None = None) -> IconMemory:
    """Two more names with three pictures: 0 is called 10 or 11 and used for 20, 1 is called 12 and used for nothing."""
    words = Wordings(axis(10, 11, 12), torch.tensor([(0, 0), (0, 1), (1, 2)]), 2)
    more = Wordings(axis(20), torch.tensor([(0, 0)]), 2)
    return memory(uses).joined(torch.eye(CODE)[5:8], torch.tensor([0, 1, 0]), words, more)


def recalled(*names: int) -> Recalled:
    """Drawings that are exactly what bears these names."""
    distinct, place = np.unique(np.array(names), return_inverse=True)
    column = np.array(names)[:, None]
    return Recalled(np.ones((len(names), 1), np.float32), column, distinct, place.reshape(column.shape))


def test_names_of_programs_stand_behind_those_of_sets() -> None:
    both = joined()
    assert both.pictures.shape == (5, CODE)
    all_names = recalled(0, 1, 2, 3)
    assert both.named(all_names, asked(1)).tolist() == [0.0, 1.0, 0.0, 0.0]
    assert both.named(all_names, asked(11)).tolist() == [0.0, 0.0, 1.0, 0.0]
    assert both.named(all_names, asked(12)).tolist() == [0.0, 0.0, 0.0, 1.0]


def test_a_joined_memory_recalls_pictures_of_both() -> None:
    both = joined()
    found = both.recall(np.full((60, 60, 3), 255, np.uint8), [Rect(10, 10, 30, 30)])
    assert sorted(found.names[0].tolist()) == [0, 1, 2, 2, 3]
    assert memory().recall(np.full((60, 60, 3), 255, np.uint8), [Rect(10, 10, 30, 30)]).names.max() == 1


def test_uses_of_programs_join_those_of_sets_or_stand_alone() -> None:
    all_names = recalled(0, 1, 2, 3)
    assert joined().used(all_names, asked(20)).tolist() == [0.0, 0.0, 1.0, 0.0]
    of_sets = Wordings(axis(30), torch.tensor([(1, 0)]), 2)
    both = joined(of_sets)
    assert both.used(all_names, asked(30)).tolist() == [0.0, 1.0, 0.0, 0.0]
    assert both.used(all_names, asked(20)).tolist() == [0.0, 0.0, 1.0, 0.0]


def test_joining_leaves_the_memory_as_it_was() -> None:
    alone = memory()
    alone.joined(torch.eye(CODE)[5:6], torch.tensor([0]), Wordings(axis(10), torch.tensor([(0, 0)]), 1), nothing(1))
    assert alone.pictures.shape == (2, CODE)
    assert len(alone.words) == 2
    assert alone.uses is None


def nothing(names: int) -> Wordings:
    return Wordings(*NO_WORDS, names)


Told = tuple[Path, dict[str, torch.Tensor]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """A memory of 300 icons of sets, and the tensors of 40 of programs that may stand beside it."""
    folder = tmp_path_factory.mktemp("made")
    draw = torch.Generator().manual_seed(2)
    pictures, meanings = (
        torch.nn.functional.normalize(torch.randn(300, n, generator=draw), dim=1) for n in (CODE, DIM)
    )
    rows = torch.stack([torch.arange(300)] * 2, dim=1).to(torch.int32)
    small, meant = quantise(pictures, 24), quantise(meanings, 32)
    kept = {"pictures": small.codes, "pictures.book": small.book, "named": torch.arange(300, dtype=torch.int32)}
    kept |= {"meanings": meant.codes, "meanings.book": meant.book, "words": rows}
    icons.save(folder, tower(), kept, {})
    some, said = quantise(pictures[:40], 48), quantise(meanings[:40], 32)
    told = {"pictures": some.codes, "pictures.book": some.book, "named": torch.arange(40, dtype=torch.int32)}
    for prefix in ("", "uses."):
        told[prefix + "meanings"], told[prefix + "meanings.book"] = said.codes.clone(), said.book.clone()
        told[prefix + "words"] = rows[:40].clone()
    return folder, told


@pytest.fixture
def stored(made: Told, tmp_path: Path) -> Told:
    """The same in a folder of the test's own."""
    (tmp_path / icons.FILE).write_bytes((made[0] / icons.FILE).read_bytes())
    return tmp_path, made[1]


OF = "300 pictures, 300 wordings"


def test_what_was_written_joins_the_icons_beside_it(stored: Told) -> None:
    folder, told = stored
    assert icons.load(folder).pictures.shape == (300, CODE)
    icons.save_programs(folder, told, OF)
    both = icons.load(folder)
    assert both.pictures.shape == (340, CODE)
    assert len(both.words) == 340
    assert both.uses is not None
    wish = both.uses.meanings[[7]]
    assert both.used(recalled(7, 307, 308), wish).argmax() == 1
    icons.save_programs(folder, {k: v for k, v in told.items() if not k.startswith("uses.")}, OF)
    assert icons.load(folder).used(recalled(7, 307), wish).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("broken", "of"),
    [
        ({}, "299 pictures, 300 wordings"),
        ({"named": torch.arange(39, dtype=torch.int32)}, OF),
        ({"words": torch.tensor([(40, 0)], dtype=torch.int32)}, OF),
        ({"uses.words": torch.tensor([(0, 40)], dtype=torch.int32)}, OF),
        ({"words": torch.tensor([0, 1], dtype=torch.int32)}, OF),
    ],
)
def test_icons_of_programs_that_do_not_fit_are_refused_by_name(
    stored: Told, broken: dict[str, torch.Tensor], of: str
) -> None:
    folder, told = stored
    icons.save_programs(folder, told | broken, of)
    with pytest.raises(CheckpointError, match=r"program-icons\.safetensors.*make them anew"):
        icons.load(folder)


def test_a_damaged_file_is_refused_by_name(stored: Told) -> None:
    (stored[0] / icons.PROGRAMS_FILE).write_bytes(b"nothing of the kind")
    with pytest.raises(CheckpointError, match=r"program-icons\.safetensors"):
        icons.load(stored[0])


def screen() -> Image.Image:
    """A button with an arrow at :data:`BUTTON`, and a word beside it."""
    image = Image.new("RGB", (200, 100), (240, 240, 240))
    draw = ImageDraw.Draw(image)
    draw.rectangle((BUTTON[0], BUTTON[1], BUTTON[2] - 1, BUTTON[3] - 1), outline=(120, 120, 120))
    draw.polygon(((50, 40), (66, 48), (50, 56)), fill=(40, 40, 40))
    draw.text((100, 42), "Forward", fill=(0, 0, 0))
    return image


def captured(folder: Path) -> Path:
    """One screen of each program."""
    (folder / "images").mkdir(parents=True)
    rows = []
    for number, app in enumerate(APPS):
        image = f"images/{number}.png"
        screen().save(folder / image)
        elements = [
            {"name": f"Go forward in {app}" if app in OWN_NAME else "Go forward", "bbox": list(BUTTON), **STATED},
            {"role": "label", "name": "Forward", "bbox": [98, 40, 150, 56], "text_visible": True},
        ]
        rows.append({"image": image, "width": 200, "height": 100, "app": app, "elements": elements})
    (folder / "screens.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return folder


def test_drawings_are_found_inside_their_control() -> None:
    found = drawings_in(np.asarray(screen()), BUTTON)
    arrow = Rect(50, 40, 67, 57)
    assert any(arrow.iou(rect) > 0.7 for rect in found)
    assert all(rect.left >= BUTTON[0] - 2 and rect.right <= BUTTON[2] + 2 for rect in found)


def test_icons_are_controls_without_words_under_their_name_and_description(tmp_path: Path) -> None:
    row = program_icons.harvested_rows(captured(tmp_path))[0][0]
    row["elements"][0]["description"] = " Shows the  next page "
    assert icons_on(tmp_path, row) == [Icon(("Go forward", "Shows the next page"), BUTTON, ())]


def test_training_programs_are_met_once_for_each_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = {"images/0.png": [Spoken(BUTTON, "on to the next one", True)]}
    monkeypatch.setattr(program_icons, "spoken_on", lambda _folder: said)
    met = meet(tower(), [captured(tmp_path)])
    assert set(met) == {("Go forward", ""), ("Go forward in beta", "")}
    assert list(met["Go forward", ""].asked) == ["on to the next one"]
    first = met["Go forward", ""].vectors
    assert 1 <= len(first) <= 4
    assert len(first) == len(met["Go forward in beta", ""].vectors), "the same picture of several programs counts once"


def test_people_ask_for_an_icon_as_for_its_label(monkeypatch: pytest.MonkeyPatch) -> None:
    known = {"Zoom In": ["make it bigger"], "Larger": ["I can't read this"]}
    monkeypatch.setattr(program_icons, "by_label", lambda: known)
    met = {
        ("Zoom in...", ""): Met([], {"a closer look": None}),
        ("Nobody knows", "Larger"): Met([], {}),
        ("Nobody", ""): Met([], {}),
    }
    assert uses_of(met) == [["a closer look", "make it bigger"], ["I can't read this"], []]


def test_a_folder_without_icons_is_refused(tmp_path: Path) -> None:
    folder = embedded_model_dir()
    with pytest.raises(BadInput, match="no icon that could be remembered"):
        program_icons.write(tmp_path, load(folder).words, Tokens.of(folder), {})


def test_written_icons_are_called_by_name_and_asked_for(stored: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program's own way, on a memory of other icons and two programs' screens."""
    folder = stored[0]
    monkeypatch.setattr(program_icons, "by_label", lambda: {"Go forward": ["on to the next page"]})
    met = meet(icons.load(folder).tower, [captured(folder / "screens")])
    net, tokens = load(embedded_model_dir()), Tokens.of(embedded_model_dir())
    about = program_icons.write(folder, net.words, tokens, met)
    assert about["names"] == 2
    both = icons.load(folder)
    found = both.recall(np.asarray(screen()), drawings_in(np.asarray(screen()), BUTTON))
    assert found.likeness[:, 0].min() > 0.95
    assert set(found.names[:, 0].tolist()) <= {300, 301}
    with torch.inference_mode():
        said = say(net.words, tokens, ["Go forward", "on to the next page"]).numpy()
    assert both.named(found, said[:1]).max() > 0.9
    assert both.used(found, said[1:]).max() > 0.9


def test_the_shipped_icons_of_programs_belong_to_the_shipped_icons() -> None:
    folder = embedded_model_dir()
    own, sets = load_file(folder / icons.PROGRAMS_FILE), load_file(folder / icons.FILE)
    both = icons.load(folder)
    assert len(both.pictures) == len(own["pictures"]) + len(sets["pictures"])
    first = int(sets["words"][:, 0].max()) + 1
    names = np.arange(first, len(both.words))
    assert len(names) == int(own["named"].max()) + 1 > 900
    assert both.uses is not None
    net, tokens = load(folder), Tokens.of(folder)
    with torch.inference_mode():
        said = say(net.words, tokens, ["Zoom In", "make everything on the page bigger"]).numpy()
    assert both.words.agreement(said[:1], names).max() > 0.9
    assert both.uses.agreement(said[1:], names).max() > 0.6
