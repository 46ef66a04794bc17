"""`reticle doctor`: what works on this machine, and what to do about what does not."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from reticle_app.config import load_settings
from reticle_app.models.choice import configured_model

from .ground import JsonOption
from .output import emit_json, say

MARKS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL"}


def register(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(
    pointer: Annotated[
        bool, typer.Option("--pointer", help="Instead: click targets on every monitor and see where clicks arrive.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check display, capture, click, Unicode typing, overlay, stop key and model. Exit code 1 when one fails."""
    if pointer:
        raise typer.Exit(_pointer(as_json))
    from reticle_agent.doctor import checks
    from reticle_app.overlay_check import overlay_works

    results = checks(model_dir=configured_model(load_settings()), overlay=overlay_works)
    if as_json:
        rows: list[dict[str, Any]] = [
            {"name": c.name, "status": c.status, "detail": c.detail, "remedy": c.remedy} for c in results
        ]
        emit_json({"ok": all(c.status != "fail" for c in results), "checks": rows})
    else:
        for c in results:
            say(f"{MARKS[c.status]}  {c.name}: {c.detail}")
            if c.status != "ok" and c.remedy:
                say(f"      -> {c.remedy}")
    raise typer.Exit(1 if any(c.status == "fail" for c in results) else 0)


def _pointer(as_json: bool) -> int:
    from reticle_agent.displays import read_displays
    from reticle_app.pointer_check import measure_pointer

    read_displays()  # one clear line where there is none; Qt would end the program
    found = measure_pointer()
    if as_json:
        emit_json({"ok": found.good, **found.model_dump(mode="json")})
    else:
        for line in found.report():
            say(line)
    return 0 if found.good else 1
