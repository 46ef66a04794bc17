"""`reticle data harvest`: running applications become a private, local training set."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .ground import JsonOption
from .output import emit_json, say

if TYPE_CHECKING:
    from reticle_agent.harvest.take import Harvested

STOPPED = 130


def harvest(
    out: Annotated[Path, typer.Argument(help="Folder to write or to go on with: images/ and screens.jsonl.")],
    app: Annotated[
        str | None, typer.Option("--app", help="Only this program; nothing else will be in the pictures.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option("--exclude", help="Paint over and never read this program; may be repeated.")
    ] = None,
    windows: Annotated[
        bool, typer.Option("--windows", help="One picture per window instead of one per monitor or program.")
    ] = False,
    seconds: Annotated[float | None, typer.Option("--seconds", min=0, help="Stop after so long.")] = None,
    count: Annotated[int | None, typer.Option("--count", min=1, help="Stop after so many pictures.")] = None,
    every: Annotated[float, typer.Option("--every", min=0.1, help="Seconds from one look to the next.")] = 2.0,
    as_json: JsonOption = False,
) -> None:
    """Record screenshots with true boxes from the accessibility of running programs, until Ctrl+C or a limit.

    Nothing leaves this machine. Use the programs as usual meanwhile; train with `reticle train --captured`.
    """
    from reticle_agent.harvest.take import HarvestOptions
    from reticle_agent.harvest.take import harvest as run

    options = HarvestOptions(
        out=out,
        app=app,
        exclude=tuple(exclude or ()),
        windows=windows,
        every_s=every,
        count=count,
        seconds=seconds,
    )
    result = run(options, _tell)
    if result.looks:
        sys.stderr.write("\n")
    if as_json:
        emit_json({"screens": str(out / "screens.jsonl"), **asdict(result)})
    else:
        say(f"{result.pictures} pictures with {result.elements} elements: {out / 'screens.jsonl'}")
        for name, number in sorted(result.apps.items()):
            say(f"  {name}: {number}")
    if result.stopped and (count is not None or seconds is not None):
        raise typer.Exit(STOPPED)


def _tell(result: Harvested) -> None:
    sys.stderr.write(
        f"\r{result.pictures} pictures, {result.elements} elements"
        f" ({result.repeated} looks showed nothing new, {result.moved} moved)   "
    )
    sys.stderr.flush()
