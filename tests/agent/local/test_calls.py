"""The closed action set as a grammar: what it lets through is a valid call, and every valid call can be said."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from tiny_models import tiny_tokenizer

from reticle_agent.actions import Click, Finish, Hotkey, Scroll, Step, TypeText, Wait
from reticle_agent.planner.endpoint.tools import RefusedCallError, tools
from reticle_agent.planner.local.calls import call_grammar, tool_lines
from reticle_agent.planner.local.planner import LEAST_ANSWER, read_answer
from reticle_grounding.planning.decode import decode
from reticle_grounding.planning.vocabulary import Constraint, Vocabulary

GRAMMAR = call_grammar()


def call(tool: str, **arguments: Any) -> str:
    return json.dumps({"tool": tool, "arguments": arguments}, ensure_ascii=False)


@pytest.mark.parametrize(
    ("text", "step"),
    [
        (call("click", target='the "Save" button'), Click('the "Save" button')),
        (call("click", target="Übernehmen", button="right", count=2), Click("Übernehmen", "right", 2)),
        (call("scroll", direction="down", amount=100, target="list"), Scroll("down", 100, "list")),
        (call("type_text", text="a\tb\n日本 \\ ", target="Name"), TypeText("a\tb\n日本 \\ ", "Name")),
        (call("hotkey", keys=["ctrl", "\\"]), Hotkey(("ctrl", "\\"))),
        (call("hotkey", keys=['"']), Hotkey(('"',))),
        (call("wait", seconds=600), Wait(600)),
        (call("wait", seconds=0.5), Wait(0.5)),
        (call("done", success=True), Finish(True)),
        (call("done", success=False, message="no"), Finish(False, "no")),
    ],
)
def test_calls_that_can_be_written_are_the_steps_they_say(text: str, step: Step) -> None:
    assert GRAMMAR.done(GRAMMAR.walk(text.encode()))
    assert read_answer(text) == step


@pytest.mark.parametrize(
    "text",
    [
        call("run_shell", command="rm"),
        call("click", target="ok", x=3),
        call("click", target=""),
        call("click", target=" "),
        call("click", target=["ok"]),
        call("click", target="ok", count=4),
        call("click", target="o\u202ek"),
        call("drag", source="a"),
        call("scroll", direction="down", amount=101),
        call("type_text", text="hi", secret=True),
        call("type_text", text=""),
        call("hotkey", keys=["frobnicate"]),
        call("hotkey", keys=["a"] * 6),
        call("wait", seconds=601),
        call("wait", seconds=-1),
        call("done"),
        '{"tool": "done"}',
        '{"tool": "click", "arguments": {"target": "ok"}} {"tool"',
        "I would click OK.",
    ],
)
def test_what_the_endpoint_would_refuse_cannot_be_written(text: str) -> None:
    assert not GRAMMAR.walk(text.encode())
    with pytest.raises(RefusedCallError):
        read_answer(text)


@pytest.mark.parametrize("marks", [0, 3])
def test_whatever_is_chosen_every_answer_is_a_valid_call(marks: int) -> None:
    """Random choices among single bytes, of all kinds of calls; the end of the tokens comes at any place."""
    grammar = call_grammar(marks)
    constraint = Constraint(grammar, Vocabulary.of(tiny_tokenizer()))
    random = np.random.default_rng(marks)
    seen: set[type[Step]] = set()
    targets: set[str] = set()
    for round_ in range(36):
        limit = int(random.integers(LEAST_ANSWER, 200))
        lasting = random.random(constraint.vocabulary.last + 1) if round_ % 2 else None

        def choose(allowed: np.ndarray, lasting: Any = lasting) -> int:
            likes = random.random(len(allowed)) if lasting is None else lasting
            return int(np.argmax(np.where(allowed, likes, -1)))

        text, ids = decode(constraint, choose, limit)
        assert len(ids) <= limit
        step = read_answer(text.decode())
        seen.add(type(step))
        targets.update(getattr(step, name) or "" for name in ("target", "source") if hasattr(step, name))
    assert len(seen) >= 7
    assert not marks or {t for t in targets if t.startswith("[")} <= {"[1]", "[2]", "[3]"}


def test_marks_are_targets_and_no_other_number_is() -> None:
    marked = call_grammar(3)
    assert marked.done(marked.walk(call("click", target="[3]").encode()))
    assert marked.done(marked.walk(call("drag", source="[1]", destination="the bin").encode()))
    assert not marked.walk(call("click", target="[4]").encode())
    assert not marked.walk(call("click", target="[3] Save").encode())
    assert marked.done(marked.walk(call("type_text", text="[9]").encode()))
    assert GRAMMAR.done(GRAMMAR.walk(call("click", target="[4]").encode()))


def test_every_tool_is_told_and_fits_the_least_answer() -> None:
    assert [json.loads(line)["tool"] for line in tool_lines()] == list(tools())
    assert GRAMMAR.least(GRAMMAR.start) < LEAST_ANSWER
    for name in tools():
        begun = GRAMMAR.walk(f'{{"tool": "{name}", "arguments": {{'.encode())
        assert GRAMMAR.least(begun) + len(f'{{"tool": "{name}", "arguments": {{') <= LEAST_ANSWER
