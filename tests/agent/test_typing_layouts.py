"""Text arrives exactly whatever the keyboard layout, Caps Lock included."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from reticle_agent.actions import ClickAt, EnterText, PressKeys
from reticle_agent.actuator import open_actuator
from reticle_agent.keyboard import Layout
from reticle_agent.stop import StopToken
from reticle_agent.x11 import X11
from reticle_grounding.errors import BadInput

if TYPE_CHECKING:
    from conftest import Pad

TEXT = "zy-ZY? a@b.c {x} [1] \\ | ~ ^ ` 'q' äöüß é €5 <tag/> #&%"


@pytest.fixture
def layout(x_display: str, request: pytest.FixtureRequest) -> Iterator[str]:
    name = str(request.param)
    subprocess.run(["setxkbmap", name], check=True)
    time.sleep(0.3)  # applications read the new layout
    yield name
    subprocess.run(["setxkbmap", "us"], check=True)
    time.sleep(0.3)


@pytest.mark.parametrize("layout", ["us", "de", "fr", "ru", "us,ru"], indirect=True)
def test_text_arrives_with_any_layout(pad: Pad, layout: str) -> None:
    actuator = open_actuator(StopToken())
    actuator.perform(ClickAt((500, 350)))
    pad.ask(clear=True)
    actuator.perform(EnterText(TEXT))
    assert pad.text(TEXT) == TEXT
    pad.ask(clear=True)
    actuator.perform(EnterText("plain words 123"))
    assert pad.text("plain words 123") == "plain words 123"
    actuator.close()


def test_caps_lock_does_not_turn_the_case(pad: Pad) -> None:
    actuator = open_actuator(StopToken())
    actuator.perform(ClickAt((500, 350)))
    pad.ask(clear=True)
    actuator.perform(PressKeys(("capslock",)))
    actuator.perform(EnterText("Mixed CASE 1!"))
    assert pad.text("Mixed CASE 1!") == "Mixed CASE 1!"
    actuator.perform(PressKeys(("capslock",)))
    actuator.close()


@pytest.mark.parametrize("layout", ["us"], indirect=True)
def test_us_layout_has_no_umlauts(layout: str) -> None:
    connection = X11()
    us = Layout.read(connection)
    assert us.stroke("a") is not None
    assert us.stroke("ä") is None
    assert us.stroke("😀") is None
    a, upper = us.stroke("a"), us.stroke("A")
    assert a is not None
    assert upper is not None
    assert (a.code, a.modifiers) == (upper.code, ())
    assert len(upper.modifiers) == 1
    assert us.key("?").modifiers == upper.modifiers
    with pytest.raises(BadInput, match="no key 'ж'"):
        us.key("ж")
    connection.close()


@pytest.mark.parametrize("layout", ["de"], indirect=True)
def test_german_layout_has_them_and_types_signs_with_altgr(layout: str) -> None:
    connection = X11()
    de = Layout.read(connection)
    for char in "äöüß€@{}\\":
        assert de.stroke(char) is not None, char
    y, z = de.stroke("y"), de.stroke("z")
    connection.close()
    assert y is not None
    assert z is not None
    assert (y.code, z.code) == (52, 29), "the keys of y and z are swapped"
