"""A contact sheet of written screens with their boxes drawn, for looking at."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image, ImageDraw

from reticle_grounding.errors import BadInput

COLORS = {True: (0, 160, 0), False: (230, 0, 0), None: (0, 90, 255)}
"""Name drawn, picture only, unknown."""


def contact_sheet(directory: Path, out: Path, columns: int = 2, most: int = 8, width: int = 960) -> None:
    """Draws the first ``most`` screens of ``directory`` with their boxes into ``out``.

    Raises BadInput when ``out`` cannot be written.
    """
    rows = [json.loads(line) for line in (directory / "screens.jsonl").read_text("utf-8").splitlines()[:most]]
    tiles = [_tile(directory, row, width) for row in rows]
    heights = [max(t.height for t in tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    sheet = Image.new("RGB", (columns * width, sum(heights)), (128, 128, 128))
    for i, tile in enumerate(tiles):
        sheet.paste(tile, (i % columns * width, sum(heights[: i // columns])))
    try:
        sheet.save(out)
    except (OSError, ValueError) as error:
        raise BadInput(f"cannot write the contact sheet {out}: {error}") from error


def _tile(directory: Path, row: dict[str, object], width: int) -> Image.Image:
    with Image.open(directory / str(row["image"])) as opened:
        picture = opened.convert("RGB")
    draw = ImageDraw.Draw(picture)
    elements = row["elements"]
    assert isinstance(elements, list)
    for element in elements:
        left, top, right, bottom = element["bbox"]
        draw.rectangle((left, top, right - 1, bottom - 1), outline=COLORS[element["text_visible"]])
    return picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)
