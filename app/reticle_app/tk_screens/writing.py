"""Writes screens of Tk in the layout of captured ones: ``images/NNNNN.webp`` and ``screens.jsonl``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from reticle_agent.session import virtual_desktop
from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Size


def write_screens(
    out: Path, seed: int, count: int, progress: Callable[[int, int], None] | None = None
) -> dict[str, object]:
    """Draws ``count`` screens from ``seed`` on into ``out``, on a virtual display, and returns statistics of them.

    Raises BadInput when ``out`` cannot be written or Python has no Tk, ReticleError without a virtual display.
    """
    try:
        from .screen import LARGEST
    except ImportError as error:
        raise BadInput(
            f"this Python has no Tk ({error}): install it, on Debian with `apt install python3-tk`"
        ) from error
    try:
        (out / "images").mkdir(parents=True, exist_ok=True)
        with virtual_desktop(Size(*LARGEST), session_bus=False):
            return _write(out, seed, count, progress)
    except OSError as error:
        raise BadInput(f"cannot write screens to {out}: {error}") from error


def _write(out: Path, seed: int, count: int, progress: Callable[[int, int], None] | None) -> dict[str, object]:
    from .screen import make_screen

    counts: dict[str, Counter[str]] = {name: Counter() for name in ("theme", "font", "size", "role")}
    elements = dark = 0
    with (out / "screens.jsonl").open("w", encoding="utf-8") as rows:
        for i in range(count):
            screen = make_screen(seed + i)
            name = f"images/{i:05d}.webp"
            screen.image.save(out / name, lossless=True, quality=20, method=1)
            wide, high = screen.image.size
            row = {
                "image": name,
                "width": wide,
                "height": high,
                "app": screen.app,
                "toolkit": "tk-generated",
                "theme": screen.look.name,
                "dark": screen.look.dark,
                "icon_theme": "",
                "font": screen.look.family,
                "font_pt": screen.look.points,
                "scale": 1,
                "elements": [p.row() for p in sorted(screen.placed, key=lambda p: (p.box[1], p.box[0]))],
            }
            rows.write(json.dumps(row, ensure_ascii=False) + "\n")
            elements, dark = elements + len(screen.placed), dark + screen.look.dark
            facts = {"theme": screen.look.name, "font": screen.look.family, "size": f"{wide}x{high}"}
            for kind, value in facts.items():
                counts[kind][value] += 1
            counts["role"].update(p.role for p in screen.placed)
            if progress:
                progress(i + 1, count)
    counted = {name: dict(counter.most_common()) for name, counter in counts.items()}
    return {"screens": count, "elements": elements, "dark": round(dark / count, 3), **counted}
