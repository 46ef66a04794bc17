"""`reticle bench needles`: whether planted heads fetch a value from any depth of a trace under each pattern."""

from __future__ import annotations

from typing import Annotated

import typer

from reticle_grounding.errors import BadInput

from .bench_prefill import numbers, print_columns
from .ground import JsonOption
from .output import emit_json, warn


def needles(
    frames: Annotated[str, typer.Option("--frames", help="Screenshots in the trace, say 4,8,16,32.")] = "4,8,16",
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Haystacks per length and depth.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Look for planted needles under each attention pattern, on the processor."""
    from reticle_kernels.benchmark.needles import haystack, measure_needles, summary

    wanted = numbers(frames, "frames")
    try:
        for many in wanted:
            haystack(many, 0.0, 0)
    except ValueError as error:
        raise BadInput(str(error)) from error
    document = measure_needles(wanted, seeds=seeds, notice=warn)
    if as_json:
        emit_json(document)
        return
    depths = sorted({result["depth"] for result in document["results"]})
    heads = ("pattern", "tokens", "density", *document["kinds"], *(f"at {depth:.0%}" for depth in depths))
    rows = [
        (
            line["pattern"],
            str(line["length"]),
            f"{line['density']:.1%}",
            *(f"{share:.0%}" for share in line["found"]),
            *(f"{line['by_depth'][depth]:.0%}" for depth in depths),
        )
        for line in summary(document)
    ]
    print_columns(heads, rows)
