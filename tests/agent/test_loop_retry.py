"""A click without any effect: the next place is tried only when the person says so."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from agent_fakes.desk import ORIGIN, Desk, Person, hurry

from reticle_agent.actions import Click, ClickAt, Finish, Hotkey, Input, Step, TypeText
from reticle_agent.loop import RunResult, run_task
from reticle_agent.perform import NOTHING_HAPPENED
from reticle_agent.safety import Policy
from reticle_agent.seams import Approval, StepOutcome
from reticle_agent.stop import StopToken
from reticle_agent.trace import TraceWriter, verify
from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Rect

OK, PAY, FIELD = (ClickAt((ORIGIN[0] + x, ORIGIN[1] + y)) for x, y in ((80, 65), (230, 65), (200, 165)))


class Steps:
    def __init__(self, *steps: Step) -> None:
        self.steps = steps
        self.past: Sequence[StepOutcome] = ()

    def next(self, task: str, past: Sequence[StepOutcome]) -> Step:
        self.past = tuple(past)
        return self.steps[len(past)] if len(past) < len(self.steps) else Finish(True, "done")


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    hurry(monkeypatch)
    return Desk()


def run(desk: Desk, folder: Path, *steps: Step, person: Person | None = None, retries: int = 2, **rules: Any) -> Any:
    planner, token = Steps(*steps), StopToken()
    policy = Policy("auto", retries=retries, **rules)
    with TraceWriter.create(folder / "trace", task="t", displays=[desk.display]) as trace:
        result = run_task(
            "t",
            planner=planner,
            screen=desk,
            grounder=desk,
            approver=person,
            actuator=desk,
            trace=trace,
            policy=policy,
            token=token,
        )
    assert verify(folder / "trace") == []
    events = [json.loads(line) for line in (folder / "trace" / "events.jsonl").read_text().splitlines()]
    return result, planner.past, events


def of(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in events if event["type"] == kind]


def reacts_at(desk: Desk, wanted: ClickAt) -> None:
    def react(action: Input) -> None:
        if action == wanted:
            desk.boxes["new"] = Rect(150, 200, 250, 230)

    desk.on_input = react


def test_the_next_place_is_asked_about_and_tried(desk: Desk, tmp_path: Path) -> None:
    reacts_at(desk, FIELD)
    desk.boxes.pop("pay")
    person = Person("allow")
    result, past, events = run(desk, tmp_path, Click("ok"), person=person)
    assert result == RunResult("done", 1, "done")
    assert desk.performed == [OK, FIELD]
    assert person.requests[0].reason == NOTHING_HAPPENED
    assert person.requests[0].chosen == 1
    assert [check["effect"] for check in of(events, "check")] == ["no_change", "changed_other"]
    assert of(events, "check")[0]["changed"] == []
    assert of(events, "check")[1]["changed"] == [pytest.approx([150 / 400, 200 / 300, 250 / 400, 230 / 300])]
    assert of(events, "check")[0]["expect"] == "something at the target changes"
    gate = of(events, "gate")[-1]
    assert (gate["rule"], gate["decision"], gate["source"]) == (NOTHING_HAPPENED, "allow", "user")
    assert past[0].message == "something changed, but not at the target"


def test_consequence_words_are_named_in_the_question(desk: Desk, tmp_path: Path) -> None:
    person = Person("deny")
    run(desk, tmp_path, Click("ok"), person=person)
    assert person.requests[0].reason == f"{NOTHING_HAPPENED}; 'pay' may have consequences"


def test_no_refuses_the_trying_and_not_the_step(desk: Desk, tmp_path: Path) -> None:
    person = Person("deny")
    result, past, _ = run(desk, tmp_path, Click("ok"), Hotkey(("a",)), person=person)
    assert result.status == "done"
    assert desk.performed[0] == OK
    assert len(desk.performed) == 2
    assert (past[0].status, past[0].message) == ("done", "nothing changed on the screen")
    assert len(person.requests) == 1


def test_stop_in_the_question_stops(desk: Desk, tmp_path: Path) -> None:
    assert run(desk, tmp_path, Click("ok"), person=Person("stop"))[0].status == "stopped"
    assert desk.performed == [OK]


def test_nobody_there_nothing_tried(desk: Desk, tmp_path: Path) -> None:
    result, past, _ = run(desk, tmp_path, Click("ok"))
    assert (result.status, desk.performed) == ("done", [OK])
    assert past[0].message == "nothing changed on the screen"


def test_at_most_so_many_and_the_person_may_pick(desk: Desk, tmp_path: Path) -> None:
    desk.boxes["fourth"] = Rect(10, 200, 90, 230)
    person = Person(Approval("allow", "user", 2), "allow", "allow")
    run(desk, tmp_path, Click("ok"), person=person)
    assert desk.performed == [OK, FIELD, PAY]
    assert [request.chosen for request in person.requests] == [1, 1]


def test_a_place_that_changed_meanwhile_is_not_tried(desk: Desk, tmp_path: Path) -> None:
    class Slow(Person):
        def decide(self, request: Any) -> Approval:
            desk.boxes["pay"] = Rect(200, 90, 260, 120)
            return super().decide(request)

    run(desk, tmp_path, Click("ok"), person=Slow("allow"))
    assert desk.performed == [OK]


def test_forbidden_places_are_not_tried(desk: Desk, tmp_path: Path) -> None:
    person = Person("allow")
    result, _, events = run(desk, tmp_path, Click("ok"), person=person, forbidden_words=("pay",))
    assert (result.status, desk.performed, person.requests) == ("done", [OK], [])
    assert of(events, "gate")[-1]["rule"] == "a rule forbids 'pay'"


def test_text_is_never_typed_twice(desk: Desk, tmp_path: Path) -> None:
    person = Person("allow")
    run(desk, tmp_path, TypeText("x", "field"), person=person)
    assert len(desk.performed) == 2
    assert person.requests == []


def test_less_than_no_tries_is_refused() -> None:
    with pytest.raises(BadInput, match="retries"):
        Policy(retries=-1)
