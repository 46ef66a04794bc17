"""`reticle bench prefill`: sparse prefill beside dense attention, at the patterns and lengths of the papers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from reticle_grounding.errors import BadInput

from .ground import JsonOption
from .output import emit_json, say, warn


class Device(str, Enum):
    cpu = "cpu"
    cuda = "cuda"


class Sizes(str, Enum):
    embedded = "embedded"
    b3 = "3b"
    b7 = "7b"


def prefill(
    device: Annotated[Device, typer.Option("--device", help="Where to measure.")] = Device.cpu,
    lengths: Annotated[
        str | None, typer.Option("--lengths", help="Tokens, say 4096,16384; 4k to 64k on cpu, 4k to 1M on cuda.")
    ] = None,
    sizes: Annotated[
        Sizes | None,
        typer.Option("--sizes", help="Whose sizes: the embedded model's (on cpu), Qwen2.5-VL-3B's or 7B's (on cuda)."),
    ] = None,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Calls per time; the median counts.")] = 3,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the random inputs and weights.")] = 0,
    whole_model: Annotated[
        bool, typer.Option("--end-to-end", help="Also run all layers of the model with random weights.")
    ] = False,
    patience: Annotated[
        float,
        typer.Option("--patience", min=0.0, help="Seconds a dense pass may last before longer lengths are left out."),
    ] = 120.0,
    patterns: Annotated[
        list[str] | None,
        typer.Option("--pattern", help="Only patterns whose names begin so; may be repeated."),
    ] = None,
    dense_once: Annotated[
        bool,
        typer.Option("--dense-once", help="On cpu, time dense attention once per length, not beside each pattern."),
    ] = False,
    save: Annotated[
        Path | None, typer.Option("--save", help="File for the JSON document as well, kept up to date.")
    ] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="PNG of the speed-ups over length.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Time sparse prefill beside dense attention, and check it against float64 on sampled rows."""
    from reticle_kernels.benchmark.measure import Request, measure
    from reticle_kernels.benchmark.picture import check_picture, draw_speedups

    request = Request(
        device=device.value,
        lengths=() if lengths is None else numbers(lengths, "lengths"),
        shape=sizes.value if sizes else None,
        rounds=rounds,
        seed=seed,
        whole_model=whole_model,
        longest_s=patience,
        patterns=tuple(patterns or ()),
        dense_once=dense_once,
    )
    try:
        request.check()
        if plot is not None:
            check_picture(plot)
    except ValueError as error:
        raise BadInput(str(error)) from error
    if save is not None and not save.absolute().parent.is_dir():
        raise BadInput(f"{save}: there is no folder {save.parent}")
    document = measure(request, warn, lambda so_far: None if save is None else _write(so_far, save))
    if not document["results"]:
        raise BadInput("nothing was measured: every length was left out, for the reasons above")
    if save is not None:
        _write(document, save)
    if plot is not None:
        draw_speedups(document, plot)
    if as_json:
        emit_json(document)
    else:
        _table(document)


def numbers(given: str, what: str) -> tuple[int, ...]:
    """Whole numbers with commas between. Raises BadInput naming the option."""
    try:
        return tuple(int(part) for part in given.split(","))
    except ValueError as error:
        raise BadInput(f"{what} are {given!r}, expected whole numbers with commas between, say 4,16") from error


def _write(document: Mapping[str, Any], path: Path) -> None:
    try:
        path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise BadInput(f"cannot write {path}: {error.strerror or error}") from error


def _table(document: Mapping[str, Any]) -> None:
    say(f"{document['device']}; " + ", ".join(f"{name} {version}" for name, version in document["versions"].items()))
    heads = ("pattern", "tokens", "density", "dense ms", "sparse ms", "faster", "error")
    rows = [
        (
            line["pattern"],
            f"{line['length']}",
            f"{line['density']:.1%}",
            f"{line['dense_ms']:.1f}",
            f"{line['sparse_ms']:.1f}",
            f"{line['speedup']:.2f}x",
            "-" if line["max_rel_error"] is None else f"{line['max_rel_error']:.1e}",
        )
        for line in document["results"]
    ]
    print_columns(heads, rows)


def print_columns(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """The first column to the left, the others to the right."""
    widths = [max(len(row[n]) for row in (heads, *rows)) for n in range(len(heads))]
    for row in (heads, *rows):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        say("  ".join(cells))
