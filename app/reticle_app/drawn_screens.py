"""Drawn screens in the layout of captured ones (``images``, ``screens.jsonl``), whatever toolkit drew them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

Row = dict[str, Any]
"""A line of ``screens.jsonl``."""


def element_row(
    role: str,
    name: str,
    box: Sequence[int],
    states: Sequence[str],
    shown: bool | None,
    description: str = "",
    label: str = "",
    value: str = "",
) -> Row:
    """An element as in captured screens; ``label`` and ``value`` only where there are any.

    Args:
        box: left, top, right, bottom in pixels of the screen, the last two exclusive.
        shown: whether its name is written on it; None where that is unknown.
    """
    made: Row = {
        "role": role,
        "name": name,
        "description": description,
        "bbox": list(box),
        "states": list(states),
        "text_visible": shown,
    }
    return made | ({"label": label} if label else {}) | ({"value": value} if value else {})


def write_rows(
    out: Path,
    screens: Iterable[tuple[Image.Image, Row]],
    count: int,
    facts: Sequence[str],
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, object]:
    """Writes ``count`` screens (an RGB picture, and its row less ``image``, ``width`` and ``height``) into ``out`` and
    returns statistics of them: totals, the share of dark ones, and counts, commonest first.

    Args:
        facts: keys of the rows that are counted; ``size``, ``role`` and ``text_visible`` are counted, too.
        progress: called with (screens done, all).

    Raises OSError when ``out`` cannot be written.
    """
    (out / "images").mkdir(parents=True, exist_ok=True)
    counts: dict[str, Counter[str]] = {name: Counter() for name in (*facts, "size", "role", "text_visible")}
    elements = dark = done = 0
    with (out / "screens.jsonl").open("w", encoding="utf-8") as rows:
        for picture, described in screens:
            wide, high = picture.size
            row: Row = {"image": f"images/{done:05d}.webp", "width": wide, "height": high, **described}
            picture.save(out / row["image"], lossless=True, quality=20, method=1)
            rows.write(json.dumps(row, ensure_ascii=False) + "\n")
            _count(counts, row, facts)
            elements, dark, done = elements + len(row["elements"]), dark + row["dark"], done + 1
            if progress:
                progress(done, count)
    counted = {name: dict(counter.most_common()) for name, counter in counts.items()}
    return {"screens": done, "elements": elements, "dark": round(dark / max(1, done), 3), **counted}


def _count(counts: Mapping[str, Counter[str]], row: Row, facts: Sequence[str]) -> None:
    for name in facts:
        counts[name][f"{row[name]:g}" if isinstance(row[name], float | int) else row[name]] += 1
    counts["size"][f"{row['width']}x{row['height']}"] += 1
    counts["role"].update(e["role"] for e in row["elements"])
    counts["text_visible"].update(str(e["text_visible"]).lower() for e in row["elements"])
