"""`reticle bench peer`: our path beside plain transformers, random weights of the same shapes, one run."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reticle_grounding.errors import BadInput

from .ground import JsonOption
from .output import emit_json, say, warn

if TYPE_CHECKING:
    from PIL.Image import Image

    from reticle_grounding.peer.bench import CaseResult, Spread, StepResult

SIZES = "1280x800,1920x1080"


def peer(
    models: Annotated[
        list[str] | None, typer.Argument(metavar="[METHOD:BACKBONE]...", help="Default is every published pair.")
    ] = None,
    part: Annotated[
        int, typer.Option("--part", help="Weights of 1/PART of the published layers and heads, 1 to 16.")
    ] = 8,
    sizes: Annotated[str, typer.Option("--sizes", help="Screens to draw, in pixels.")] = SIZES,
    keep: Annotated[float, typer.Option("--keep-ratio", help="Share of the patches that FocusUI keeps.")] = 0.5,
    repeats: Annotated[int, typer.Option("--repeats", min=1, help="Counted rounds after one that is not.")] = 3,
    threads: Annotated[int, typer.Option("--threads", min=1, help="Threads of each side.")] = 1,
    lean: Annotated[
        bool,
        typer.Option("--lean", help="Spare transformers the logits of the whole prompt that published code makes."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Time and memory of the first and of further instructions on one screen, beside plain transformers.

    Ends with an error when the attention of both sides is not the same.
    """
    from reticle_grounding.model.selection import check_keep_ratio
    from reticle_grounding.peer.bench import compare
    from reticle_grounding.peer.weights import KINDS, write_folder
    from reticle_grounding.training.screens import generate_screen

    wanted = [kind for kind in KINDS if not models or kind in models]
    unknown = [name for name in models or () if name not in KINDS]
    if unknown:
        raise BadInput(f"no model is called {unknown[0]}; known: {', '.join(KINDS)}")
    check_keep_ratio(keep)
    drawn: dict[str, Image] = {f"{w}x{h}": generate_screen(1, size=(w, h)).image for w, h in _sizes(sizes)}
    results: list[CaseResult] = []
    with tempfile.TemporaryDirectory(prefix="reticle-peer-") as folder:
        pictures = []
        for name, image in drawn.items():
            image.save(Path(folder) / f"{name}.png")
            pictures.append((name, Path(folder) / f"{name}.png"))
        for kind in wanted:
            warn(f"measuring {kind}, 1/{part} of its published size")
            weights = write_folder(kind, part, Path(folder) / kind.replace(":", "-"))
            share = keep if kind.startswith("focusui") else 1.0
            for result in compare(weights, pictures, share, repeats, threads, lean):
                results.append(result)
                if not as_json:
                    _print(result, head=len(results) == 1)
    if as_json:
        settings = {"part": part, "repeats": repeats, "threads": threads, "lean": lean}
        emit_json(settings | {"results": [result.to_json() for result in results]})


def _sizes(text: str) -> list[tuple[int, int]]:
    """Raises BadInput for what is no list of sizes."""
    found = []
    for word in text.split(","):
        width, cross, height = word.strip().partition("x")
        if not (cross and width.isdigit() and height.isdigit() and 320 <= int(width) <= 7680 and int(height) >= 240):
            raise BadInput(f"{word.strip()!r} is no size of a screen; say 1280x800, at least 320x240")
        found.append((int(width), int(height)))
    return found


_LINE = "{:<20} {:>10} {:>5} {:<8} {:>9} {:>9} {:>6} {:>13} {:>6} {:>9} {:>9} {:>8}"


def _print(result: CaseResult, head: bool) -> None:
    if head:
        titles = ("model", "screen", "keep", "", "plain s", "ours s", "ratio", "(of processor)", "wall")
        say(_LINE.format(*titles, "plain MB", "ours MB", "differ"))
    for name, step in result.steps.items():
        say(_LINE.format(result.model, result.picture, f"{result.keep:g}", name, *_figures(step)))


def _figures(step: StepResult) -> tuple[str, ...]:
    processor, wall = step.processor_ratio, step.wall_ratio
    assert processor is not None
    assert wall is not None
    return (
        f"{step.processor_s['plain']:.3f}",
        f"{step.processor_s['ours']:.3f}",
        _ratio(processor.middle),
        _between(processor),
        _ratio(wall.middle),
        f"{step.working['plain'] / 2**20:.0f}",
        f"{step.working['ours'] / 2**20:.0f}",
        f"{step.difference:.0e}" + (f" ({step.undecided} apart)" if step.undecided else ""),
    )


def _ratio(value: float) -> str:
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def _between(spread: Spread) -> str:
    return f"{_ratio(spread.low)}..{_ratio(spread.high)}"
