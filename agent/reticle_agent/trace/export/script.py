"""``script``: a stand-alone Python program that does the run again by looking for every target anew.

It holds words, keys and waits, never coordinates, and runs through ``reticle run`` with its approvals and its stop.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from reticle_agent.actions import Click, Drag, Finish, Scroll, Step, TypeText
from reticle_agent.planner import parse, render
from reticle_agent.trace.redact import MASK
from reticle_grounding.errors import BadInput

from .action import UNNAMED
from .files import write_text
from .record import Run, StepRecord

_HEAD = '''"""Does a recorded task again: every target is looked for anew on the screen as it is now.

usage: python SCRIPT [options of "reticle run", such as --dry-run, --confirm, --auto or --trace DIR]
       python SCRIPT --show

Task: {task}
Recorded by Reticle {version}; needs the "reticle" package.
"""

from __future__ import annotations

import getpass
import sys

from reticle_agent.actions import {names}
from reticle_agent.planner import render
from reticle_app.cli.main import run_command
from reticle_grounding.errors import BadInput


def secret(what: str) -> str:
    """Secret text is in no recording; whoever runs this types it."""
    return getpass.getpass(f"{{what}}: ")


def steps(ask=secret):
    return [
{steps}
    ]


def main() -> int:
    if sys.argv[1:] == ["--show"]:
        print("\\n".join(render(step) for step in steps(lambda what: "(secret)")))
        return 0
    try:
        task = "; ".join(render(step) for step in steps())
    except (BadInput, ValueError) as problem:
        print(f"a step cannot be said in words: {{problem}}", file=sys.stderr)
        return 2
    return run_command(["run", task, *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
'''


def write_script(run: Run, out: Path) -> int:
    """Returns the number of steps. Raises BadInput when none was carried out, or one cannot be said in words."""
    steps = _steps(run)
    if not steps:
        raise run.nothing("none of them was carried out or tried out")
    said = [_said(record, step) for record, step in steps]
    whole = parse("; ".join(render(step) for _, step in steps))
    assert len(whole) == len(steps), "each step is read back as itself, so all of them are"
    names = sorted({type(step).__name__ for _, step in steps})
    app = run.trace.manifest["app"]
    version = str(app.get("version", "")) if isinstance(app, dict) else ""
    lines = "\n".join(f"        {line}," for line in said)
    text = _HEAD.format(task=_plain(run.trace.task), version=_plain(version), names=", ".join(names), steps=lines)
    write_text(out, text)
    return len(steps)


def _plain(text: str) -> str:
    """Text that may stand in the program's own description: nothing in it can end the description."""
    kept = "".join(char if char.isprintable() and char not in '\\"' else " " for char in text)
    return " ".join(kept.split())[:200]


def _steps(run: Run) -> list[tuple[StepRecord, Step]]:
    """Steps that were carried out or tried out, with the words that found their places; the end is no step."""
    found = []
    for step in run.steps:
        if step.action is None or step.delivered not in ("sent", "dry_run") or isinstance(step.action, Finish):
            continue
        found.append((step, _worded(step)))
    return found


def _worded(step: StepRecord) -> Step:
    words = [target.words for target in step.acted]
    action = step.action
    assert action is not None, "checked by the caller"
    if isinstance(action, Drag) and len(words) == 2:
        return Drag(words[0] or action.source, words[1] or action.destination)
    if isinstance(action, (Click, Scroll, TypeText)) and words and words[0]:
        return replace(action, target=words[0])
    return action


def _said(record: StepRecord, step: Step) -> str:
    """The step as Python, sure to be understood by the planner as itself."""
    if isinstance(step, TypeText) and not step.secret and MASK in step.text:
        raise BadInput(f"step {record.number} types a text with a secret inside, which the trace does not hold")
    if UNNAMED in _targets(step):
        raise BadInput(f"step {record.number} has no words for its target, so it cannot be looked for again")
    if not _is_understood(step):
        raise BadInput(f"step {record.number} ({record.title}) cannot be said in words that are read back the same way")
    if isinstance(step, TypeText) and step.secret:
        what = f"secret text for {step.target}" if step.target else "secret text"
        where = f", target={step.target!r}" if step.target else ""
        return f"TypeText(ask({what!r}){where}, secret=True)"
    return repr(step)


def _is_understood(step: Step) -> bool:
    """Whether the planner reads the step's words as the step; it may take a text for secret where they speak of one."""
    try:
        read = parse(render(step))
    except (BadInput, ValueError):
        return False
    return read == (step,) or (isinstance(step, TypeText) and read == (replace(step, secret=True),))


def _targets(step: Step) -> tuple[str | None, ...]:
    if isinstance(step, Drag):
        return step.source, step.destination
    return (step.target,) if isinstance(step, (Click, Scroll, TypeText)) else ()
