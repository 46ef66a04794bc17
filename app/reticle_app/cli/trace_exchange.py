"""`reticle trace export|import`: runs in the formats of others."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reticle_grounding.errors import BadInput

from .ground import JsonOption
from .output import emit_json, say

if TYPE_CHECKING:
    from reticle_agent.trace.export.sources import Boxes

_FORMATS = "gif, mp4, screenspot, gui-actor, datasets, osworld, agentnet, adp, ui-tars, cua or script"
_IMPORTS = "screenspot, gui-actor, osworld, agentnet or ui-tars"


def register(app: typer.Typer) -> None:
    app.command("export")(export)
    app.command("import")(import_)


def export(
    trace: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a trace.")],
    to: Annotated[str, typer.Option("--to", metavar="FORMAT", help=f"{_FORMATS}.")],
    out: Annotated[Path, typer.Option("--out", help="New file, or new or empty folder.")],
    as_json: JsonOption = False,
) -> None:
    """Write a run for others: to look at, to train on, or to do again. Exit code 2 when there is nothing to write."""
    from reticle_agent.trace.export import export_trace

    done = export_trace(trace, to, out)
    if as_json:
        emit_json(
            {"path": str(done.path), "format": done.format, done.items: done.count, "left_out": list(done.left_out)}
        )
        return
    say(f"{done.format}: {done.path}, {done.count} {done.items if done.count != 1 else done.items.removesuffix('s')}")
    for line in done.left_out:
        say(f"left out: {' '.join(line.split())}")


def import_(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="File of a run or of labels.")],
    of: Annotated[str, typer.Option("--from", metavar="FORMAT", help=f"{_IMPORTS}.")],
    out: Annotated[Path, typer.Option("--out", help="New or empty folder for the trace.")],
    images: Annotated[
        Path | None, typer.Option("--images", help="Folder of the pictures; default: beside FILE.")
    ] = None,
    boxes: Annotated[str | None, typer.Option("--boxes", help="What boxes mean: xyxy, xywh or norm.")] = None,
    record: Annotated[int | None, typer.Option("--record", min=1, help="Which run of several in FILE.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write another format's run or labels as a trace."""
    from reticle_agent.trace.export import ImportOptions, import_trace

    options = ImportOptions(images, _boxes(boxes), record)
    count = import_trace(source, of, out, options, importlib.metadata.version("reticle"))
    if as_json:
        emit_json({"trace": str(out), "format": of, "steps": count})
    else:
        say(f"trace: {out}, {count} step{'s' * (count != 1)}")


def _boxes(value: str | None) -> Boxes | None:
    known: dict[str, Boxes] = {"xyxy": "xyxy", "xywh": "xywh", "norm": "norm"}
    if value is not None and value not in known:
        raise BadInput(f"--boxes {value}: use one of {', '.join(known)}")
    return known[value] if value is not None else None
