"""What an input changed: where, in hue as well, not under our own windows, not by the pointer lying there."""

from __future__ import annotations

import numpy as np
import pytest
from agent_fakes.desk import Desk
from PIL import Image, ImageDraw

from reticle_agent.actions import Click, Drag, Hotkey, Scroll, Step, TypeText
from reticle_agent.displays import screen_transform
from reticle_agent.effects import MOST_REGIONS, change_between, changed, expectation, judge
from reticle_agent.screen import picture_sha, rectangles
from reticle_agent.seams import Frame
from reticle_grounding.geometry import Rect, Size

SIZE = Size(400, 300)
BUTTON = Rect(50, 50, 130, 80)
ELSEWHERE = Rect(250, 200, 330, 230)


def frame(*marks: tuple[Rect, str], covered: tuple[Rect, ...] = (), size: Size = SIZE) -> Frame:
    image = Image.new("RGB", (size.width, size.height), "#e8e8e8")
    draw = ImageDraw.Draw(image)
    draw.rectangle((50, 50, 129, 79), outline="#404040")
    draw.text((60, 58), "Search", fill="#101010")
    for rect, colour in marks:
        draw.rectangle((rect.left, rect.top, rect.right - 1, rect.bottom - 1), fill=colour)
    display = Desk().display
    return Frame(image, display, screen_transform(display, size), 0.0, picture_sha(image), covered)


def test_each_change_has_its_own_box_largest_first() -> None:
    change = change_between(frame(), frame((Rect(10, 10, 30, 20), "#000000"), (ELSEWHERE, "#ffffff")))
    assert change.regions == (ELSEWHERE, Rect(10, 10, 30, 20))
    assert change.share == pytest.approx((20 * 10 + 80 * 30) / SIZE.area)


def test_parts_near_to_each_other_are_one_change() -> None:
    near = [(Rect(200 + 20 * i, 100, 210 + 20 * i, 110), "#000000") for i in range(5)]
    assert change_between(frame(), frame(*near)).regions == (Rect(200, 100, 290, 110),)


def test_many_changes_are_cut_short_but_all_counted() -> None:
    spread = [(Rect(40 * i, 120, 40 * i + 4, 124), "#000000") for i in range(10)]
    change = change_between(frame(), frame(*spread))
    assert len(change.regions) == MOST_REGIONS
    assert change.share == pytest.approx(160 / SIZE.area)


def test_another_hue_of_the_same_brightness_is_a_change() -> None:
    red, green = (Rect(200, 100, 240, 140), "#c80000"), (Rect(200, 100, 240, 140), "#006600")
    before, after = frame(red), frame(green)
    greys = [np.asarray(f.image.convert("L"), dtype=int) for f in (before, after)]
    assert int(np.abs(greys[0] - greys[1]).max()) <= 12, "brightness alone would not tell"
    assert change_between(before, after).regions == (red[0],)


def test_a_text_cursor_is_none_even_beside_a_real_change() -> None:
    caret = (Rect(20, 200, 22, 214), "#000000")
    assert not changed(frame(), frame(caret))
    assert judge(frame(), frame(caret), []).effect == "no_change"
    assert change_between(frame(), frame(caret, (ELSEWHERE, "#ffffff"))).regions == (ELSEWHERE,)


def test_nothing_is_said_about_what_lay_under_own_windows() -> None:
    mark = (ELSEWHERE, "#7f7f7f")
    assert change_between(frame(), frame(mark))
    for before, after in ((frame(covered=(ELSEWHERE,)), frame(mark)), (frame(), frame(mark, covered=(ELSEWHERE,)))):
        assert not changed(before, after)
        assert judge(before, after, [BUTTON]).effect == "no_change"


@pytest.mark.parametrize(
    ("marks", "effect"),
    [
        ([], "no_change"),
        ([(Rect(60, 60, 100, 70), "#000000")], "confirmed"),
        ([(Rect(55, 82, 125, 200), "#ffffff")], "confirmed"),
        ([(ELSEWHERE, "#000000")], "changed_other"),
    ],
)
def test_effect_at_a_target(marks: list[tuple[Rect, str]], effect: str) -> None:
    assert judge(frame(), frame(*marks), [BUTTON]).effect == effect


def test_a_highlight_under_the_pointer_proves_nothing() -> None:
    def lit(brighter: int, *marks: tuple[Rect, str]) -> Frame:
        image = frame(*marks).image
        pixels = np.array(image)
        part = pixels[51:79, 51:129].astype(int) + brighter
        pixels[51:79, 51:129] = part.clip(0, 255).astype(np.uint8)
        lit_up = Image.fromarray(pixels)
        return Frame(lit_up, Desk().display, frame().transform, 0.0, picture_sha(lit_up))

    assert judge(frame(), lit(14), [BUTTON]).effect == "unverifiable"
    assert judge(frame(), lit(14, (ELSEWHERE, "#000000")), [BUTTON]).effect == "confirmed"
    tick = (Rect(112, 60, 122, 70), "#202020")
    assert judge(frame(), lit(14, tick), [BUTTON]).effect == "confirmed"


def test_another_size_is_a_change_elsewhere() -> None:
    judged = judge(frame(), frame(size=Size(410, 300)), [BUTTON])
    assert (judged.effect, judged.method) == ("changed_other", "the display changed its size")


def test_keys_are_confirmed_by_any_change() -> None:
    assert judge(frame(), frame((ELSEWHERE, "#000000")), []).effect == "confirmed"


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Click("ok"), "something at the target changes"),
        (Drag("a", "b"), "something at one of the ends changes"),
        (Scroll("down", 3), "some content moves"),
        (Scroll("down", 3, "the list"), "the content at the target moves"),
        (TypeText("x", "the field"), "text appears in the target"),
        (TypeText("x"), "text appears where the cursor is"),
        (Hotkey(("ctrl", "s")), "something changes"),
    ],
)
def test_what_is_expected(step: Step, words: str) -> None:
    assert expectation(step) == words


def test_rectangles_cover_a_mask_exactly_and_only_once() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        mask = np.zeros((30, 40), dtype=np.bool_)
        for _ in range(4):
            x, y = int(rng.integers(0, 38)), int(rng.integers(0, 28))
            mask[y : y + int(rng.integers(1, 15)), x : x + int(rng.integers(1, 15))] = rng.random() < 0.8
        count = np.zeros(mask.shape, dtype=int)
        for r in rectangles(mask):
            count[int(r.top) : int(r.bottom), int(r.left) : int(r.right)] += 1
        assert (count == mask).all()
