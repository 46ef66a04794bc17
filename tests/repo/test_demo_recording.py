"""The recording shows what was on the desktop, with waiting shortened and nothing drawn in."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageSequence

from reticle_grounding.errors import ReticleError

SCRIPT = Path(__file__).resolve().parents[2] / "packaging" / "record_demo.py"
spec = importlib.util.spec_from_file_location("record_demo", SCRIPT)
assert spec is not None
assert spec.loader is not None
demo = importlib.util.module_from_spec(spec)
sys.modules["record_demo"] = demo
spec.loader.exec_module(demo)


def desktop(box: int | None) -> Image.Image:
    image = Image.new("RGB", (320, 200), (60, 90, 115))
    if box is not None:
        ImageDraw.Draw(image).rectangle((box, 40, box + 60, 90), fill=(240, 240, 240))
    return image


def test_what_does_not_change_is_one_picture() -> None:
    film = demo.Film()
    for box in (None, None, 20, 20, 20, 120):
        film.add(desktop(box), 0.5)
    assert len(film.frames) == 3
    assert film.seconds == [1.0, 1.5, 0.5]


def test_a_caret_is_no_change_and_a_small_mark_is_one() -> None:
    caret, mark = desktop(20), desktop(20)
    ImageDraw.Draw(caret).line((30, 50, 30, 65), fill=(0, 0, 0))
    ImageDraw.Draw(mark).rectangle((30, 50, 38, 58), fill=(200, 30, 30))
    assert demo.same(desktop(20), caret)
    assert not demo.same(desktop(20), mark)


def test_gif_keeps_order_and_colours_and_shortens_waiting(tmp_path: Path) -> None:
    film = demo.Film()
    for box, seconds in ((None, 0.3), (20, 40.0), (120, 0.2)):
        film.add(desktop(box), seconds)
    demo.write_gif(film, tmp_path / "a" / "demo.gif", 160, hold_s=1.3, last_s=3.0, colours=32)
    with Image.open(tmp_path / "a" / "demo.gif") as gif:
        shown = [(frame.info["duration"], frame.convert("RGB")) for frame in ImageSequence.Iterator(gif)]
    assert [duration for duration, _ in shown] == [300, 1300, 3000]
    assert all(frame.size == (160, 100) for _, frame in shown)
    for (_, frame), box in zip(shown[1:], (20, 120), strict=True):
        inside, outside = frame.getpixel((box // 2 + 15, 32)), frame.getpixel((5, 90))
        assert min(inside) > 220
        assert max(abs(a - b) for a, b in zip(outside, (60, 90, 115), strict=True)) < 12


def test_a_film_without_pictures_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ReticleError, match="no pictures"):
        demo.write_gif(demo.Film(), tmp_path / "demo.gif", 160, 1.0, 3.0, 32)
