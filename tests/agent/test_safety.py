"""Who is asked about what, and that every doubt means no."""

from __future__ import annotations

from dataclasses import replace

import pytest
from agent_fakes.recorded import grounding

from reticle_agent.actions import Click, Drag, Hotkey, Scroll, Step, TypeText
from reticle_agent.safety import (
    CONSEQUENCE_WORDS,
    Mode,
    Policy,
    TimedApprover,
    consequence_word,
    decide,
    describe,
)
from reticle_agent.seams import Approval, ApprovalRequest
from reticle_grounding.errors import BadInput, Cancelled
from reticle_grounding.geometry import Point, Rect
from reticle_grounding.types import Candidate


def candidate(text: str | None = None, p_true: float = 0.9) -> Candidate:
    return Candidate(1, Point(50.4, 60.2), Rect(40, 50, 60, 70), p_true, 0.5, 0.1, "attention", text)


def request(step: Step, chosen: int | None = None) -> ApprovalRequest:
    return ApprovalRequest(step, describe(step), None, None, chosen, "test")


def announced_place() -> ApprovalRequest:
    found = grounding("x", [Rect(10, 10, 40, 30)])
    return ApprovalRequest(Click("x"), describe(Click("x")), None, found, 0, "test")


class Answers:
    def __init__(self, answer: Approval | Exception) -> None:
        self.answer_with, self.asked = answer, 0

    def decide(self, request: ApprovalRequest) -> Approval:
        self.asked += 1
        if isinstance(self.answer_with, Exception):
            raise self.answer_with
        return self.answer_with

    def answer(self, question: str) -> str | None:
        return None


@pytest.mark.parametrize(
    ("words", "read", "asked"),
    [
        ("7", "6", True),
        ("the 7 key", "9", True),
        ("'7'", "8 ", True),
        ("12", "1.2", True),
        ("=", "÷", True),
        ("7", "+", True),
        ("7", "7", False),
        ("the 7 button", "7", False),
        ("1,5", "1.5", False),
        ("-", "−", False),
        ("×", "*", False),
        ("7", "Z", False),
        ("7", None, False),
        ("row 7", "6", False),
        ("the Save button", "6", False),
        ("", "6", False),
    ],
)
def test_another_number_than_the_one_asked_for_is_never_clicked_unasked(
    words: str, read: str | None, asked: bool
) -> None:
    """Reading missed the 7 of a calculator; the 6 was likely enough to be clicked alone."""
    reason = Policy(mode="auto").reason_to_ask(Click(words or "x"), candidate(read), words)
    assert reason == (f"it reads '{str(read).strip()}', not '{words}'" if asked else None)


@pytest.mark.parametrize("word", CONSEQUENCE_WORDS)
def test_every_consequence_word_asks_even_in_auto(word: str) -> None:
    policy = Policy(mode="auto")
    assert policy.reason_to_ask(Click(f"the {word.title()} button"), candidate()) == f"'{word}' may have consequences"
    assert policy.reason_to_ask(Click("the blue button"), candidate(word.upper())) == f"'{word}' may have consequences"


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (Click("Find and Replace..."), "Find and Replace"),
        (Click("the Settings icon"), None),
        (Click("the address field"), "Payload"),
        (Click("Design"), "Designer"),
        (TypeText("please send and pay and delete"), None),
        (TypeText("x", target="the search field"), "Search"),
        (Hotkey(("ctrl", "s")), None),
        (Hotkey(("escape",)), None),
        (Scroll("down", 3, "the orders list"), "Delete"),
        (Drag("the red card", "the second column"), None),
    ],
)
def test_harmless_steps_do_not_ask_in_auto_and_do_in_confirm(step: Step, text: str | None) -> None:
    assert Policy(mode="auto").reason_to_ask(step, candidate(text)) is None
    assert Policy().reason_to_ask(step, candidate(text)) == "confirm mode asks before every input"


@pytest.mark.parametrize(
    ("step", "word"),
    [
        (Drag("the report", "the Trash"), "trash"),
        (Hotkey(("shift", "delete")), "shift+delete"),
        (Hotkey(("ctrl", "enter")), "ctrl+enter"),
        (TypeText("4111", target="the pay field"), "pay"),
        (Click("Replace   all"), "replace all"),
        (Click("delete_account"), "delete"),
    ],
)
def test_consequence_of_other_steps(step: Step, word: str) -> None:
    assert consequence_word(step, None) == word


@pytest.mark.parametrize(
    ("read", "word"), [("DeleteAccount", "delete"), ("PlaceOrder", "place order"), ("ReplaceAll", "replace all")]
)
def test_text_read_without_its_spaces(read: str, word: str) -> None:
    assert consequence_word(Click("the red button"), candidate(read)) == word


def test_an_answer_that_is_none_means_no() -> None:
    assert decide(Policy(), Answers(None), request(Click("x")), "why").decision == "deny"  # type: ignore[arg-type]


def test_unsure_target_asks_where_wished() -> None:
    policy = Policy(mode="auto", ask_below=0.6)
    assert policy.reason_to_ask(Click("x"), candidate(p_true=0.59)) == "not sure enough: 59% is below 60%"
    assert policy.reason_to_ask(Click("x"), candidate(p_true=0.6)) is None


def test_default_is_confirm_with_limits() -> None:
    assert (Policy().mode, Policy().max_steps, Policy().max_seconds) == ("confirm", 30, 300.0)


@pytest.mark.parametrize(
    "values", [{"mode": "yolo"}, {"max_steps": 0}, {"max_seconds": 0}, {"max_seconds": float("nan")}]
)
def test_impossible_policies_are_bad_input(values: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        Policy(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["confirm", "auto"])
def test_nobody_to_ask_means_no(mode: Mode) -> None:
    assert decide(Policy(mode=mode), None, request(Click("x")), "why").decision == "deny"


@pytest.mark.parametrize("failure", [RuntimeError("window closed"), OSError("gone"), TimeoutError()])
def test_crashed_approver_means_no(failure: Exception) -> None:
    approval = decide(Policy(), Answers(failure), request(Click("x")), "why")
    assert (approval.decision, approval.source) == ("deny", "none")


def test_stop_while_asking_passes_through() -> None:
    with pytest.raises(Cancelled):
        decide(Policy(), Answers(Cancelled("stop")), request(Click("x")), "why")


@pytest.mark.parametrize("decision", ["deny", "skip", "stop", "maybe", ""])
def test_only_allow_allows(decision: str) -> None:
    approval = decide(Policy(), Answers(Approval(decision, "user")), request(Click("x")), "why")  # type: ignore[arg-type]
    assert approval.decision != "allow"


def test_candidate_that_does_not_exist_means_no() -> None:
    assert decide(Policy(), Answers(Approval("allow", "user", 3)), request(Click("x"), 0), "why").decision == "deny"


def test_without_a_reason_nobody_is_asked() -> None:
    person = Answers(Approval("deny", "user"))
    assert decide(Policy(mode="auto"), person, request(Hotkey(("a",))), None) == Approval("allow", "policy", None)
    assert person.asked == 0


class Announces(Answers):
    """Hears of what is done without asking, and objects with its answer."""

    def announce(self, request: ApprovalRequest, seconds: float) -> Approval:
        self.told = seconds
        return self.decide(request)


def test_in_auto_mode_a_place_is_announced_and_can_be_objected_to() -> None:
    person = Announces(Approval("deny", "user"))
    counting = Policy(mode="auto", countdown_s=3)
    assert decide(counting, person, request(Click("x"), 0), None).decision == "deny"
    assert person.told == 3
    assert decide(Policy(mode="auto"), person, request(Click("x"), 0), None).source == "policy", "nothing to count"
    assert decide(counting, person, request(Hotkey(("a",))), None).source == "policy", "no place to show"
    assert decide(counting, Answers(Approval("deny", "user")), request(Click("x"), 0), None).source == "policy"
    silent, drawn = Announces(Approval("allow", "policy")), announced_place()
    assert decide(counting, silent, drawn, None) == Approval("allow", "policy", 0), "nobody objected"
    assert decide(counting, silent, drawn, "pay").decision == "deny", "asked, the yes must be a person's"
    timed = TimedApprover(Answers(Approval("deny", "user")))
    assert timed.announce(request(Click("x"), 0), 3) == Approval("allow", "policy", 0), "nobody there can look on"


def test_dry_run_never_asks() -> None:
    person = Answers(Approval("deny", "user"))
    assert decide(Policy(mode="dry-run"), person, request(Click("Pay"), None), "pay").source == "policy"
    assert person.asked == 0


def test_time_of_the_person_is_counted_apart() -> None:
    timed = TimedApprover(Answers(Approval("deny", "user")))
    timed.decide(request(Click("x")))
    timed.answer("?")
    assert timed.seconds > 0


@pytest.mark.parametrize(
    ("step", "line"),
    [
        (Click("OK"), "Click 'OK', which reads \"OK now\", at 50, 60 (sure to 90%)"),
        (Click("OK", count=2), "Double-click 'OK', which reads \"OK now\", at 50, 60 (sure to 90%)"),
        (Click("OK", button="right"), "Right-click 'OK', which reads \"OK now\", at 50, 60 (sure to 90%)"),
        (Drag("a", "b"), "Drag 'a' to 'b'"),
        (Hotkey(("ctrl", "s")), "Press ctrl+s"),
        (TypeText("hello"), "Type “hello” where the cursor is"),
        (TypeText("hunter2", secret=True), "Type 7 secret characters where the cursor is"),
        (Scroll("down", 3), "Scroll down by 3"),
    ],
)
def test_description_is_one_plain_line(step: Step, line: str) -> None:
    assert describe(step, candidate("OK now")) == line


def test_long_text_is_cut_in_the_description() -> None:
    assert describe(TypeText("x" * 490 + "; rm -rf ~")) == (
        f"Type “{'x' * 45}...{'x' * 5}; rm -rf ~ (500 characters)” where the cursor is"
    )
    assert "(201 characters, 1 line ends)" in describe(TypeText("x" * 100 + "\n" + "x" * 100))


def test_keys_inside_a_text_are_shown() -> None:
    assert describe(TypeText("ls\n\t")) == "Type “ls\u23ce\u21e5” where the cursor is"


def test_a_consequence_word_beside_the_matched_words_asks_too() -> None:
    place = replace(candidate("Everything"), line="Delete Everything")
    assert consequence_word(Click("everything"), place) == "delete"
    assert consequence_word(Click("everything"), candidate("Everything")) is None
