"""`reticle data tk`: screens of real Tk widgets with the boxes of everything visible on them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .data_qt import tell_statistics
from .ground import JsonOption
from .output import progress_bar


def tk(
    out: Annotated[Path, typer.Argument(help="Folder to write: images/ and screens.jsonl.")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="Screens to draw.")] = 100,
    seed: Annotated[int, typer.Option("--seed", help="First seed; the same seed gives the same screens.")] = 0,
    sheet: Annotated[Path | None, typer.Option("--sheet", help="Picture of the first screens with boxes.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Draw screens of real Tk widgets, in the layout of captured screens (for `reticle train --captured`).

    Drawn on a virtual display of their own; nothing shows on yours.
    """
    from reticle_app.generator.sheet import contact_sheet
    from reticle_app.tk_screens.writing import write_screens

    with progress_bar("screens") as progress:
        statistics = write_screens(out, seed, count, progress)
    if sheet is not None:
        contact_sheet(out, sheet)
    tell_statistics(out, seed, statistics, as_json)
