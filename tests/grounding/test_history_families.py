"""Histories of other families, of a limited number of screenshots, and taking the newest back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from reticle_grounding.errors import BadInput
from reticle_grounding.model.attention_rows import Rows
from reticle_grounding.model.gui_aima import AimaScreen
from reticle_grounding.model.history import History
from reticle_grounding.model.history_files import load_history, save_history
from reticle_grounding.model.pointer_model import PointerModel

WORDS = ("save the file", "open it")
PATCHES = 24


def shown(number: int) -> Image.Image:
    """A bar that grows with the number, above what never changes."""
    image = Image.new("RGB", (168, 112), "white")
    pen = ImageDraw.Draw(image)
    pen.ellipse((90, 60, 150, 105), fill="orange")
    pen.rectangle((2, 2, 10 + 9 * (number % 5), 20), fill="navy")
    return image


@pytest.fixture
def aima(tiny_folder) -> PointerModel:
    return PointerModel.open(tiny_folder("gui_aima:qwen2_5_vl"))


@pytest.fixture
def one(tiny_folder) -> PointerModel:
    return PointerModel.open(tiny_folder("qwen2_5_vl"))


def aima_anew(model: PointerModel, words: str) -> np.ndarray:
    """The second screenshot's map from one forward over the whole prompt, nothing cached."""
    runner, module, method = model.runner, model.module, model.method
    views = [runner.view(shown(n), model.processor, {}) for n in range(2)]
    ids = runner.opening(PATCHES) + runner.question(WORDS[0]) + runner.tokenizer.markup(runner.profile.answer_end)
    before = len(ids)
    ids += runner.tokenizer.before("<|im_end|>\n<|im_start|>user\n<|vision_start|><|image_pad|>", PATCHES)
    question = runner.question(words)
    whole = runner.ids(ids + question)
    pads = (whole[0] == module.image_token_id).nonzero().flatten()
    patches = slice(int(pads[PATCHES]), int(pads[-1]) + 1)
    assert before < patches.start
    count = method.weighting.words(method._word_count(runner.ids(question)))
    rows = Rows([*(patches.stop + i for i in range(count)), whole.shape[1] - 1], patches)
    states: list[torch.Tensor] = []
    visual, grid = torch.cat([v.sight.merged for v in views]), torch.cat([v.grid for v in views])
    with torch.inference_mode(), method._layers(states, slice(patches.start, patches.stop + count)):
        module.decode(module.embed(whole, visual), module.positions(whole, grid), rows=rows)
    nearness = torch.stack([s[PATCHES:] @ s[:PATCHES].sum(0) for s in states])
    return method._map(torch.stack(rows.layers), nearness).reshape(4, 6).numpy()


def test_gui_aima_on_a_history_equals_the_whole_prompt(aima):
    history = History(aima)
    history.see(shown(0))
    alone = history.ask(WORDS[0])
    np.testing.assert_allclose(alone, aima.attend(aima.encode(shown(0)), WORDS[0]), atol=1e-5)
    np.testing.assert_allclose(history.settle(WORDS[0]), alone, atol=1e-5)
    history.see(shown(1))
    np.testing.assert_allclose(history.ask(WORDS[1]), aima_anew(aima, WORDS[1]), atol=1e-5)
    assert np.abs(history.ask(WORDS[1]) - aima.attend(aima.encode(shown(1)), WORDS[1])).max() > 1e-5


def test_gui_aima_finds_its_patches_after_compaction_and_loading(aima, tiny_folder, tmp_path):
    history = History(aima)
    history.see(shown(0))
    history.settle(WORDS[0])
    history.see(shown(1))
    place = history.screen.patches
    assert history.compact() > 0
    moved = history.screen.patches
    assert moved.start < place.start
    assert moved.stop - moved.start == PATCHES
    assert history.tokens.step[moved].unique().tolist() == [1]
    save_history(history, tmp_path)
    again = load_history(PointerModel.open(tiny_folder("gui_aima:qwen2_5_vl")), tmp_path)
    assert isinstance(again.screen, AimaScreen)
    np.testing.assert_allclose(again.ask(WORDS[1]), history.ask(WORDS[1]), atol=1e-6)


def test_focusui_without_dropping_keeps_a_history(tiny_folder):
    model = PointerModel.open(tiny_folder("focusui:qwen2_5_vl"))
    history = History(model)
    history.see(shown(0))
    expected = model.attend(model.encode(shown(0)), "save")
    np.testing.assert_allclose(history.ask("save"), expected, atol=1e-5)


def test_only_so_many_screenshots_are_remembered(one):
    history = History(one, most=2)
    for number in range(5):
        history.see(shown(number))
        assert history.tokens.frames == list(range(max(0, number - 2), number + 1))
        assert int((history.tokens.step < 0).sum()) == int((history.tokens.step[:64] < 0).sum()) > 0
        history.settle("save")
    assert [shot.kept for shot in history.shots] == [0, 0, PATCHES, PATCHES, PATCHES]
    with pytest.raises(BadInput, match="history of 0 screenshots"):
        History(one, most=0)


def test_the_newest_screenshot_can_be_taken_back(one):
    history = History(one)
    with pytest.raises(BadInput, match="no newest screenshot"):
        history.forget_newest()
    history.see(shown(0))
    history.settle("save")
    other = history.fork()
    history.see(shown(3))
    history.forget_newest()
    assert (history.length, history.next_position, history.answered) == (other.length, other.next_position, True)
    for each in (history, other):
        each.see(shown(1))
    np.testing.assert_allclose(history.ask("open"), other.ask("open"), atol=1e-6)
    assert [shot.number for shot in history.shots] == [0, 1]
    history.forget_newest()
    with pytest.raises(BadInput, match="no newest screenshot"):
        history.forget_newest()
