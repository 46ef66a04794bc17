"""What `reticle models` prints for a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .output import say

if TYPE_CHECKING:
    from reticle_app.models.plan import Plan

_ASKS = {"yes": "", "no": "  NOT for commercial use", "unknown": "  commercial use unknown"}


def describe(plan: Plan, missing: int) -> list[str]:
    """The same in lines, before anything is asked."""
    from reticle_app.models.contents import is_pickled
    from reticle_app.models.memory import SCREEN_TOKENS, machine_memory
    from reticle_app.models.store import gigabytes

    source, memory = plan.source, plan.memory
    where = f"{source.repository} at {source.revision[:12]}" if source.repository and source.revision else source.origin
    lines = [
        f"{plan.name} ({plan.method}), from {where}",
        f"size: {gigabytes(plan.size)}" + (f", {gigabytes(missing)} still to come" if missing < plan.size else ""),
        *plan.terms.lines(),
        f"{memory.parameters / 1e6:,.1f} million parameters; memory with a full screenshot ({SCREEN_TOKENS} tokens), "
        + ", ".join(f"{kind} {gigabytes(memory.total(kind))}" for kind in memory.weights),
    ]
    total = machine_memory()
    if total is not None:
        fitting = [kind for kind in memory.weights if memory.opening(kind) < total]
        lines.append(f"this machine has {gigabytes(total)}: {', '.join(fitting) or 'none of these'} would fit")
    lines.append(
        "models run in float32 on the processor and bfloat16 on a GPU, or as --dtype says (fp32, bf16, int8); int4 is "
        "told for comparison"
    )
    pickled = [name for name in plan.selection.left_out if is_pickled(name)]
    if pickled:
        lines.append(f"left out, because pickled files can run code: {', '.join(pickled[:4])}")
    return lines


def print_list(found: Mapping[str, Any]) -> None:
    from reticle_app.models.store import gigabytes

    say(f"kept in {found['folder']}:")
    for row in found["models"]:
        if "size" not in row:
            say(f"  {row['name']}  DAMAGED: {row['detail']}")
            continue
        state = "" if row["state"] == "whole" else f"  DAMAGED: {row['detail']}"
        say(f"  {row['name']}  {gigabytes(row['size'])}  {row['method']}  {row['repository'] or row['origin']}{state}")
        say(f"    licence {row['licence']}{_ASKS[row['commercial_use']]}")
        say("    memory " + ", ".join(f"{kind} {gigabytes(count)}" for kind, count in row["memory"].items()))
    for name in found["unfinished"]:
        say(f"  {name}  download cut short; pull it again to go on")
    for name in found["unrecorded"]:
        say(f"  {name}  has no record; import it from elsewhere, or remove it")
    if not any(found[key] for key in ("models", "unfinished", "unrecorded")):
        say("  nothing yet")
    say("known models, with `reticle models pull NAME`:")
    for row in found["known"]:
        made = f"made from {row['base'].rpartition('/')[2]} ({row['base_licence']})"
        note = f", {row['note']}" if row["note"] else ""
        kept = "  (kept)" if row["kept"] else ""
        say(f"  {row['repository']}  {row['parameters']}  {row['method']}{note}{kept}")
        say(f"    licence {row['licence']}, {made}{_ASKS[row['commercial_use']]}")
