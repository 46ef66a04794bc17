"""A run that ended early goes on from its trace; nothing that was sent is sent again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from agent_fakes.chat_server import chat_server, tool
from agent_fakes.desk import Desk, Person, hurry

from reticle_agent.actions import AskUser, Click, ClickAt, EnterText, Finish, Hotkey, Input, PressKeys, Step, TypeText
from reticle_agent.loop import RunResult, run_task
from reticle_agent.planner import RulePlanner, parse
from reticle_agent.planner.endpoint import Connection, EndpointOptions, EndpointPlanner, parse_address
from reticle_agent.resume import outcomes_of
from reticle_agent.safety import Mode, Policy
from reticle_agent.seams import Planner, StepOutcome
from reticle_agent.stop import StopToken
from reticle_agent.trace import TraceReader, TraceWriter, secrets_of, verify
from reticle_grounding.errors import BadInput

TASK = "click ok, then type 'hello' into the field, then press Escape, then press Tab"
OK, FIELD = ClickAt((180, 15)), ClickAt((300, 115))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


def run(
    folder: Path,
    desk: Desk,
    task: str = TASK,
    *,
    planner: Planner | None = None,
    person: Person | None = None,
    mode: Mode = "auto",
    past: tuple[StepOutcome, ...] = (),
    secrets: list[str] | None = None,
    token: StopToken | None = None,
    **limits: Any,
) -> RunResult:
    with TraceWriter.create(folder, task=task, displays=[desk.display], secrets=secrets or []) as trace:
        result = run_task(
            task,
            planner=planner or RulePlanner(),
            screen=desk,
            grounder=desk,
            approver=person,
            actuator=desk,
            trace=trace,
            policy=Policy(mode, **limits),
            token=token or StopToken(),
            past=past,
        )
    assert verify(folder) == []
    return result


def past_of(folder: Path, task: str = TASK, secrets: list[str] | None = None) -> tuple[StepOutcome, ...]:
    return outcomes_of(TraceReader.open(folder), task, secrets or [])


class Steps:
    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)

    def next(self, task: str, past: tuple[StepOutcome, ...]) -> Step:
        return self.steps.pop(0) if self.steps else Finish(True)


def test_goes_on_after_the_step_limit_again_and_again(tmp_path: Path) -> None:
    desk = Desk()
    assert run(tmp_path / "1", desk, max_steps=1).status == "limit"
    past = past_of(tmp_path / "1")
    assert [(one.step, one.status) for one in past] == [(Click("ok"), "done")]
    assert run(tmp_path / "2", desk, past=past, max_steps=2) == RunResult("limit", 3, "the limit of 2 steps is reached")
    past = past_of(tmp_path / "2")
    assert [one.step for one in past] == list(parse(TASK))[:3]
    assert run(tmp_path / "3", desk, past=past) == RunResult("done", 4, "")
    assert desk.performed == [OK, FIELD, EnterText("hello"), PressKeys(("escape",)), PressKeys(("tab",))]
    steps = [step.number for step in TraceReader.open(tmp_path / "3").steps()]
    assert steps == [3, 4]


def test_a_step_that_was_stopped_before_its_input_is_done_anew(tmp_path: Path) -> None:
    desk, token = Desk(), StopToken()

    def stop_after_two(action: Input) -> None:
        if action == EnterText("hello"):
            token.stop("hotkey", "stopped")

    desk.on_input = stop_after_two
    assert run(tmp_path / "1", desk, token=token).status == "stopped"
    desk.on_input = lambda action: None
    assert run(tmp_path / "2", desk, past=past_of(tmp_path / "1")).status == "done"
    assert desk.performed[-2:] == [PressKeys(("escape",)), PressKeys(("tab",))]
    assert desk.performed.count(EnterText("hello")) == 1


def test_half_a_step_is_not_continued(tmp_path: Path) -> None:
    desk, token = Desk(), StopToken()

    def stop_while_typing(action: Input) -> None:
        if action == EnterText("hello"):
            token.stop("hotkey", "stopped")
            token.check()

    desk.on_input = stop_while_typing
    assert run(tmp_path / "1", desk, token=token).status == "stopped"
    with pytest.raises(BadInput, match="step 2 was interrupted and may be half done"):
        past_of(tmp_path / "1")


def test_skipped_and_refused_steps(tmp_path: Path) -> None:
    desk = Desk()
    person = Person("skip", "allow", "deny")
    assert run(tmp_path / "1", desk, mode="confirm", person=person).status == "refused"
    past = past_of(tmp_path / "1")
    assert [(one.status, one.message) for one in past] == [
        ("refused", "skipped"),
        ("done", "nothing changed on the screen"),
    ]
    run(tmp_path / "2", desk, past=past)
    assert desk.performed == [FIELD, EnterText("hello"), PressKeys(("escape",)), PressKeys(("tab",))]


def test_missed_steps_are_remembered_unless_they_were_the_last(tmp_path: Path) -> None:
    desk = Desk()
    planner = Steps(Click("moon"), Click("ok"), Click("sun"))
    assert run(tmp_path / "1", desk, planner=planner, max_misses=1).status == "done"
    assert [one.status for one in past_of(tmp_path / "1")] == ["not_found", "done", "not_found"]
    assert run(tmp_path / "2", desk, planner=Steps(Click("ok"), Click("moon"))).status == "not_found"
    assert [one.step for one in past_of(tmp_path / "2")] == [Click("ok")]


def test_secrets_come_back_hidden(tmp_path: Path) -> None:
    desk, task = Desk(), "type the password 'hunter2' into the field, then press Escape"
    secrets = secrets_of(parse(task))
    run(tmp_path / "1", desk, task, max_steps=1, secrets=secrets)
    past = past_of(tmp_path / "1", task, secrets)
    assert past[0].step == TypeText("(secret)", "the field", secret=True)
    run(tmp_path / "2", desk, task, past=past, secrets=secrets)
    assert desk.performed == [FIELD, EnterText("hunter2"), PressKeys(("escape",))]
    assert "hunter2" not in "".join(path.read_text() for path in tmp_path.rglob("*.json*"))


def test_answers_are_not_in_the_trace_and_are_not_made_up(tmp_path: Path) -> None:
    desk, person = Desk(), Person(answers=["my secret colour"])
    run(tmp_path / "1", desk, planner=Steps(AskUser("which?"), Hotkey(("a",))), person=person)
    past = past_of(tmp_path / "1")
    assert (past[0].status, past[0].step) == ("failed", AskUser("which?"))
    assert "is not recorded" in past[0].message
    run(tmp_path / "2", desk, planner=Steps(), past=(StepOutcome(AskUser("which?"), "done", "my secret colour"),))
    assert "my secret colour" not in "".join(path.read_text() for path in tmp_path.rglob("*.json*"))


def test_another_task_is_refused(tmp_path: Path) -> None:
    run(tmp_path / "1", Desk())
    with pytest.raises(BadInput, match="of another task"):
        past_of(tmp_path / "1", "click pay")


def test_a_dry_run_did_nothing(tmp_path: Path) -> None:
    run(tmp_path / "1", Desk(), "press Escape", mode="dry-run")
    with pytest.raises(BadInput, match="nothing was done"):
        past_of(tmp_path / "1", "press Escape")


def test_damaged_calls_are_refused(tmp_path: Path) -> None:
    run(tmp_path / "1", Desk())
    journal = tmp_path / "1" / "events.jsonl"
    journal.write_text(journal.read_text().replace('"tool":"click"', '"tool":"run_shell"'))
    with pytest.raises(BadInput, match="no tool 'run_shell'"):
        past_of(tmp_path / "1")


def test_traces_without_calls_are_refused(tmp_path: Path) -> None:
    """Those of earlier versions can be read, but do not say enough to be continued."""
    run(tmp_path / "1", Desk())
    journal = tmp_path / "1" / "events.jsonl"
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    journal.write_text("".join(json.dumps({k: v for k, v in line.items() if k != "call"}) + "\n" for line in lines))
    with pytest.raises(BadInput, match="cannot be continued"):
        past_of(tmp_path / "1")
    assert verify(tmp_path / "1") == []


def test_an_endpoint_is_told_what_was_done(tmp_path: Path) -> None:
    desk = Desk()
    with chat_server() as server:
        server.replies = [tool("click", target="ok"), tool("hotkey", keys=["escape"]), tool("done", success=True)]
        for folder, past, limit in (("1", (), 1), ("2", None, 9)):
            token = StopToken()
            with TraceWriter.create(tmp_path / folder, task=TASK, displays=[desk.display]) as trace:
                planner = EndpointPlanner(
                    Connection(parse_address(server.url), token),
                    EndpointOptions("m"),
                    screen=desk,
                    trace=trace,
                    token=token,
                )
                result = run_task(
                    TASK,
                    planner=planner,
                    screen=desk,
                    grounder=desk,
                    approver=None,
                    actuator=desk,
                    trace=trace,
                    policy=Policy("auto", max_steps=limit),
                    token=token,
                    past=past if past is not None else past_of(tmp_path / "1"),
                )
                if folder == "1":
                    server.replies.insert(0, tool("hotkey", keys=["escape"]))
        assert result.status == "done"
        assert '"n": 1, "tool": "click"' in server.requests[2]["messages"][1]["content"]
    assert desk.performed == [OK, PressKeys(("escape",))]
