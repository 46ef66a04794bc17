"""`reticle stop`: stop the run on this display, or measure how quickly a stop works here."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reticle_grounding.errors import BadInput

from .ground import JsonOption
from .output import emit_json, progress_bar, say

if TYPE_CHECKING:
    from reticle_agent.stop_test import Measured

GOAL_MS = 100.0
"""From the trigger to no further input, for 99 of 100 stops."""


def register(app: typer.Typer) -> None:
    app.command()(stop)


def stop(
    test: Annotated[
        bool, typer.Option("--test", help="Measure stops instead; a small window appears meanwhile.")
    ] = False,
    count: Annotated[int, typer.Option("--count", min=1, max=100_000, help="With --test: stops of each kind.")] = 10,
    virtual: Annotated[bool, typer.Option("--virtual", help="With --test: on a new virtual display.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Stop the run that acts on this display. With --test: exit code 1 when a stop is late or leaves something held."""
    if not test:
        if virtual:
            raise BadInput("--virtual goes with --test")
        from reticle_agent.single import stop_other

        agent = stop_other()
        if as_json:
            emit_json({"stopped": agent})
        else:
            say(f"asked the run (process {agent}) to stop")
        return
    if virtual:
        from reticle_agent.session import virtual_desktop

        with virtual_desktop():
            measured = _measure(count)
    else:
        measured = _measure(count)
    document = summary(measured)
    if as_json:
        emit_json(document)
    else:
        for line in lines(document):
            say(line)
    raise typer.Exit(0 if document["ok"] else 1)


def _measure(count: int) -> list[Measured]:
    from reticle_agent.single import only_agent
    from reticle_agent.stop_test import bench

    rng = random.Random()
    with only_agent(), bench() as tried, progress_bar("stops") as progress:
        ways = tried.ways()
        found = []
        for n in range(count * len(ways)):
            found.append(tried.stop(ways[n % len(ways)], rng))
            progress(n + 1, count * len(ways))
    return found


def summary(measured: list[Measured]) -> dict[str, Any]:
    """Figures by way of stopping and over all; milliseconds."""
    from reticle_agent.stop_test import TRIGGERS, WAYS, percentile

    ways = {way: [m for m in measured if m.way == way] for way in WAYS}
    rows = {way: _row(found) for way, found in ways.items() if found}
    held = sum(bool(m.held) for m in measured)
    mistaken = sum(m.trigger != TRIGGERS[m.way] for m in measured)
    p99 = percentile([m.ms for m in measured], 0.99)
    return {
        "ok": p99 <= GOAL_MS and not held,
        "goal_ms": GOAL_MS,
        "all": _row(measured),
        "by_way": rows,
        "not_tested": [way for way in WAYS if not ways[way]],
        "left_held": held,
        "held": sorted({what for m in measured for what in m.held}),
        "other_trigger": mistaken,
    }


def _row(measured: list[Measured]) -> dict[str, Any]:
    from reticle_agent.stop_test import percentile

    times = [m.ms for m in measured]
    return {
        "n": len(times),
        "p50_ms": percentile(times, 0.5),
        "p99_ms": percentile(times, 0.99),
        "max_ms": max(times),
        "last_input_p99_ms": percentile([m.last_input_ms for m in measured], 0.99),
    }


def lines(document: dict[str, Any]) -> list[str]:
    """The figures for a person."""
    names = {"hotkey": "stop key", "corner": "screen corner", "mouse": "your own mouse", "key": "your own keys"}
    said = [
        f"{names[way]}: {row['n']} stops, p50 {row['p50_ms']:.0f} ms, p99 {row['p99_ms']:.0f} ms, "
        f"slowest {row['max_ms']:.0f} ms"
        for way, row in document["by_way"].items()
    ]
    said += [f"{names[way]}: not tested, this display has no device for it" for way in document["not_tested"]]
    every = document["all"]
    said.append(
        f"all: p99 {every['p99_ms']:.0f} ms from the trigger to no further input "
        f"({'within' if every['p99_ms'] <= document['goal_ms'] else 'over'} {document['goal_ms']:.0f} ms), "
        f"{document['left_held']} left something held{''.join(f', {what}' for what in document['held'])}"
    )
    return said
