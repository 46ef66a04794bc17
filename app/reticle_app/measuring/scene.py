"""What the window shows while it is measured: a 4K screen full of words, and an answer with nine candidates."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from reticle_grounding.geometry import Rect, Size, Transform
from reticle_grounding.types import Candidate, Grounding

PICTURE, WINDOW = Size(3840, 2160), Size(1920, 1080)
PATCH = 28
WORDS = ("Open", "Save", "Close", "Print", "Search", "Settings", "Copy", "Paste", "Find", "Replace")
ROWS, COLUMNS = 30, 10


def screenshot(size: Size = PICTURE) -> Image.Image:
    """A screen with words in frames and text-like noise between them: nothing that a copy could get cheaply."""
    random = np.random.default_rng(3)
    pixels = np.full((size.height, size.width, 3), 244, dtype=np.uint8)
    for top in range(20, size.height - 30, 72):
        pixels[top : top + 9] = np.where(random.random((9, size.width, 1)) < 0.3, 90, 244)
    image = Image.fromarray(pixels)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(26)
    for number, box in enumerate(boxes(size)):
        draw.rounded_rectangle(box.as_tuple(), 8, fill="white", outline="#b9c0ca")
        words = f"{WORDS[(number // COLUMNS + number % COLUMNS) % len(WORDS)]} {number}"
        draw.text((box.left + 20, box.top + 10), words, fill="#1a1e24", font=font)
    return image


def boxes(size: Size = PICTURE) -> list[Rect]:
    """The frames of all words that fit on a screen of this size, row by row; pixels."""
    places = [(60.0 + 370 * column, 50.0 + 68 * row) for row in range(ROWS) for column in range(COLUMNS)]
    return [Rect(x, y, x + 260, y + 52) for x, y in places if x + 260 < size.width and y + 52 < size.height]


def answer(size: Size = PICTURE, seed: int = 4, count: int = 9) -> Grounding:
    """A made answer: a map of noise with few high patches, and candidates on frames all over the screen."""
    random = np.random.default_rng(seed)
    columns, rows = -(-size.width // PATCH // 2), -(-size.height // PATCH // 2)
    attention = random.random((rows, columns)).astype(np.float32) ** 6
    attention /= attention.sum()
    places = boxes(size)
    chosen = [places[int(i)] for i in random.choice(len(places), size=count, replace=False)]
    found = tuple(Candidate(i, r.center, r, 0.9 / i, 0.1, 0.1, "text", f"word {i}") for i, r in enumerate(chosen, 1))
    transform = Transform.for_image(size, Size(columns * PATCH, rows * PATCH), PATCH)
    timings = {"read": 1900.0, "prefix": 410.0, "ground": 96.0}
    return Grounding("x", size, found, True, 0.3, attention, transform, timings, "made")
