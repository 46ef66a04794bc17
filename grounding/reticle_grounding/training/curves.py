"""Loss curves as a picture."""

from __future__ import annotations

import csv
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

PANELS = (("loss", "reading", "pointer"), ("characters", "icons", "hit"))
INKS = ((31, 119, 180), (255, 127, 14), (44, 160, 44))
WIDTH, HEIGHT, MARGIN = 900, 300, 46


def draw_curves(table: Path, out: Path) -> Path:
    """Reads a ``curves.csv`` and draws losses above and accuracies below, over minutes."""
    with table.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    image = Image.new("RGB", (WIDTH, HEIGHT * len(PANELS)), "white")
    draw = ImageDraw.Draw(image)
    for i, names in enumerate(PANELS):
        _panel(draw, i * HEIGHT, rows, names)
    image.save(out)
    return out


def _panel(draw: ImageDraw.ImageDraw, top: int, rows: list[dict[str, str]], names: tuple[str, ...]) -> None:
    font = ImageFont.load_default(12)
    minutes = [float(r["seconds"]) / 60 for r in rows]
    series = {n: [float(r[n]) if r.get(n) else None for r in rows] for n in names}
    highest = max([v for values in series.values() for v in values if v is not None], default=1.0) or 1.0
    end = max(minutes, default=1.0) or 1.0
    box = (MARGIN, top + 10, WIDTH - 10, top + HEIGHT - 26)
    draw.rectangle(box, outline=(160, 160, 160))
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y, x = box[3] - share * (box[3] - box[1]), box[0] + share * (box[2] - box[0])
        draw.text((4, y - 7), f"{share * highest:.2f}", "black", font)
        draw.text((min(x - 10, WIDTH - 44), box[3] + 6), f"{share * end:.0f} min", "black", font)
    for i, (name, values) in enumerate(series.items()):
        points = [
            (box[0] + m / end * (box[2] - box[0]), box[3] - v / highest * (box[3] - box[1]))
            for m, v in zip(minutes, values, strict=True)
            if v is not None
        ]
        if len(points) > 1:
            draw.line(points, INKS[i], 2)
        draw.text((box[2] - 110, box[1] + 8 + 16 * i), name, INKS[i], font)
