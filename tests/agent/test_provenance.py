"""Which steps the user's own words name, and what a run does with the others."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reticle_agent.actions import Click, Drag, Hotkey, Scroll, Step, TypeText
from reticle_agent.planner import parse
from reticle_agent.planner.endpoint import Vault
from reticle_agent.provenance import UserWords
from reticle_agent.safety import Policy
from reticle_grounding.errors import BadInput

TASK = "open the Search menu, then click 'Find and Replace...', type 'reticle 2' into the search field, press Ctrl+S"
FREE = "look up the weather in Oslo and hit enter, don't close the window; scroll down until the Map shows"

NAMED: list[tuple[str, Step]] = [
    (TASK, Click("Search")),
    (TASK, Click("the Search menu")),
    (TASK, Click("'Find and Replace...'")),
    (TASK, Click("Find and Replace")),
    (TASK, Click("search field")),
    (TASK, TypeText("reticle 2", "search field")),
    (TASK, TypeText("reticle")),
    (TASK, Hotkey(("ctrl", "s"))),
    (TASK, Hotkey(("s", "ctrl"))),
    (FREE, TypeText("weather in Oslo")),
    (FREE, TypeText("Oslo")),
    (FREE, Hotkey(("enter",))),
    (FREE, Scroll("down")),
    (FREE, Scroll("up", 3, "the Map")),
    ("type 'x', then Enter", Hotkey(("enter",))),
    ("drag Report to Archive", Drag("Report", "Archive")),
]
UNNAMED: list[tuple[str, Step, str]] = [
    (TASK, Click("Close"), "does not say 'Close'"),
    (TASK, Click("Search Replace"), "does not say"),
    (TASK, Click("menu click"), "does not say"),
    (TASK, Click("the button"), "does not say"),
    (TASK, Click("Sear"), "does not say"),
    (TASK, Click("reticle 2"), "does not say"),
    (TASK, TypeText("reticle 2", "address bar"), "does not say 'address bar'"),
    (TASK, TypeText("reticle 2\n"), "does not stand in the task"),
    (TASK, TypeText("Reticle 2"), "does not stand in the task"),
    (TASK, TypeText("retic"), "does not stand in the task"),
    (TASK, TypeText("curl x | sh"), "does not stand in the task"),
    (TASK, Hotkey(("enter",)), "does not say to press enter"),
    (TASK, Hotkey(("ctrl", "alt", "s")), "does not say to press ctrl+alt+s"),
    (TASK, Scroll("down"), "does not say to scroll"),
    (TASK, Drag("Search", "search field"), "does not say to drag"),
    (FREE, Hotkey(("alt", "f4")), "does not say to press alt+f4"),
    (FREE, Click("weather Oslo"), "does not say"),
    (FREE, Click("the window"), "does not say 'the window'"),
    ("open the mail but not the Attachment", Click("Attachment"), "does not say"),
    ("open the mail", Click("Open"), "does not say 'Open'"),
    ("enter 'Ada' in the Name field", Hotkey(("enter",)), "does not say to press"),
    ("drag Report to Archive", Drag("Report", "Shared"), "does not say 'Shared'"),
    ("click A, then click B", Click("A click B"), "does not say"),
    ('the 5" disk', Hotkey(("enter",)), "does not say to press"),
]


@pytest.mark.parametrize(("task", "step"), NAMED)
def test_named(task: str, step: Step) -> None:
    assert UserWords(task).objection(step) is None


@pytest.mark.parametrize(("task", "step", "why"), UNNAMED)
def test_unnamed(task: str, step: Step, why: str) -> None:
    assert why in str(UserWords(task).objection(step))


def test_a_stray_quotation_mark_leaves_the_words() -> None:
    assert UserWords('open the 5" disk').objection(Click("disk")) is None


@pytest.mark.parametrize(
    "task",
    [
        TASK,
        "double-click 'Report', press Tab twice, type hello into Name",
        "drag 'a file' onto Trash",
        "scroll down 3 in the list, right-click the second row",
        "choose Edit > Preferences",
        "fill the name field with 'Ada'",
    ],
)
def test_the_rule_planners_own_steps_are_in_the_users_words(task: str) -> None:
    words = UserWords(task)
    assert [words.objection(step) for step in parse(task)] == [None] * len(parse(task))


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="abcPRESSenter tyclik'\"+,;.\n 1>(password)", max_size=60), st.text(max_size=8))
def test_any_task_can_be_judged(task: str, text: str) -> None:
    words = UserWords(task)
    objection = words.objection(TypeText(text or "x"))
    assert objection is None or (text or "x") not in task.split()
    try:
        vault = Vault(task)
    except BadInput:
        return
    assert all(secret not in vault.task or secret in task.replace(secret, "", 1) for secret in vault.secrets)


def test_what_the_user_did_not_say_is_asked_about_even_in_auto() -> None:
    policy = Policy("auto", told=UserWords(TASK))
    assert policy.reason_to_ask(Click("Search"), None) is None
    assert policy.reason_to_ask(Click("Close"), None) == "the task does not say 'Close'"
    assert Policy("auto").reason_to_ask(Click("Close"), None) is None
    confirm = Policy("confirm", told=UserWords(TASK))
    assert confirm.reason_to_ask(Click("Close"), None) == "the task does not say 'Close'"
    assert confirm.reason_to_ask(Click("Search"), None) == "confirm mode asks before every input"


@pytest.mark.parametrize(
    ("step", "why"),
    [
        (Hotkey(("a",)), "a rule forbids this kind of input (keys)"),
        (TypeText("x"), "a rule forbids this kind of input (type)"),
        (Click("the Bank tab"), "a rule forbids 'bank'"),
        (Click("openBank"), "a rule forbids 'bank'"),
        (Scroll("down", 3, "bank list"), "a rule forbids 'bank'"),
        (Drag("file", "my bank"), "a rule forbids 'bank'"),
        (Click("banker"), None),
        (Click("ok"), None),
    ],
)
def test_forbidden(step: Step, why: str | None) -> None:
    policy = Policy(forbidden_kinds=frozenset({"keys", "type"}), forbidden_words=("bank",))
    assert policy.refusal(step, None) == why
    assert Policy().refusal(step, None) is None
    assert policy.rules_sha256 != Policy().rules_sha256


def test_words_read_at_the_target_are_searched_too() -> None:
    assert Policy(forbidden_words=("bank",)).refusal(Click("ok"), None, "the Bank") == "a rule forbids 'bank'"


@pytest.mark.parametrize("rules", [{"forbidden_kinds": frozenset({"fly"})}, {"forbidden_words": (" ",)}])
def test_rules_that_mean_nothing_are_refused(rules: dict[str, object]) -> None:
    with pytest.raises(BadInput, match="forbidden"):
        Policy(**rules)  # type: ignore[arg-type]
