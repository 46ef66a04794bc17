"""Icons known by heart: product quantisation, the file, and what is recalled on a screen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from safetensors.torch import load_file

from reticle_grounding.assets import embedded_model_dir
from reticle_grounding.errors import BadInput, CheckpointError
from reticle_grounding.geometry import Rect
from reticle_grounding.looks import Looks
from reticle_grounding.matcher import icons
from reticle_grounding.matcher.icons import CODE, IconMemory, IconTower, Wordings
from reticle_grounding.matcher.matcher import Vectors
from reticle_grounding.matcher.quantised import Quantised, quantise
from reticle_grounding.matcher.sentences import DIM, Tokens, say
from reticle_grounding.matcher.store import load
from reticle_grounding.proposals import Elements
from reticle_grounding.training import icon_memory
from reticle_grounding.training import icon_uses as uses_module
from reticle_grounding.training.icon_library import IconLibrary
from reticle_grounding.training.icon_memory import Batches, loss_of, mirrored, plainly, remember, wordings
from reticle_grounding.training.icon_uses import numbers_of
from reticle_grounding.training.looks import DrawnIcons, described
from reticle_grounding.training.spoken import icon_uses, icon_words
from reticle_grounding.words import parse

SIDE = 24


def drawn(name: str) -> Image.Image:
    """One-ink drawings whose names say what they are."""
    image = Image.new("L", (SIDE, SIDE), 0)
    draw = ImageDraw.Draw(image)
    if name == "go next":
        draw.polygon(((6, 3), (19, 12), (6, 21)), fill=255)
    elif name == "go previous":
        draw.polygon(((18, 3), (5, 12), (18, 21)), fill=255)
    elif name == "list add":
        draw.rectangle((10, 3, 13, 20), fill=255)
        draw.rectangle((3, 10, 20, 13), fill=255)
    elif name == "document":
        draw.rectangle((6, 3, 18, 21), outline=255, width=2)
    else:
        draw.ellipse((4, 4, 20, 20), outline=255, width=2)
    return image


NAMES = ("go next", "go previous", "list add", "document", "record")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("library")
    data = [np.asarray(drawn(name)).tobytes() for name in NAMES]
    (folder / "pictures.bin").write_bytes(b"".join(data))
    rows = [
        {"name": name, "source": "own", "side": SIDE, "mono": True, "words": [], "at": i * SIDE * SIDE}
        for i, name in enumerate(NAMES)
    ]
    (folder / "index.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return folder


def tower() -> IconTower:
    torch.manual_seed(1)
    return IconTower().eval()


def memory_of(library: Path, asked: tuple[str, ...] = NAMES) -> IconMemory:
    """The library's icons; wording ``i`` is the unit vector ``i``, and name ``i`` is called that."""
    own = tower()
    pictures, names = remember(own, [IconLibrary(library)], ())
    named = torch.tensor([asked.index(name) for name in names])
    words = torch.tensor([(i, i) for i in range(len(asked))])
    return IconMemory(own, pictures, named, torch.eye(DIM)[: len(asked)], words)


def on_screen(*names: str, back: int = 255, ink: int = 30) -> tuple[np.ndarray, list[Rect]]:
    image, rects = Image.new("L", (60 * len(names), 60), back), []
    for i, name in enumerate(names):
        image.paste(ink, (60 * i + 18, 18), drawn(name))
        left, top, right, bottom = drawn(name).getbbox() or (0, 0, 1, 1)
        rects.append(Rect(60 * i + 18 + left, 18 + top, 60 * i + 18 + right, 18 + bottom))
    return np.asarray(image.convert("RGB")), rects


def test_icons_of_the_library_are_recalled_by_name(library: Path) -> None:
    memory = memory_of(library)
    image, rects = on_screen(*NAMES[::-1], back=250, ink=60)
    recalled = memory.recall(image, rects)
    assert [NAMES[row[0]] for row in recalled.names] == list(NAMES[::-1])
    assert (recalled.likeness[:, 0] > 0.95).all()
    assert (recalled.likeness[:, 0] > recalled.likeness[:, -1]).all()


def test_a_name_agrees_with_what_is_asked_and_doubt_lowers_it(library: Path) -> None:
    memory = memory_of(library)
    image, rects = on_screen("go previous", "go next", "list add")
    recalled = memory.recall(image, rects)
    scores = memory.named(recalled, np.eye(DIM, dtype=np.float32)[[NAMES.index("go next")]])
    assert scores.argmax() == 1
    assert scores[1] == pytest.approx(recalled.likeness[1, 0], abs=1e-5)
    assert len(memory.named(memory.recall(image, []), np.eye(DIM, dtype=np.float32)[:1])) == 0


def test_a_name_may_be_called_by_several_wordings() -> None:
    words = torch.tensor([(1, 0), (0, 2), (1, 1)])
    memory = IconMemory(tower(), torch.eye(CODE)[:2], torch.tensor([0, 1]), torch.eye(DIM)[:3], words)
    assert memory.words.agreement(np.eye(DIM, dtype=np.float32)[[1]], np.arange(2)).tolist() == [0.0, 1.0]
    assert memory.words.agreement(np.eye(DIM, dtype=np.float32)[[2]], np.arange(2)).tolist() == [1.0, 0.0]


def test_names_without_words_agree_with_nothing() -> None:
    own = Wordings(torch.eye(DIM)[:2], torch.tensor([(2, 0), (0, 1)]), 4)
    asked = np.eye(DIM, dtype=np.float32)
    assert own.agreement(asked[[0]], np.arange(4)).tolist() == [0.0, -1.0, 1.0, -1.0]
    assert own.agreement(asked[[0]], np.array([1, 3])).tolist() == [-1.0, -1.0]
    assert own.agreement(asked[[0]], np.array([], np.int64)).tolist() == []


def test_drawings_are_told_by_what_programs_use_them_for(library: Path) -> None:
    memory = memory_of(library)
    uses = Wordings(torch.eye(DIM)[[200]], torch.tensor([(NAMES.index("list add"), 0)]), len(NAMES))
    image, rects = on_screen("document", "list add")
    recalled = memory.recall(image, rects)
    asked = np.eye(DIM, dtype=np.float32)[[200]]
    assert memory.used(recalled, asked).tolist() == [0.0, 0.0], "nothing is told of uses"
    memory.uses = uses
    scores = memory.used(recalled, asked)
    assert scores[1] == pytest.approx(recalled.likeness[1, 0], abs=1e-5)
    assert scores[1] > scores[0] >= 0.0
    assert memory.named(recalled, asked).max() < 0.5


def test_labels_of_a_concept_are_wordings_of_its_icons() -> None:
    said, words = wordings(["document save", "no such icon"])
    called = {said[number] for name, number in words.tolist() if name == 0}
    assert "document save" in called
    assert "Save" in called
    assert [said[number] for name, number in words.tolist() if name == 1] == ["no such icon"]


def test_icons_may_be_called_by_what_people_say_of_them() -> None:
    name, told = next(iter(icon_words().items()))
    said, _ = wordings([name])
    assert set(told.all()) <= set(said)


def test_quantised_vectors_are_near_the_originals() -> None:
    torch.manual_seed(0)
    centres = torch.nn.functional.normalize(torch.randn(40, 24), dim=1)
    vectors = torch.nn.functional.normalize(centres[torch.randint(40, (3000,))] + 0.05 * torch.randn(3000, 24), dim=1)
    small = quantise(vectors, 6)
    assert small.codes.shape == (3000, 6)
    assert small.codes.dtype == torch.uint8
    assert float((small.vectors() * vectors).sum(1).min()) > 0.95
    with pytest.raises(ValueError, match="24 numbers do not fall into 7"):
        quantise(vectors, 7)


def kept() -> dict[str, torch.Tensor]:
    pictures, meanings = (torch.nn.functional.normalize(torch.randn(300, n), dim=1) for n in (CODE, DIM))
    small, meant = quantise(pictures, 24), quantise(meanings, 32)
    return {
        "pictures": small.codes,
        "pictures.book": small.book,
        "named": torch.arange(300, dtype=torch.int32),
        "meanings": meant.codes,
        "meanings.book": meant.book,
        "words": torch.stack([torch.arange(300)] * 2, dim=1).to(torch.int32),
    }


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    stored = kept()
    icons.save(tmp_path, tower(), stored, {"pictures": "300"})
    memory = icons.load(tmp_path)
    assert torch.equal(memory.pictures, Quantised(stored["pictures"], stored["pictures.book"]).vectors())
    image, rects = on_screen("document", "record")
    again = icons.load(tmp_path).recall(image, rects)
    assert memory.recall(image, rects).names.tolist() == again.names.tolist()
    assert memory.pictures.shape == (300, CODE)


@pytest.mark.parametrize(
    "broken",
    [
        {"named": torch.arange(299, dtype=torch.int32)},
        {"named": torch.full((300,), 300, dtype=torch.int32)},
        {"words": torch.tensor([(0, 0), (2, 1)], dtype=torch.int32)},
        {"words": torch.tensor([(i, 300) for i in range(300)], dtype=torch.int32)},
    ],
)
def test_a_file_whose_parts_do_not_fit_is_refused_by_name(tmp_path: Path, broken: dict[str, torch.Tensor]) -> None:
    icons.save(tmp_path, tower(), kept() | broken, {})
    with pytest.raises(CheckpointError, match=r"icons\.safetensors"):
        icons.load(tmp_path)


def test_a_damaged_file_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / icons.FILE).write_bytes(b"nothing of the kind")
    with pytest.raises(CheckpointError, match=r"icons\.safetensors"):
        icons.load(tmp_path)


def test_uses_are_written_beside_the_icons_they_belong_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"icon 3": ("Rename", "Edit"), "icon 9": ("Edit",)}
    monkeypatch.setattr(uses_module, "icon_uses", lambda: told)
    monkeypatch.setattr(uses_module, "say", lambda _tower, _tokens, said: torch.eye(DIM)[200 : 200 + len(said)])
    icons.save(tmp_path, tower(), kept(), {})
    towerless: Any = None
    assert uses_module.write(tmp_path, towerless, towerless, {"icon 3": 3, "icon 5": 5}) == {"names": 1, "uses": 2}
    uses = icons.load(tmp_path).uses
    assert uses is not None
    scores = uses.agreement(np.eye(DIM, dtype=np.float32)[[201]], np.array([3, 5]))
    assert scores.tolist() == pytest.approx([1.0, -1.0], abs=1e-3)
    with pytest.raises(BadInput, match="none of the icons"):
        uses_module.write(tmp_path, towerless, towerless, {"icon 5": 5})


def test_uses_are_found_again_for_the_names_that_are_known(tmp_path: Path) -> None:
    torch.manual_seed(3)
    names = [f"icon {i}" for i in range(300)]
    vectors = torch.nn.functional.normalize(torch.randn(300, DIM), dim=1)
    stored = kept()
    meant = quantise(vectors, 32)
    stored |= {"meanings": meant.codes, "meanings.book": meant.book}
    stored["words"] = torch.stack([torch.arange(300), torch.arange(300)], dim=1).to(torch.int32)
    icons.save(tmp_path, tower(), stored, {})
    assert icons.load(tmp_path).uses is None
    other = torch.nn.functional.normalize(torch.randn(1, DIM), dim=1)
    found = numbers_of([names[7], "unknown", names[250]], torch.cat([vectors[[7]], other, vectors[[250]]]), stored)
    assert found == {names[7]: 7, names[250]: 250}
    small = quantise(vectors[:40], 32)
    pairs = {"words": torch.tensor([(7, 0), (250, 39)], dtype=torch.int32)}
    icons.save_uses(tmp_path, {"meanings": small.codes, "meanings.book": small.book} | pairs, icons.counts(stored))
    uses = icons.load(tmp_path).uses
    assert uses is not None
    scores = uses.agreement(vectors[[39]].numpy(), np.array([7, 250, 8]))
    assert scores.argmax() == 1
    assert scores[2] == -1.0


@pytest.mark.parametrize(("pair", "of"), [((300, 0), None), ((0, 40), None), ((0, 0), "299 pictures, 300 wordings")])
def test_uses_of_other_icons_are_refused_by_name(tmp_path: Path, pair: tuple[int, int], of: str | None) -> None:
    stored = kept()
    icons.save(tmp_path, tower(), stored, {})
    small = quantise(torch.nn.functional.normalize(torch.randn(40, DIM), dim=1), 32)
    words = torch.tensor([pair], dtype=torch.int32)
    icons.save_uses(
        tmp_path, {"meanings": small.codes, "meanings.book": small.book, "words": words}, of or icons.counts(stored)
    )
    with pytest.raises(CheckpointError, match=r"icon-uses\.safetensors.*make it anew"):
        icons.load(tmp_path)


def test_a_damaged_file_of_uses_is_refused_by_name(tmp_path: Path) -> None:
    icons.save(tmp_path, tower(), kept(), {})
    (tmp_path / icons.USES_FILE).write_bytes(b"nothing of the kind")
    with pytest.raises(CheckpointError, match=r"icon-uses\.safetensors"):
        icons.load(tmp_path)


def test_the_shipped_uses_belong_to_the_shipped_icons() -> None:
    folder = embedded_model_dir()
    memory, tokens, net = icons.load(folder), Tokens.of(folder), load(folder)
    told = icon_uses()
    assert memory.uses is not None
    assert len(told) > 1500
    names = ["pencil", "envelope", "clock", "view list text"]
    asked = say(net.words, tokens, names).detach()
    numbers = numbers_of(names, asked, load_file(folder / icons.FILE))
    assert list(numbers) == names
    wish = say(net.words, tokens, ["Rename", "Inbox", "Snooze", "Details"]).detach().numpy()
    for row, name in zip(wish, names, strict=True):
        scores = memory.uses.agreement(row[None], np.array([numbers[n] for n in names]))
        assert scores.argmax() == names.index(name)
        assert scores.max() > 0.7


def test_mirrored_pictures_are_others_unless_they_look_the_same(library: Path) -> None:
    known = IconLibrary(library)
    arrow = plainly(known, NAMES.index("go next"), 0)
    turned = mirrored(arrow)
    assert turned is not None
    assert np.array_equal(turned[0][:, ::-1], arrow[0])
    assert turned[1].width == arrow[1].width
    assert mirrored(plainly(known, NAMES.index("record"), 0)) is None


def test_training_finds_pictures_again(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(icon_memory, "BATCH", 64)
    monkeypatch.setattr(icon_memory, "OF_ONE_SOURCE", 32)
    batches = Batches(DrawnIcons([library]), (), seed=3)
    torch.manual_seed(2)
    own = IconTower().train()
    optimizer = torch.optim.AdamW(own.parameters(), lr=2e-3)
    losses = []
    for _ in range(8):
        loss, _ = loss_of(own, *batches.next())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert min(losses[-3:]) < 0.9 * losses[0]


class Remembering:
    """Knows the library by heart, and nothing else; a phrase's vector is that of the name it holds."""

    def __init__(self, memory: IconMemory) -> None:
        self.recall, self.named, self.used = memory.recall, memory.named, memory.used

    def see(self, image: np.ndarray, rects: Sequence[Rect]) -> Vectors:
        return np.zeros((len(rects), DIM), np.float32)

    def say(self, phrases: Sequence[str]) -> Vectors:
        rows = [next((i for i, name in enumerate(NAMES) if name in p.casefold()), DIM - 1) for p in phrases]
        return np.eye(DIM, dtype=np.float32)[rows].reshape(-1, DIM)

    ask = say

    def known(self, read: Vectors) -> None:
        return None


def test_looks_tell_what_proposals_are_known_as(library: Path) -> None:
    image, rects = on_screen("document", "list add", "go next")
    looks = Looks(Remembering(memory_of(library)), image, Elements((), tuple(rects)), [])
    agreement = looks.against("the list add icon", parse("the list add icon"))
    best = agreement.best_named(1)
    assert rects[1].contains(agreement.rects[best[0]].center)
    assert agreement.known[best[0]] > 0.8


def test_drawn_icons_are_asked_for_as_people_do() -> None:
    name, told = next(iter(icon_words().items()))
    rng = Random(1)
    heard = {described(rng, name, 1.0) for _ in range(200)}
    assert set(told.all()) <= heard
    assert described(rng, "no such icon", 1.0) == described(rng, name, 0.0) == ""
