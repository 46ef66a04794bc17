"""The planner's walk through a task, and where each step's words are."""

from __future__ import annotations

import pytest

from reticle_agent.actions import Click, Finish, Hotkey
from reticle_agent.planner import RulePlanner, parse_spans
from reticle_agent.seams import Planner, StepOutcome
from reticle_grounding.errors import BadInput

TASK = "click OK, then press Tab twice"


def test_next_walks_through_the_steps_and_finishes() -> None:
    planner: Planner = RulePlanner()
    past: list[StepOutcome] = []
    while not isinstance(step := planner.next(TASK, past), Finish):
        past.append(StepOutcome(step, "done"))
    assert [outcome.step for outcome in past] == [Click("OK"), Hotkey(("tab",)), Hotkey(("tab",))]
    assert step == Finish(True)


def test_a_failed_step_ends_the_run() -> None:
    outcome = StepOutcome(Click("OK"), "failed", "the pointer is gone")
    assert RulePlanner().next(TASK, [outcome]) == Finish(False, "step 1 of 3 failed: the pointer is gone")


@pytest.mark.parametrize("status", ["refused", "not_found"])
def test_a_step_the_loop_leaves_out_does_not_end_the_run(status: str) -> None:
    outcome = StepOutcome(Click("OK"), status, "skipped")  # type: ignore[arg-type]
    assert RulePlanner().next(TASK, [outcome]) == Hotkey(("tab",))


def test_nothing_is_done_before_everything_is_understood() -> None:
    with pytest.raises(BadInput, match="frobnicate"):
        RulePlanner().next("click OK, then frobnicate the file", [])


def test_a_planner_can_be_given_another_task() -> None:
    planner = RulePlanner()
    assert planner.next("click A", []) == Click("A")
    assert planner.next("click B", []) == Click("B")


def test_spans_are_the_words_of_the_step() -> None:
    task = "Please click 'Find, then replace' and, now, press Tab twice. Thanks!"
    words = [task[p.start : p.end] for p in parse_spans(task)]
    assert words == ["click 'Find, then replace'", "press Tab twice", "press Tab twice"]


def test_a_refusal_does_not_repeat_everything() -> None:
    with pytest.raises(BadInput, match=r'"scroll down 3 times ix+\.\.\."') as refused:
        parse_spans("click OK, then scroll down 3 times i" + "x" * 5000)
    assert len(str(refused.value)) < 1000
