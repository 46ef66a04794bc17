"""`reticle prefill search MODEL`: find the attention pattern of each head, for long histories."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reticle_app.config import load_settings
from reticle_app.models.choice import chosen_model
from reticle_grounding.errors import BadInput

from .ground import JsonOption
from .output import emit_json, progress_bar, say

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Sparse attention to long histories: which head follows what."
)


@app.command()
def search(
    model: Annotated[
        Path | None,
        typer.Argument(help="Model folder, or a name from `reticle models list`; default is the embedded model."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write; default is prefill.json in the model's folder.")
    ] = None,
    frames: Annotated[
        str, typer.Option("--frames", help="Numbers of screenshots at which prefills are looked at.")
    ] = "5,10,20,35,50",
    traces: Annotated[int, typer.Option("--traces", min=1, max=20, help="Generated traces.")] = 1,
    keys: Annotated[
        int, typer.Option("--keys", min=128, help="Cost of every pattern: that of an A-shape of so many keys a row.")
    ] = 1536,
    size: Annotated[str, typer.Option("--size", help="WIDTHxHEIGHT of the screenshots.")] = "800x512",
    as_json: JsonOption = False,
) -> None:
    """Assign each head the pattern with the least output error at equal cost, on generated screenshot traces."""
    from reticle_grounding.prefill_search import check_search, find_patterns

    at, pixels = _numbers("--frames", frames, ","), _numbers("--size", size, "x")
    if len(pixels) != 2 or min(pixels) < 200:
        raise BadInput(f"--size {size}: WIDTHxHEIGHT of at least 200x200 is expected")
    folder = chosen_model(model, load_settings())
    if folder is None:
        from reticle_grounding.assets import embedded_model_dir

        folder = embedded_model_dir()
    check_search(at, folder, out)
    with progress_bar("search") as progress:
        path, told = find_patterns(
            folder, out, frames=at, traces=traces, keys=keys, size=(pixels[0], pixels[1]), progress=progress
        )
    if as_json:
        emit_json({"file": str(path), **told})
        return
    for title, error in sorted(told["mean_error"].items(), key=lambda pair: pair[1]):
        say(f"{error:8.1%}  {told['heads_per_candidate'].get(title, 0):3} heads  {title}")
    say(f"{told['mean_error_assigned']:8.1%}  output error with the best of each head")
    say(f"written: {path}")


def _numbers(option: str, text: str, between: str) -> list[int]:
    parts = text.split(between)
    if not all(part.strip().isdecimal() for part in parts):
        raise BadInput(f"{option} {text}: whole numbers with {between!r} between them are expected")
    return [int(part) for part in parts]
