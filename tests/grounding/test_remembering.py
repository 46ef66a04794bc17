"""A grounder of one run: what it remembers, what it takes back, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from reticle_grounding.calibration import load_calibration
from reticle_grounding.errors import BadInput
from reticle_grounding.model.history import History
from reticle_grounding.model.pointer_model import PointerModel
from reticle_grounding.options import GroundingConfig
from reticle_grounding.predictor import Grounder
from reticle_grounding.remembering import RememberingSource, remembering, save_past
from reticle_grounding.second_look import SecondLookRule
from reticle_grounding.sources import PointerSource


def shown(number: int) -> Image.Image:
    image = Image.new("RGB", (168, 112), "white")
    ImageDraw.Draw(image).rectangle((2, 2, 10 + 9 * number, 20), fill="navy")
    return image


class NoReader:
    def read(self, *_: object) -> list[object]:
        return []


@pytest.fixture(scope="module")
def model(tiny_folder) -> PointerModel:
    return PointerModel.open(tiny_folder("qwen2_5_vl"))


def plain(model: PointerModel, **config: object) -> Grounder:
    return Grounder(PointerSource(model), NoReader(), load_calibration(), GroundingConfig(reading="off", **config))


def test_what_was_asked_is_remembered_and_what_was_not_is_taken_back(model):
    source = RememberingSource(model, most=4)
    by_hand = History(model)
    first = source.look(shown(0))
    first.attend("open it")
    first.attend("save the file")
    source.look(shown(1))  # looked at, never asked about
    third = source.look(shown(2))
    ours = third.attend("close it")

    by_hand.see(shown(0))
    by_hand.settle("save the file")
    by_hand.see(shown(2))
    np.testing.assert_allclose(ours, by_hand.ask("close it"), atol=1e-6)
    assert source.history.length == by_hand.length
    alone = model.attend(model.encode(shown(2)), "close it")
    assert np.abs(ours - alone).max() > 1e-5, "the past has a say"
    old = first.attend("open it")
    np.testing.assert_allclose(old, model.attend(model.encode(shown(0)), "open it"), atol=1e-6)
    np.testing.assert_allclose(third.attend("close it"), ours, atol=1e-6)


def test_a_grounder_with_a_history_saves_it_and_goes_on(model, tmp_path):
    grounder = plain(model)
    past = remembering(grounder, most=2)
    assert not save_past(past, tmp_path / "history"), "nothing was seen yet"
    for number in range(2):
        answer = past.observe(shown(number)).ground("the bar")
    assert answer.attention.sum() == pytest.approx(1, abs=1e-4)
    assert isinstance(grounder.source, PointerSource), "the given one is left as it was"
    assert save_past(past, tmp_path / "history")
    again = remembering(grounder, 2, folder=tmp_path / "history")
    for each in (past, again):
        each.attention = each.observe(shown(3)).ground("the bar").attention
    np.testing.assert_allclose(past.attention, again.attention, atol=1e-6)
    np.testing.assert_array_equal(again.source.history.tokens.frames, [0, 1, 2])


def test_what_cannot_keep_a_history_is_refused(model, tmp_path):
    grounder = plain(model)
    with pytest.raises(BadInput, match="keeps no history"):
        save_past(grounder, tmp_path)
    with pytest.raises(BadInput, match="second look"):
        remembering(plain(model, second_look=SecondLookRule()), 2)
    with pytest.raises(BadInput, match="no pointer model"):
        remembering(plain(model, attention=False), 2)
    with pytest.raises(BadInput, match="history of 0 screenshots"):
        remembering(grounder, 0)
    with pytest.raises(BadInput, match=r"cannot read .*history\.json"):
        remembering(grounder, 2, folder=tmp_path)
    tight = remembering(grounder, 2, budget=1000)
    with pytest.raises(BadInput, match="allow at least"):
        tight.observe(shown(0)).ground("the bar")
