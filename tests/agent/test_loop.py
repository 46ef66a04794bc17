"""The loop over a drawn desktop: what is done, what is refused, and what the trace says about it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from agent_fakes.desk import ORIGIN, SCALE, Desk, Person, hurry

from reticle_agent.actions import (
    AskUser,
    Click,
    ClickAt,
    Drag,
    DragTo,
    EnterText,
    Finish,
    Hotkey,
    Input,
    PressKeys,
    Scroll,
    ScrollAt,
    Step,
    TypeText,
    Wait,
)
from reticle_agent.gates import RefusedError
from reticle_agent.loop import RunResult, run_task
from reticle_agent.safety import Mode, Policy
from reticle_agent.seams import Approval, ApprovalRequest, StepOutcome
from reticle_agent.stop import StopToken
from reticle_agent.trace import TraceWriter
from reticle_grounding.errors import BadInput, Cancelled, ReticleError
from reticle_grounding.geometry import Point, Rect


class Steps:
    """A planner that reads its steps from a list and remembers what it was told."""

    def __init__(self, *steps: Step | Exception) -> None:
        self.steps, self.past = list(steps), [()]

    def next(self, task: str, past: Sequence[StepOutcome]) -> Step:
        self.past.append(tuple(past))  # type: ignore[arg-type]
        step = self.steps.pop(0) if self.steps else Finish(True, "done")
        if isinstance(step, Exception):
            raise step
        return step


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


@pytest.fixture
def desk() -> Desk:
    return Desk()


class Run:
    """Runs steps on a desk and reads the trace back."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self.desk, self.folder, self.token = desk, folder, StopToken()

    def __call__(
        self, *steps: Step | Exception, person: Person | None = None, mode: Mode = "auto", **limits: Any
    ) -> RunResult:
        self.planner = Steps(*steps)
        with TraceWriter.create(self.folder / "trace", task="a task", displays=[self.desk.display]) as trace:
            return run_task(
                "a task",
                planner=self.planner,
                screen=self.desk,
                grounder=self.desk,
                approver=person,
                actuator=self.desk,
                trace=trace,
                policy=Policy(mode=mode, **limits),
                token=self.token,
            )

    @property
    def events(self) -> list[dict[str, Any]]:
        lines = (self.folder / "trace" / "events.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    @property
    def status(self) -> str:
        return str(json.loads((self.folder / "trace" / "manifest.json").read_text())["result"]["status"])


@pytest.fixture
def run(desk: Desk, tmp_path: Path) -> Run:
    return Run(desk, tmp_path)


def vanish(desk: Desk, name: str) -> Callable[[Input], None]:
    return lambda action: desk.boxes.pop(name, None) and None


def test_click_goes_to_the_physical_pixel_and_every_arrow_is_recorded(run: Run, desk: Desk) -> None:
    desk.on_input = vanish(desk, "ok")
    result = run(Click("the ok button"))
    assert result == RunResult("done", 1, "done")
    assert desk.performed == [ClickAt((ORIGIN[0] + 80, ORIGIN[1] + 65))]
    kinds = [event["type"] for event in run.events]
    assert kinds == [
        "task", "plan", "observe", "ground", "verify", "choose", "gate", "act", "check", "plan", "act",
    ]  # fmt: skip
    act = run.of("act")[0]
    assert (act["kind"], act["delivered"], act["recheck"]) == ("click", "sent", {"similarity": 1.0, "passed": True})
    assert act["point"]["physical"] == [180.5, 15.5]
    assert act["point"]["logical"] == [100 + 80.5 / SCALE, -50 + 65.5 / SCALE]
    assert act["point"]["norm"] == pytest.approx([80.5 / 400, 65.5 / 300])
    assert act["point"]["model_px"] == pytest.approx([80.5 / 400 * 140, 65.5 / 300 * 112])
    assert run.of("check")[0]["effect"] == "confirmed"
    assert run.of("gate")[0]["source"] == "policy"
    assert run.status == "done"


def test_inputs_of_every_step(run: Run, desk: Desk) -> None:
    result = run(
        Click("ok", button="right"),
        Click("ok", count=2),
        Drag("ok", "field"),
        Scroll("down", 3, "field"),
        Scroll("up", 2),
        TypeText("hello", target="field"),
        TypeText("there"),
        Hotkey(("ctrl", "s")),
        Wait(0.01),
    )
    assert (result.status, result.steps) == ("done", 9)
    ok, field = (180, 15), (300, 115)
    assert desk.performed == [
        ClickAt(ok, "right"),
        ClickAt(ok, "left", 2),
        DragTo(ok, field),
        ScrollAt("down", 3, field),
        ScrollAt("up", 2),
        ClickAt(field),
        EnterText("hello"),
        EnterText("there"),
        PressKeys(("ctrl", "s")),
    ]
    drag = next(event for event in run.of("act") if event["kind"] == "drag")
    assert (drag["point"]["physical"], drag["end_point"]["physical"]) == ([180.5, 15.5], [300.5, 115.5])
    assert [o.status for o in run.planner.past[-1]] == ["done"] * 9


def test_same_screen_is_observed_once(run: Run, desk: Desk) -> None:
    run(Click("ok"), Click("field"), Drag("ok", "field"))
    assert desk.observed == 1


def test_missing_approver_denies(run: Run, desk: Desk) -> None:
    result = run(Click("ok"), mode="confirm")
    assert (result.status, result.message) == ("refused", "nobody was there to approve it")
    assert desk.performed == []
    assert (run.of("gate")[0]["decision"], run.of("gate")[0]["source"]) == ("deny", "none")
    assert run.status == "refused"


def test_person_sees_what_will_be_done_and_picks_another(run: Run, desk: Desk) -> None:
    person = Person(Approval("allow", "user", 1))
    run(Click("ok"), mode="confirm", person=person)
    request = person.requests[0]
    assert request.grounding is not None
    assert request.chosen == 0
    assert request.description.startswith("Click 'ok'")
    picked = request.grounding.candidates[1]
    assert desk.performed == [ClickAt((ORIGIN[0] + int(picked.point.x), ORIGIN[1] + int(picked.point.y)))]
    assert run.of("choose")[-1]["by"] == "user"
    assert run.of("choose")[-1]["candidate_id"] == "c2"


def test_a_point_the_person_moved_is_what_is_clicked(run: Run, desk: Desk) -> None:
    person = Person(Approval("allow", "user", 1, Point(41.5, 33.5)))
    run(Click("ok"), mode="confirm", person=person)
    assert desk.performed == [ClickAt((ORIGIN[0] + 41, ORIGIN[1] + 33))]
    choice = run.of("choose")[-1]
    width, height = person.requests[0].frame.image.size  # type: ignore[union-attr]
    assert choice["by"] == "nudge"
    assert choice["point_norm"] == pytest.approx([41.5 / width, 33.5 / height])


@pytest.mark.parametrize("point", [Point(-3, 5), Point(1e6, 5)])
def test_a_point_off_the_picture_means_no(run: Run, desk: Desk, point: Point) -> None:
    assert run(Click("ok"), mode="confirm", person=Person(Approval("allow", "user", 0, point))).status == "refused"
    assert desk.performed == []


def test_refusal_ends_the_run_and_skip_does_not(run: Run, desk: Desk) -> None:
    assert run(Click("ok"), Click("field"), mode="confirm", person=Person("deny", "allow")).status == "refused"
    assert desk.performed == []


def test_skipped_step_is_told_to_the_planner(run: Run, desk: Desk) -> None:
    result = run(Click("ok"), Hotkey(("a",)), mode="confirm", person=Person("skip", "allow"))
    assert result.status == "done"
    assert desk.performed == [PressKeys(("a",))]
    assert [o.status for o in run.planner.past[-1]] == ["refused", "done"]


def test_stop_in_the_dialog_stops(run: Run, desk: Desk) -> None:
    result = run(Click("ok"), mode="confirm", person=Person("stop"))
    assert result.status == "stopped"
    assert run.of("stop")[0]["trigger"] == "button"
    assert run.of("stop")[0]["latency_ms"] >= 0
    assert run.status == "stopped"


def test_consequences_are_asked_about_in_auto(run: Run, desk: Desk) -> None:
    person = Person("deny")
    assert run(Click("ok"), Click("pay"), person=person).status == "refused"
    assert len(person.requests) == 1
    assert person.requests[0].reason == "'pay' may have consequences"
    assert desk.performed == [ClickAt((180, 15))]


def test_dry_run_sends_nothing_and_records_everything(run: Run, desk: Desk) -> None:
    result = run(Click("ok"), Click("nowhere"), TypeText("x", target="field"), Hotkey(("delete",)), mode="dry-run")
    assert result.status == "done"
    assert desk.performed == []
    assert [event["delivered"] for event in run.of("act")] == ["dry_run"] * 3 + ["sent"]
    assert [event["effect"] for event in run.of("check")] == ["unverifiable"] * 3
    assert len(run.of("ground")) == 4


def test_a_slow_menu_is_found_at_the_second_look(run: Run, desk: Desk) -> None:
    def appear(n: int) -> None:
        if n > 2:
            desk.boxes["replace"] = Rect(10, 200, 90, 220)

    desk.on_capture = appear
    assert run(Click("replace")).status == "done"
    assert [event["found"] for event in run.of("ground")] == [False, True]


def test_not_found_ends_without_a_click(run: Run, desk: Desk) -> None:
    result = run(Click("the moon"))
    assert (result.status, result.message) == ("not_found", "'the moon' was not found on this screen")
    assert desk.performed == []
    assert run.status == "not_found"


def test_not_found_asks_for_other_words(run: Run, desk: Desk) -> None:
    person = Person(answers=["the ok thing"])
    assert run(Click("the moon"), person=person).status == "done"
    assert person.questions == ["'the moon' was not found on this screen. What is it called there?"]
    assert desk.performed == [ClickAt((180, 15))]


def test_words_that_were_just_tried_are_said_to_be_and_asked_about_a_few_times(run: Run, desk: Desk) -> None:
    """Somebody who always says the same gets another question, no new search, and an end."""
    person = Person(answers=[f" The  {word} " for word in ("moon", "MOON", "moon", "moon", "moon")])
    result = run(Click("the moon"), person=person)
    assert result.status == run.status == "not_found"
    assert result.message == (
        "'the moon' was not found on this screen, nor by any of 3 answers to what it is called there"
    )
    tried = "was just tried and still names nothing on this screen. What else is it called there?"
    assert person.questions == [
        "'the moon' was not found on this screen. What is it called there?",
        f"'The  moon' {tried}",
        f"'The  MOON' {tried} (asked for the last time)",
    ]
    assert len(run.of("ground")) == 2, "searched again on a picture that had no answer"
    assert run.of("note")[-1]["message"] == result.message
    assert [note["answered"] for note in run.of("note")[:-1]] == [True, True, True]
    assert desk.performed == []


def test_other_words_are_asked_for_a_few_times_only(run: Run, desk: Desk) -> None:
    person = Person(answers=["the sun", "mars", "venus", "ok"])
    assert run(Click("the moon"), person=person).status == "not_found"
    assert len(person.questions) == 3
    assert [event["instruction"] for event in run.of("ground")][::2] == ["the moon", "the sun", "mars", "venus"]
    assert run.of("note")[-1]["tried"] == 4


def test_the_last_answer_may_be_the_right_one(run: Run, desk: Desk) -> None:
    person = Person(answers=["the moon", "the sun", "the ok thing"])
    assert run(Click("the moon"), person=person).status == "done"
    assert desk.performed == [ClickAt((180, 15))]


def test_the_same_words_are_looked_for_again_once_the_screen_has_changed(run: Run, desk: Desk) -> None:
    """Somebody opens the menu and says the same again."""
    person = Person(answers=["replace"])
    asking = person.answer

    def opened(question: str) -> str | None:
        desk.boxes["replace"] = Rect(10, 200, 90, 220)
        return asking(question)

    person.answer = opened  # type: ignore[method-assign]
    assert run(Click("replace"), person=person).status == "done"
    assert [event["found"] for event in run.of("ground")] == [False, False, True]


def test_moved_target_is_grounded_again(run: Run, desk: Desk) -> None:
    """Between grounding and click the window moves; the click follows it."""

    def move(n: int) -> None:
        if n == 3:
            desk.boxes["ok"] = Rect(50, 90, 110, 120)

    desk.on_capture = move
    assert run(Click("ok")).status == "done"
    assert desk.performed == [ClickAt((180, 55))]
    assert len(run.of("ground")) == 2
    assert run.of("note")[0]["about"] == "target_changed"


def test_moved_target_is_approved_again(run: Run, desk: Desk) -> None:
    desk.on_capture = lambda n: desk.boxes.update(ok=Rect(50, 90, 110, 120)) if n == 3 else None
    person = Person("allow", "deny")
    assert run(Click("ok"), mode="confirm", person=person).status == "refused"
    assert desk.performed == []
    assert len(person.requests) == 2


def test_restless_target_is_asked_about_even_in_auto(run: Run, desk: Desk) -> None:
    desk.on_capture = lambda n: desk.boxes.update(ok=Rect(50, 40 + 20 * (n % 5), 110, 60 + 20 * (n % 5)))
    assert run(Click("ok")).status == "refused"
    assert run.of("gate")[-1]["rule"] == "the target keeps changing"
    assert desk.performed == []


def test_vanished_target_is_not_clicked(run: Run, desk: Desk) -> None:
    desk.on_capture = lambda n: (desk.boxes.pop("ok", None) if n == 3 else None) and None
    assert run(Click("ok")).status == "not_found"
    assert desk.performed == []


@pytest.mark.parametrize(
    ("change", "effect"),
    [
        (lambda desk: desk.boxes.pop("ok"), "confirmed"),
        (lambda desk: desk.texts.update(field="typed"), "changed_other"),
        (lambda desk: None, "no_change"),
    ],
)
def test_effect_of_a_click(run: Run, desk: Desk, change: Callable[[Desk], object], effect: str) -> None:
    desk.on_input = lambda action: change(desk) and None
    run(Click("ok"))
    assert run.of("check")[0]["effect"] == effect


def test_effect_of_keys_is_any_change(run: Run, desk: Desk) -> None:
    desk.on_input = lambda action: desk.texts.update(field="typed")
    run(TypeText("typed"))
    assert run.of("check")[0]["effect"] == "confirmed"


def test_step_limit(run: Run, desk: Desk) -> None:
    result = run(*[Hotkey(("a",))] * 9, max_steps=3)
    assert (result.status, result.steps) == ("limit", 3)
    assert len(desk.performed) == 3
    assert run.of("stop")[0]["trigger"] == "limit"
    assert run.token.stopped


def test_time_limit_does_not_count_the_person(run: Run, desk: Desk) -> None:
    class Slow(Person):
        def decide(self, request: ApprovalRequest) -> Approval:
            time.sleep(0.4)
            return Approval("allow", "user")

    assert (
        run(
            Hotkey(("a",)), Hotkey(("b",)), Wait(0.5), Hotkey(("c",)), mode="confirm", person=Slow(), max_seconds=0.5
        ).status
        == "limit"
    )
    assert desk.performed == [PressKeys(("a",)), PressKeys(("b",))]


def test_stop_during_a_wait(run: Run) -> None:
    import threading

    threading.Timer(0.1, run.token.stop, ("hotkey", "stopped with the key")).start()
    result = run(Wait(60))
    assert (result.status, result.message) == ("stopped", "stopped with the key")
    assert run.of("stop")[0]["trigger"] == "hotkey"


def test_stop_during_an_input_is_recorded_as_not_delivered(run: Run, desk: Desk) -> None:
    def stopping(action: Input) -> None:
        run.token.on_stop(lambda: ("button left", "shift"))
        run.token.stop("corner")
        run.token.check()

    desk.on_input = stopping
    assert run(Click("ok")).status == "stopped"
    assert run.of("act")[0]["delivered"] == "refused"
    assert run.of("stop")[0]["released_keys"] == ["button left", "shift"]


def test_refused_input_fails_the_step(run: Run, desk: Desk) -> None:
    def refuse(action: Input) -> None:
        raise RefusedError("the point lies on Reticle's own window")

    desk.on_input = refuse
    result = run(Click("ok"))
    assert (result.status, result.message) == ("failed", "the point lies on Reticle's own window")
    assert run.of("act")[0]["delivered"] == "refused"


def test_broken_hand_fails_the_step(run: Run, desk: Desk) -> None:
    def broken(action: Input) -> None:
        raise ReticleError("the input process has ended")

    desk.on_input = broken
    assert run(Click("ok")).status == "failed"
    assert run.of("act")[0]["delivered"] == "error"
    assert run.of("error")[0]["message"] == "the input process has ended"


def test_words_the_planner_does_not_understand_are_bad_input(run: Run) -> None:
    with pytest.raises(BadInput, match="frobnicate"):
        run(BadInput("I do not understand 'frobnicate'"))
    assert run.status == "error"


def test_lost_display_is_a_result(run: Run, desk: Desk) -> None:
    def lost(n: int) -> None:
        raise ReticleError("the connection to display :1 was lost")

    desk.on_capture = lost
    result = run(Click("ok"))
    assert (result.status, result.message) == ("failed", "the connection to display :1 was lost")


def test_bug_still_finishes_the_trace(run: Run, desk: Desk) -> None:
    def bug(n: int) -> None:
        raise RuntimeError("bug")

    desk.on_capture = bug
    with pytest.raises(RuntimeError):
        run(Click("ok"))
    assert run.status == "error"


def test_questions_and_failure(run: Run) -> None:
    person = Person(answers=["blue"])
    assert run(AskUser("which?"), Finish(False, "cannot"), person=person) == RunResult("failed", 1, "cannot")
    assert run.planner.past[-1][0].message == "blue"


def test_unanswered_question_fails(run: Run) -> None:
    assert run(AskUser("which?")).status == "failed"


def test_secret_text_stays_out_of_the_trace(run: Run, desk: Desk) -> None:
    person = Person("allow")
    run(TypeText("hunter2", secret=True), mode="confirm", person=person)
    assert desk.performed == [EnterText("hunter2")]
    assert "hunter2" not in (run.folder / "trace" / "events.jsonl").read_text()
    assert "hunter2" not in person.requests[0].description


def test_already_stopped_token_does_nothing(run: Run, desk: Desk) -> None:
    run.token.stop("button")
    assert run(Click("ok")).status == "stopped"
    assert (desk.performed, desk.captures) == ([], 0)
    with pytest.raises(Cancelled):
        run.token.check()


def test_each_end_of_a_drag_is_chosen_before_the_next_is_looked_for(run: Run, desk: Desk) -> None:
    person = Person(Approval("allow", "user", 1), "allow")
    assert run(Drag("ok", "field"), mode="confirm", person=person).status == "done"
    kinds = [event["type"] for event in run.events if event["type"] in ("ground", "gate", "choose", "act")]
    assert kinds[:8] == ["ground", "choose", "gate", "choose", "ground", "choose", "gate", "act"]
    assert [event["by"] for event in run.of("choose")] == ["verifier", "user", "verifier"]
    assert [request.description for request in person.requests] == [
        "Drag 'ok' to 'field' - from here",
        "Drag 'ok' to 'field' - to here",
    ]


def test_words_the_person_gave_instead_are_checked_for_consequences(run: Run, desk: Desk) -> None:
    person = Person("deny", answers=["the delete box"])
    desk.boxes["delete"] = Rect(10, 200, 90, 220)
    desk.texts["delete"] = "x"
    assert run(Click("the moon"), person=person).status == "refused"
    assert person.requests[0].reason == "'delete' may have consequences"
    assert "(looked for as 'the delete box')" in person.requests[0].description
    assert desk.performed == []


def test_a_place_the_person_picked_is_never_replaced_unasked(run: Run, desk: Desk) -> None:
    """In auto a consequence word asks; the target changes; the harmless place found anew is asked about as well."""

    def change(n: int) -> None:
        if n == 3:
            desk.boxes |= {"ok": Rect(50, 90, 110, 120), "pay": Rect(200, 90, 260, 120)}
            desk.read = {"ok": "ok"}

    desk.read = {"ok": "delete"}
    desk.on_capture = change
    person = Person(Approval("allow", "user", 1), "deny")
    assert run(Click("ok"), person=person).status == "refused"
    assert [request.reason for request in person.requests] == [
        "'delete' may have consequences",
        "the target changed after it was approved",
    ]
    assert desk.performed == []


def test_screen_of_another_size_than_the_approved_one_gets_no_input(run: Run, desk: Desk) -> None:
    full = desk.picture
    narrow = [False]
    desk.on_capture = lambda n: narrow.__setitem__(0, n == 3)
    desk.picture = lambda: full().crop((0, 0, 398, 300)) if narrow[0] else full()  # type: ignore[method-assign]
    result = run(Click("ok"), mode="confirm", person=Person("allow", "allow", "allow"))
    assert (result.status, result.message) == ("failed", "the screen changed its size meanwhile; start the task again")
    assert desk.performed == []


def test_a_wait_ends_with_the_time_of_the_run(run: Run) -> None:
    start = time.monotonic()
    result = run(Wait(60), max_seconds=0.2)
    assert (result.status, result.message) == ("limit", "the limit of 0.2 seconds is reached")
    assert time.monotonic() - start < 30


def test_stop_that_a_part_noticed_first_is_recorded(run: Run, desk: Desk) -> None:
    def stopped(n: int) -> None:
        raise Cancelled("stopped by you")

    desk.on_capture = stopped
    assert run(Click("ok")).status == "stopped"
    assert run.of("stop")[0]["message"] == "stopped by you"


def test_stop_while_asked_for_other_words(run: Run, desk: Desk) -> None:
    class Stops(Person):
        def answer(self, question: str) -> str | None:
            run.token.stop("button", "stopped by you")
            return None

    assert run(Click("the moon"), person=Stops()).status == "stopped"


def test_forbidden_is_never_asked_about_and_never_done(run: Run, desk: Desk) -> None:
    person = Person("allow", "allow")
    result = run(Click("ok"), mode="confirm", person=person, forbidden_words=("OK",))
    assert (result.status, result.message) == ("refused", "a rule forbids 'OK'")
    assert (person.requests, desk.performed) == ([], [])
    gate = run.of("gate")[0]
    assert (gate["decision"], gate["source"], gate["rule"]) == ("deny", "policy", "a rule forbids 'OK'")


def test_a_forbidden_place_cannot_be_picked_either(run: Run, desk: Desk) -> None:
    desk.read = {"pay": "my bank"}
    person = Person(Approval("allow", "user", 1))
    assert run(Click("ok"), mode="confirm", person=person, forbidden_words=("bank",)).status == "refused"
    assert desk.performed == []


def test_forbidden_holds_in_a_dry_run(run: Run, desk: Desk) -> None:
    assert run(Hotkey(("a",)), mode="dry-run", forbidden_kinds=frozenset({"keys"})).status == "refused"


def test_a_planner_that_plans_anew_may_miss(run: Run, desk: Desk) -> None:
    assert run(Click("moon"), Click("sun"), Click("ok"), max_misses=2).status == "done"
    assert desk.performed == [ClickAt((180, 15))]


def test_too_many_misses_in_a_row_end_the_run(run: Run, desk: Desk) -> None:
    result = run(Click("moon"), Click("ok"), Click("moon"), Click("sun"), Click("ok"), max_misses=1)
    assert (result.status, result.steps) == ("not_found", 4)
    assert desk.performed == [ClickAt((180, 15))]


def test_a_refused_step_ends_the_run_however_many_misses_are_allowed(run: Run, desk: Desk) -> None:
    assert run(Click("ok"), Click("ok"), mode="confirm", max_misses=9).status == "refused"
    assert desk.performed == []
