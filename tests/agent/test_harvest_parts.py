"""The parts of a harvest that need no desktop: the growing set, ink, scales."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from reticle_agent.harvest.desktop import Desktop, SeenWindow, place
from reticle_agent.harvest.details import is_secret
from reticle_agent.harvest.ink import Ink, is_drawn, measure, shows_name
from reticle_agent.harvest.store import ElementRow, Store
from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Rect

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
WRITER = """
import sys
from pathlib import Path
from PIL import Image
from reticle_agent.harvest.store import Store
store = Store(Path(sys.argv[1]))
print("ready", flush=True)
while True:
    picture = Image.effect_noise((200, 200), 90).convert("RGB")
    store.add(picture, app="a", state="window", toolkit="t", scale=1, elements=[])
"""


def add(store: Store, name: str) -> Path:
    row = ElementRow(role="label", name=name, description="", bbox=[0, 0, 9, 9], states=[], text_visible=True)
    picture = Image.new("RGB", (20, 10), "red")
    return store.add(picture, app="sample", state="window", toolkit="Qt 6", scale=1.0, elements=[row])


def names(folder: Path) -> list[str]:
    lines = (folder / "screens.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["elements"][0]["name"] for line in lines]


def test_a_set_goes_on_where_it_ended(tmp_path: Path) -> None:
    store = Store(tmp_path)
    add(store, "one")
    store.close()
    with (tmp_path / "screens.jsonl").open("a") as file:
        file.write('{"image": "images/00002')
    store = Store(tmp_path)
    assert add(store, "zwei — 二").name == "00002.webp"
    store.close()
    assert names(tmp_path) == ["one", "zwei — 二"]


def test_one_harvest_at_a_time(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(BadInput, match="another harvest"):
        Store(tmp_path)
    store.close()
    Store(tmp_path).close()


def test_a_folder_that_cannot_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot write to"):
        Store(tmp_path / "file")


def test_a_killed_harvest_leaves_a_readable_set(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    lines = tmp_path / "screens.jsonl"
    deadline = time.monotonic() + 20
    while lines.read_text().count("\n") < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    process.stdout.close()
    rows = [json.loads(line) for line in lines.read_text().splitlines()]
    assert len(rows) >= 3
    for row in rows:
        assert Image.open(tmp_path / row["image"]).convert("RGB").size == (row["width"], row["height"])


def button(text: str, icon: bool) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """A button of 24 rows; the text in a 12-px font, the icon a disc of 18 px."""
    image = Image.new("RGB", (110, 24), "#eeeeee")
    draw = ImageDraw.Draw(image)
    if icon:
        draw.ellipse((4, 3, 22, 21), fill="#205080")
    draw.text((28, 4), text, font=ImageFont.truetype(FONT, 12), fill="black")
    return np.asarray(image)


@pytest.mark.skipif(not Path(FONT).exists(), reason=f"{FONT} is not installed")
def test_an_icon_is_told_from_a_name() -> None:
    assert shows_name("push button", "Save as", measure(button("Save as", icon=False)), 13.0) is True
    assert shows_name("push button", "Save as", measure(button("Save as", icon=True)), 13.0) is True
    assert shows_name("push button", "Save as", measure(button("", icon=True)), 13.0) is False
    assert shows_name("push button", "Cut", measure(button("", icon=True)), 13.0) is False
    assert shows_name("push button", "", measure(button("", icon=True)), 13.0) is None
    assert not is_drawn(button("", icon=False))
    assert measure(button("", icon=False)) == Ink(0, 0)


def window(title: str, rect: Rect, client: Rect) -> SeenWindow:
    return SeenWindow(1, rect, 2, client, 7, title, (), active=True, furniture=False)


def desktop(*windows: SeenWindow) -> Desktop:
    return Desktop((1280, 800), windows, np.zeros((800, 1280), dtype=np.int16))


def test_units_become_pixels_at_any_scale() -> None:
    """Figures as real programs gave them: Qt at 1.5 tells its client, GTK at 2 its frame, both in rounded units."""
    qt = desktop(window("Untitled 1 - JuffEd", Rect(351, 120, 929, 679), Rect(352, 142, 928, 674)))
    placement = place(qt, 7, "Untitled 1 - JuffEd", (235, 95, 384, 355))
    assert placement is not None
    assert placement.scale == 1.5
    assert placement.box((235, 95, 384, 355))[2:] == pytest.approx((928, 674), abs=1)
    gtk = desktop(window("Calculator", Rect(219, 134, 1061, 665), Rect(220, 156, 1060, 664)))
    placement = place(gtk, 7, "Calculator", (109, 67, 422, 266))
    assert placement is not None
    assert placement.box((110, 78, 420, 254)) == (220, 156, 1060, 664)


def test_a_window_of_another_size_or_program_is_not_taken() -> None:
    seen = desktop(window("Calculator", Rect(0, 0, 400, 300), Rect(0, 0, 400, 300)))
    assert place(seen, 7, "Calculator", (0, 0, 333, 300)) is None
    assert place(seen, 8, "Calculator", (0, 0, 400, 300)) is None


@pytest.mark.parametrize(
    ("role", "text", "secret"),
    [
        ("password text", "", True),
        ("text", "Your Password:", True),
        ("text", "Name", False),
        ("spin button", "Age", False),
    ],
)
def test_what_is_secret(role: str, text: str, secret: bool) -> None:
    assert is_secret(role, text) is secret
