"""Writes screens of Tk in the layout of captured ones: ``images/NNNNN.webp`` and ``screens.jsonl``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from reticle_agent.session import virtual_desktop
from reticle_app.drawn_screens import write_rows
from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Size

FACTS = ("theme", "font")
"""What statistics count of each screen."""


def write_screens(
    out: Path, seed: int, count: int, progress: Callable[[int, int], None] | None = None
) -> dict[str, object]:
    """Draws ``count`` screens from ``seed`` on into ``out``, on a virtual display, and returns statistics of them.

    Raises BadInput when ``out`` cannot be written or Python has no Tk, ReticleError without a virtual display.
    """
    try:
        from .screen import LARGEST, make_screen
    except ImportError as error:
        raise BadInput(
            f"this Python has no Tk ({error}): install it, on Debian with `apt install python3-tk`"
        ) from error
    drawn = (make_screen(seed + i) for i in range(count))
    try:
        with virtual_desktop(Size(*LARGEST), session_bus=False):
            return write_rows(out, ((screen.image, screen.row()) for screen in drawn), count, FACTS, progress)
    except OSError as error:
        raise BadInput(f"cannot write screens to {out}: {error}") from error
