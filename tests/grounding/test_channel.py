"""The reading channel: what was read lies on the patches it covers, and a model with a channel listens to it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from PIL import Image
from tokenizers import Tokenizer

from reticle_grounding.calibration import load_calibration
from reticle_grounding.errors import BadInput, CheckpointError
from reticle_grounding.geometry import Rect, Size, Transform
from reticle_grounding.matcher.icons import Recalled
from reticle_grounding.model.channel import FILE, MARKS, SENSE, ReadingChannel, load_channel, on_patches, save_channel
from reticle_grounding.model.checkpoint import load_model
from reticle_grounding.model.pointer_head import pointer_loss
from reticle_grounding.model.pointer_model import PointerModel
from reticle_grounding.ocr import TextBox, Word
from reticle_grounding.predictor import Grounder
from reticle_grounding.proposals import Elements, Proposal
from reticle_grounding.reading import Reading, labelled, reading_of
from reticle_grounding.sources import PointerSource
from reticle_grounding.training.canvas import Element
from reticle_grounding.training.carry_over import carried, leading
from reticle_grounding.training.channel_train import Pointing, asked_of, best_points, labels_of
from reticle_grounding.training.prepared import ListedReader, Prepared, ScreenToPrepare, open_prepared, prepare
from reticle_grounding.training.spoken import Spoken

CELL = 28
COMMANDS = ("save", "open", "print", "undo", "zoom", "help", "cut", "paste")


class OneHot:
    """A matcher whose vectors are unit vectors by the word they hold; drawings are all alike."""

    def see(self, image: np.ndarray, rects: Sequence[Rect]) -> np.ndarray:
        return np.tile(np.eye(SENSE, dtype=np.float32)[7], (len(rects), 1))

    def say(self, phrases: Sequence[str]) -> np.ndarray:
        known = [next((i for i, w in enumerate(COMMANDS) if w in p.casefold()), 9) for p in phrases]
        return np.eye(SENSE, dtype=np.float32)[known].reshape(-1, SENSE)

    ask = say

    def recall(self, image: np.ndarray, rects: Sequence[Rect]) -> None:
        return None

    def named(self, recalled: Recalled, said: np.ndarray) -> np.ndarray:
        raise AssertionError("nothing is known by heart here")

    used = named

    def known(self, read: np.ndarray) -> None:
        return None


def text(words: str, rect: Rect) -> TextBox:
    return TextBox(words, rect, 1.0, (Word(words, rect),))


def reading(
    texts: Sequence[TextBox] = (), shapes: Sequence[Proposal] = (), named: Sequence[tuple[Rect, int]] = ()
) -> Reading:
    vectors = OneHot().say([t.text for t in texts])
    none = np.zeros((0, SENSE), np.float32)
    return Reading(tuple(t.rect for t in texts), vectors, (), none, tuple(named), tuple(shapes))


def grid(rows: int, columns: int) -> Transform:
    size = Size(columns * CELL, rows * CELL)
    return Transform.for_image(size, size, CELL)


def test_a_text_lies_on_the_patches_it_covers() -> None:
    box = text("save", Rect(28, 28, 84, 56))
    lying = on_patches(reading([box]), grid(3, 4), (3, 4))
    said = lying.said.view(3, 4, SENSE).sum(-1)
    assert lying.said.shape == (12, SENSE)
    assert lying.marks.shape == (12, MARKS)
    assert said[1, 1] == said[1, 2] > 0.9
    assert said.sum() == pytest.approx(2 * float(said[1, 1]))


def test_half_a_patch_weighs_less_and_shared_patches_hold_both() -> None:
    half = on_patches(reading([text("save", Rect(0, 0, 14, 28))]), grid(1, 2), (1, 2)).said
    whole = on_patches(reading([text("save", Rect(0, 0, 28, 28))]), grid(1, 2), (1, 2)).said
    assert 0 < half[0].sum() < whole[0].sum()
    both = on_patches(
        reading([text("save", Rect(0, 0, 28, 14)), text("open", Rect(0, 14, 28, 28))]), grid(1, 2), (1, 2)
    )
    assert int((both.said[0] > 0.3).sum()) == 2


def test_labels_and_shapes_are_told_where_they_stand() -> None:
    entry = Rect(56, 0, 112, 28)
    lying = on_patches(
        reading([text("name", Rect(0, 0, 28, 28))], [Proposal(entry, "bar")], [(entry, 0)]), grid(1, 4), (1, 4)
    )
    assert lying.named[2].sum() > 0.9
    assert lying.named[0].sum() == 0
    assert lying.said[2].sum() == 0
    assert (lying.marks[2] != lying.marks[1]).any()


def test_nothing_read_is_fine() -> None:
    lying = on_patches(reading(), grid(2, 2), (2, 2))
    assert lying.said.abs().sum() == lying.looks.abs().sum() == lying.named.abs().sum() == 0
    assert bool(torch.isfinite(ReadingChannel(16)(torch.ones(4, 16), lying)).all())


def test_an_entry_is_named_by_the_text_before_it() -> None:
    label, box = text("Name", Rect(10, 10, 60, 30)), Rect(80, 8, 300, 32)
    assert labelled(Elements((box,), ()), [label]) == ((box, 0),)


@pytest.fixture
def folder(tiny_folder, tmp_path: Path) -> Path:
    out = tmp_path / "model"
    shutil.copytree(tiny_folder("qwen2_5_vl"), out)
    torch.manual_seed(1)
    save_channel(ReadingChannel(load_model(out).hidden_size), out)
    return out


def test_a_model_with_a_channel_listens_to_the_reading(folder: Path, small_screen: Image.Image) -> None:
    model = PointerModel.open(folder)
    say = OneHot().say
    told = reading([text("save", Rect(20, 20, 90, 60))])
    plain, read = model.encode(small_screen), model.encode(small_screen, told)
    without, with_it = model.attend(plain, "save"), model.attend(read, "save", say(["save"]))
    assert np.abs(without - with_it).max() > 0.01 * without.max()
    assert with_it.sum() == pytest.approx(1, abs=1e-5)
    np.testing.assert_array_equal(model.attend(plain, "save"), without)


def test_a_model_without_a_channel_is_deaf_to_it(tiny_folder, small_screen: Image.Image) -> None:
    model = PointerModel.open(tiny_folder("qwen2_5_vl"))
    told = reading([text("save", Rect(20, 20, 90, 60))])
    np.testing.assert_array_equal(
        model.attend(model.encode(small_screen, told), "save"), model.attend(model.encode(small_screen), "save")
    )


def test_the_grounder_reads_first_and_the_map_is_that_of_the_reading(folder: Path, small_screen: Image.Image) -> None:
    class Fixed:
        def read(self, image: np.ndarray, region: Rect | None = None) -> list[TextBox]:
            return [text("save", Rect(20, 20, 90, 60))]

    model = PointerModel.open(folder)
    grounder = Grounder(PointerSource(model), Fixed(), load_calibration(), matcher=OneHot())
    assert grounder.reads_first
    found = grounder.observe(small_screen).ground("save")
    plain = model.attend(model.encode(small_screen), "save")
    assert np.abs(found.attention - plain).max() > 0
    assert {"ocr", "channel", "vision"} <= set(found.timings_ms)


def test_a_channel_that_does_not_fit_is_told(folder: Path) -> None:
    with pytest.raises(CheckpointError, match=FILE):
        load_channel(folder, 32)
    (folder / FILE).write_bytes(b"nonsense")
    with pytest.raises(CheckpointError, match=FILE):
        PointerModel.open(folder)


def prepared(folder: Path, out: Path, number: int) -> Prepared:
    rng = Random(number)
    words = rng.sample(COMMANDS, 4)
    image = Image.new("RGB", (336, 224), "white")
    elements, texts = [], []
    for i, word in enumerate(words):
        left, top = 20 + 160 * (i % 2), 20 + 100 * (i // 2)
        box = (left, top, left + 120, top + 76)
        elements.append(Element("button", box, word, "text"))
        texts.append(text(word, Rect(*map(float, box))))

    class Listed:
        def read(self, image: np.ndarray, region: Rect | None = None) -> list[TextBox]:
            return texts

    path = out / f"{number}.png"
    image.save(path)
    spoken = [Spoken(elements[0].box, words[0], False)]
    screen = ScreenToPrepare(f"s{number}", "training", path, elements, spoken)
    prepare(screen, PointerModel.open(folder), OneHot(), Listed(), out)
    return open_prepared(out / f"s{number}.safetensors")


def test_a_prepared_screen_comes_back_as_it_was(folder: Path, tmp_path: Path) -> None:
    screen = prepared(folder, tmp_path, 0)
    assert (screen.name, screen.part, screen.size) == ("s0", "training", Size(336, 224))
    assert len(screen.elements) == 4
    assert screen.spoken[0].box == screen.elements[0].box
    assert screen.merged.shape[0] == screen.shape[0] * screen.shape[1]
    assert screen.reading.text_vectors.shape == (4, SENSE)
    (tmp_path / "bad.safetensors").write_bytes(b"no")
    with pytest.raises(BadInput, match="bad"):
        open_prepared(tmp_path / "bad.safetensors")


def test_the_names_of_a_list_serve_where_nothing_was_read() -> None:
    pixels = np.full((60, 200, 3), 255, np.uint8)
    pixels[20:30, 20:80] = 0
    button = Element("button", (10, 10, 100, 40), "Save as", "text")
    icon = Element("button", (110, 10, 140, 40), "Undo", "icon")
    (box,) = ListedReader([button, icon]).read(pixels)
    assert box.text == "Save as"
    assert box.rect == Rect(20, 20, 80, 30)


def test_training_learns_a_few_screens(folder: Path, tmp_path: Path) -> None:
    """Eight screens by heart, within a minute on one core."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    screens = [prepared(folder, tmp_path, n) for n in range(8)]
    model = load_model(folder)
    channel = load_channel(folder, model.hidden_size)
    assert channel is not None
    net = Pointing(model, channel, Tokenizer.from_file(str(folder / "tokenizer.json"))).train()
    trained = [p for p in net.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=3e-3)
    say, rng = OneHot().say, Random(0)

    def right() -> float:
        net.eval()
        hits = []
        for screen in screens:
            asked = asked_of(screen, Random(1), 4)
            words = [a.instruction for a in asked]
            with torch.no_grad():
                points = best_points(net(screen, words, torch.from_numpy(say(words))), screen.shape)
            hits += [Rect(*a.box).contains(p) for a, p in zip(asked, points, strict=True)]
        net.train()
        return sum(hits) / len(hits)

    before = right()
    for step in range(240):
        screen = screens[step % len(screens)]
        asked = asked_of(screen, rng, 4) + asked_of(screen, Random(1), 4)
        words = [a.instruction for a in asked]
        loss = pointer_loss(net(screen, words, torch.from_numpy(say(words))), labels_of(screen, asked))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        if step % 20 == 19 and right() >= 0.9:
            break
    assert before < 0.5 < 0.9 <= right()


def test_elements_of_a_reading_carry_their_vectors() -> None:
    label, box = text("Name", Rect(10, 10, 60, 30)), Rect(80, 8, 300, 32)
    icon = Rect(5, 50, 25, 70)
    joined = reading_of(
        Elements((box,), (icon,)), [label], OneHot().say(["Name"]), [icon], OneHot().see(np.zeros((1, 1, 3)), [icon])
    )
    assert joined.named == ((box, 0),)
    assert {p.rect for p in joined.shapes} == {box, icon}
    assert joined.look_vectors.shape == (1, SENSE)


def test_a_channel_is_carried_over_to_vectors_turned_another_way() -> None:
    torch.manual_seed(0)
    channel = ReadingChannel(32)
    old = torch.nn.functional.normalize(torch.randn(1200, SENSE), dim=1)
    turn = torch.linalg.qr(torch.randn(SENSE, SENSE))[0]
    new = old @ turn
    before = channel.said(old), channel.looks(old), channel.named(old), channel.asked(old)
    leads, fit = leading(new.numpy(), old.numpy())
    assert fit > 0.99
    carried(channel, leads, leads)
    after = channel.said(new), channel.looks(new), channel.named(new), channel.asked(new)
    for one, other in zip(before, after, strict=True):
        assert torch.nn.functional.cosine_similarity(one, other, dim=1).min() > 0.99
    with pytest.raises(BadInput, match="too few"):
        leading(new[:100].numpy(), old[:100].numpy())
