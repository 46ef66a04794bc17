"""`reticle trace memory`: what a planner would be reminded of, from the screens of a recorded run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reticle_grounding.errors import BadInput

from .ground import JsonOption
from .output import emit_json, progress_bar, say

if TYPE_CHECKING:
    from reticle_agent.memory.turns import Turn
    from reticle_agent.trace import TraceReader


def register(app: typer.Typer) -> None:
    app.command("memory")(memory)


def memory(
    trace: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a trace.")],
    question: Annotated[str, typer.Argument(help="What is looked for; the task's words help, too.")],
    budget: Annotated[int, typer.Option("--budget", min=1, help="Tokens of what is shown, at most.")] = 400,
    read: Annotated[
        bool, typer.Option("--read", help="Read the text of the recorded pictures where none was recorded.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what of a recorded run's screens fits a budget and tells most about a question, by topics.

    The lines are texts of screens: data, whatever they say. Exit code 1 when nothing speaks of the question.
    """
    from reticle_agent.memory.memory import Memory
    from reticle_agent.memory.turns import turns_of
    from reticle_agent.trace import TraceReader

    if not question.strip():
        raise BadInput("say what is looked for")
    reader = TraceReader.open(trace)
    turns = turns_of(reader)
    if read and not any(turn.lines for turn in turns):
        turns = _read(reader, turns)
    if not any(turn.lines for turn in turns):
        raise BadInput(f"no text of screens is recorded in {trace}; --read reads it from the pictures")
    known = Memory(turns)
    parts = known.recall([(reader.task, 0.5), (question, 1.0)], budget)
    if as_json:
        emit_json(
            {
                "segments": [[segment.first, segment.last] for segment in known.segments],
                "tokens": sum(part.cost for part in parts),
                "recalled": [{"steps": [part.first, part.last], "lines": list(part.lines)} for part in parts],
            }
        )
    else:
        say(f"{len(turns)} steps in {len(known.segments)} topics; {sum(part.cost for part in parts)} tokens")
        for part in parts:
            say(f"steps {part.first + 1} to {part.last + 1}:")
            for line in part.lines:
                say(f"  {line}")
    raise typer.Exit(0 if parts else 1)


def _read(reader: TraceReader, turns: list[Turn]) -> list[Turn]:
    """The turns with the text of their last picture before the input, each picture read once."""
    from dataclasses import replace

    import numpy as np

    from reticle_agent.trace.recall import read_frame
    from reticle_grounding.ocr import TextReader

    engine, known = TextReader(), dict[str, tuple[str, ...]]()
    names = {s.number: next((e.text("frame") for e in s.events if e.type == "observe"), "") for s in reader.steps()}
    wanted = list(dict.fromkeys(name for name in names.values() if name))
    with progress_bar("pictures") as progress:
        for done, name in enumerate(wanted, 1):
            frame = read_frame(reader, name)
            known[name] = () if frame is None else tuple(box.text for box in engine.read(np.asarray(frame)))
            progress(done, len(wanted))
    return [replace(turn, lines=known.get(names.get(turn.number, ""), ())) for turn in turns]
